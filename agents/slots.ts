/** A bounded number of places; who finds none free waits in line. */
export interface Slots {
  /**
   * Resolves with a place to be disposed of, or `undefined` when `signal` aborts before one is free.
   */
  take(signal?: AbortSignal): Promise<Disposable | undefined>;
}

export function createSlots(count: number): Slots {
  let free = count;
  const line: (() => void)[] = [];
  const release = () => {
    const next = line.shift();
    if (next === undefined) free++;
    else next();
  };
  const place = (): Disposable => ({ [Symbol.dispose]: release });
  return {
    take(signal) {
      if (signal?.aborted) return Promise.resolve(undefined);
      if (free > 0) {
        free--;
        return Promise.resolve(place());
      }
      return new Promise((resolve) => {
        const leave = () => {
          line.splice(line.indexOf(enter), 1);
          resolve(undefined);
        };
        const enter = () => {
          signal?.removeEventListener("abort", leave);
          resolve(place());
        };
        line.push(enter);
        signal?.addEventListener("abort", leave, { once: true });
      });
    },
  };
}
