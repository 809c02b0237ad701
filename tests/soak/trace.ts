/** Keeps the newest lines of what happened, and hands over those about an invariant that breaks. */
import type { Checker } from "../simulation/checker.ts";

const LINES_KEPT = 5_000;
const VIOLATIONS_TOLD = 5;
const VIOLATION_LINES = 60;

export type OnViolation = (violation: string, around: readonly string[]) => void;

export class Trace {
  readonly #lines: string[] = [];
  #told = 0;

  /** @param onViolation told of the first few, with what went on around each, newest last */
  constructor(private readonly onViolation?: OnViolation) {}

  /** @param atMs simulated time, in milliseconds */
  add(text: string, atMs: number, incidents: Checker["incidents"]): void {
    this.#lines.push(`${(atMs / 1000).toFixed(1)} ${text}`);
    if (this.#lines.length > 2 * LINES_KEPT) this.#lines.splice(0, LINES_KEPT);
    if (!text.startsWith("VIOLATION") || this.#told++ >= VIOLATIONS_TOLD) return;
    const incident = incidents.get(/inc_[A-Za-z0-9_]+/.exec(text)?.[0] ?? "");
    const serviceId = incident?.serviceId ?? /srv-sim\d+/.exec(text)?.[0] ?? "";
    const isAbout = new RegExp(`${serviceId}\\b`);
    this.onViolation?.(text, this.#lines.filter((line) => isAbout.test(line)).slice(-VIOLATION_LINES));
  }
}
