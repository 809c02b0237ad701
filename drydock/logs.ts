/**
 * The log of all services: lines with strictly increasing nanosecond timestamps (across services, so that
 * paging by time can neither skip nor repeat a line), bounded in lines and characters. Text is stored as it came.
 */
import type { Clock, Random } from "../base/clock.ts";
import { newId } from "./ids.ts";
import { LOG_CHARS_MAX, LOG_LINE_CHARS_MAX, LOG_LINES_MAX } from "./limits.ts";
import { NANOS_PER_MS } from "./time.ts";

export type LogType = "build" | "app";
export type LogLevel = "info" | "warning" | "error";

export interface LogEntry {
  readonly id: string;
  readonly nanos: bigint;
  readonly message: string;
  readonly resource: string;
  readonly instance: string | undefined;
  readonly type: LogType;
  readonly level: LogLevel;
}

export interface LogFilter {
  resources: readonly string[];
  /** Both ends are included. */
  start: bigint;
  end: bigint;
  direction: "forward" | "backward";
  limit: number;
  matches: (entry: LogEntry) => boolean;
}

export class LogBook {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #linesMax: number;
  readonly #books = new Map<string, { lines: LogEntry[]; chars: number }>();
  #last = 0n;

  /** @param linesMax lines kept a service @default LOG_LINES_MAX */
  constructor(clock: Clock, random: Random, linesMax = LOG_LINES_MAX) {
    this.#clock = clock;
    this.#random = random;
    this.#linesMax = linesMax;
  }

  /** Adds one line; the part beyond LOG_LINE_CHARS_MAX is dropped. */
  write(resource: string, type: LogType, message: string, instance?: string): void {
    const now = BigInt(Math.floor(this.#clock.now())) * NANOS_PER_MS;
    this.#last = now > this.#last ? now : this.#last + 1n;
    let book = this.#books.get(resource);
    if (book === undefined) this.#books.set(resource, book = { lines: [], chars: 0 });
    const text = message.length > LOG_LINE_CHARS_MAX ? message.slice(0, LOG_LINE_CHARS_MAX) : message;
    book.chars += text.length;
    book.lines.push({
      id: newId("log", this.#clock.now(), this.#random),
      nanos: this.#last,
      message: text,
      resource,
      instance,
      type,
      level: levelOf(message),
    });
    // Dropping a tenth at a time keeps the cost of a full log constant a line.
    if (book.lines.length <= this.#linesMax && book.chars <= LOG_CHARS_MAX) return;
    for (const { message } of book.lines.splice(0, Math.ceil(book.lines.length / 10))) {
      book.chars -= message.length;
    }
  }

  /** @returns the lines asked for, in the direction asked for, and whether more match */
  read(filter: LogFilter): { entries: LogEntry[]; hasMore: boolean } {
    const sources = filter.resources.map((resource) => this.#books.get(resource)?.lines ?? []);
    const all = sources.length === 1
      ? sources[0]!
      : sources.flat().sort((a, b) => a.nanos < b.nanos ? -1 : 1);
    const from = lowerBound(all, filter.start);
    const to = lowerBound(all, filter.end + 1n);
    const entries: LogEntry[] = [];
    const forward = filter.direction === "forward";
    for (let i = forward ? from : to - 1; forward ? i < to : i >= from; i += forward ? 1 : -1) {
      const entry = all[i]!;
      if (!filter.matches(entry)) continue;
      if (entries.length === filter.limit) return { entries, hasMore: true };
      entries.push(entry);
    }
    return { entries, hasMore: false };
  }

  forget(resource: string): void {
    this.#books.delete(resource);
  }
}

/** The first index whose time is not before `nanos`. */
function lowerBound(entries: readonly LogEntry[], nanos: bigint): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.nanos < nanos) low = middle + 1;
    else high = middle;
  }
  return low;
}

const ERROR = /\b(?:error|exception|traceback|fatal|critical)\b|Error:/i;
const WARNING = /\bwarn(?:ing)?\b/i;

/** A guess from the text, as Render's is; an error may well arrive as `info`. */
function levelOf(message: string): LogLevel {
  const head = message.slice(0, 500);
  return ERROR.test(head) ? "error" : WARNING.test(head) ? "warning" : "info";
}
