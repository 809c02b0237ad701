/** What happened, line by line: the newest lines are kept, all of them go into a checksum. */
const LINES_KEPT = 400;

export class Trace {
  readonly #lines: string[] = [];
  #hash = 2166136261;
  count = 0;

  constructor(private readonly now: () => number, private readonly echo: ((line: string) => void) | null) {}

  add(text: string): void {
    const line = `${(this.now() / 1000).toFixed(3).padStart(10)} ${text}`;
    this.count++;
    let hash = this.#hash;
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 16777619);
    this.#hash = hash >>> 0;
    this.#lines.push(line);
    if (this.#lines.length > 2 * LINES_KEPT) this.#lines.splice(0, LINES_KEPT);
    this.echo?.(line);
  }

  /** The newest lines, oldest first. */
  newest(count: number): string[] {
    return this.#lines.slice(-Math.min(count, LINES_KEPT));
  }

  get checksum(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }
}
