/** Chance from a seed: the same seed gives the same numbers, and each part of the world draws from a stream of its own. */
export class Chance {
  #state: number;

  /** @param seed any integer; @param stream names the part of the world that draws */
  constructor(seed: number, stream = "") {
    let hash = 2166136261;
    for (const char of `${seed}/${stream}`) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619);
    this.#state = hash >>> 0;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** A number in [0, 1); mulberry32. */
  next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };

  /** True with the given probability. */
  roll(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    // The index lies inside: next() is below 1.
    return from[Math.floor(this.next() * from.length)] as T;
  }
}
