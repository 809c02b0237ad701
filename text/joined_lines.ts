/** A text without its line ends, and the way back: what is broken over lines is found as one. */

/** A range of a text: `[from, to)`. */
export type Range = readonly [from: number, to: number];

export class Lines {
  readonly joined: string;
  /** Where a new line begins in the joined text. */
  readonly #starts: number[] = [];

  constructor(text: string) {
    const lines = text.split("\n");
    this.joined = lines.length === 1 ? text : lines.join("");
    let at = 0;
    for (const line of lines.slice(0, -1)) this.#starts.push(at += line.length);
  }

  /** How many line ends lie at or before a place of the joined text. */
  #before(at: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  isBroken(from: number, to: number): boolean {
    return this.#before(from) !== this.#before(to - 1);
  }

  /** Where the line of a place begins in the joined text. */
  startOf(at: number): number {
    return this.#starts[this.#before(at) - 1] ?? 0;
  }

  /** Whether a line ends just before a place. */
  isEnd(at: number): boolean {
    return this.endOf(at - 1) === at;
  }

  endOf(at: number): number {
    return this.#starts[this.#before(at)] ?? this.joined.length;
  }

  /** The same range in the text as it was, one for each line. */
  *original(from: number, to: number): Iterable<Range> {
    let ends = this.#before(from);
    while (from < to) {
      const lineEnd = Math.min(to, this.#starts[ends] ?? to);
      if (lineEnd > from) yield [from + ends, lineEnd + ends];
      from = lineEnd;
      ends++;
    }
  }
}
