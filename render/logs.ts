/**
 * Reads a log window page by page, in either direction, within caps on lines and bytes: a log of any size costs
 * bounded memory and a bounded number of requests. Pages may overlap at their edge; a line is kept once.
 * Paging is by copying nextStartTime and nextEndTime (reference section 2.4).
 */
import type { LogQuery, LogResult } from "./api.ts";
import { RenderRefused } from "./api.ts";
import { AnswerTooLarge } from "./body.ts";
import type { Http, Query } from "./http.ts";
import { logPageSchema } from "./schemas.ts";
import type { LogLine } from "./schemas.ts";

/** Lines of one reading. */
export const LOG_LINES_MAX = 10_000;
/** Bytes of message text of one reading. */
export const LOG_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes kept of one line, so that one line cannot use up the reading. */
export const LOG_LINE_BYTES_MAX = 64 * 1024;
/** Requests of one reading; a share of the budget of 400 a minute. */
export const LOG_PAGES_MAX = 120;

/** Asked for beyond what is still wanted: the first lines of a page may repeat the last of the page before. */
const OVERLAP_LINES = 10;
/** The documented page, and the one Render's own command line asks for after the first. */
const PAGE_LINES = 100;
const PAGE_LINES_LARGE = 1000;

export async function readLogs(http: Http, query: LogQuery, signal?: AbortSignal): Promise<LogResult> {
  const kept = createKeeper(query.linesMax ?? LOG_LINES_MAX, query.bytesMax ?? LOG_BYTES_MAX);
  const fixed: Query = [
    ["ownerId", query.ownerId],
    ...query.resource.map((id) => ["resource", id] as const),
    ...(query.type ?? []).map((type) => ["type", type] as const),
    ["direction", query.direction ?? "backward"],
  ];
  let window = { startTime: query.startTime, endTime: query.endTime };
  let pageLinesMax = PAGE_LINES;
  let largePageRefused = false;
  for (let pages = 0; pages < LOG_PAGES_MAX; pages++) {
    const pageLines = Math.min(pageLinesMax, kept.linesLeft() + OVERLAP_LINES);
    const page = await http.get(
      "/logs",
      [...fixed, ...timesOf(window), ["limit", String(pageLines)]],
      logPageSchema,
      signal,
    )
      .catch((error: unknown) => {
        if (error instanceof AnswerTooLarge || isLimitRefused(error, pageLines)) return error;
        throw error;
      });
    if (page instanceof RenderRefused) {
      [pageLinesMax, largePageRefused] = [PAGE_LINES, true];
      continue;
    }
    if (page instanceof AnswerTooLarge) {
      // Fewer lines may fit; a single line that does not fit ends the reading.
      if (pageLines === 1) return kept.result(true);
      [pageLinesMax, largePageRefused] = [Math.ceil(pageLines / 10), true];
      continue;
    }
    const isNew = kept.add(page.logs ?? []);
    if (kept.isFull()) return kept.result(page.hasMore === true);
    if (page.hasMore !== true) return kept.result(false);
    const next = {
      startTime: page.nextStartTime ?? window.startTime,
      endTime: page.nextEndTime ?? window.endTime,
    };
    const isSameWindow = next.startTime === window.startTime && next.endTime === window.endTime;
    if (isSameWindow && !isNew) return kept.result(true);
    window = next;
    if (!largePageRefused) pageLinesMax = PAGE_LINES_LARGE;
  }
  return kept.result(true);
}

type Window = { startTime: string | undefined; endTime: string | undefined };

function timesOf(window: Window): Query {
  return Object.entries(window).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const]
  );
}

function isLimitRefused(error: unknown, pageLines: number): error is RenderRefused {
  return error instanceof RenderRefused && error.status === 400 && pageLines > PAGE_LINES;
}

/** Collects lines within the caps. */
function createKeeper(linesMax: number, bytesMax: number) {
  const lines: LogLine[] = [];
  const seen = new Set<string>();
  const encoder = new TextEncoder();
  let linesLeft = Math.max(1, Math.floor(linesMax));
  let bytesLeft = Math.max(1, Math.floor(bytesMax));
  let isCut = false;
  /** Keeps what fits of one line. */
  const keep = (line: LogLine) => {
    if (linesLeft === 0 || bytesLeft === 0) {
      isCut = true;
      return;
    }
    const room = Math.min(bytesLeft, LOG_LINE_BYTES_MAX);
    // A UTF-16 unit takes at most three bytes, so most lines need no second look.
    const fits = line.message.length * 3 <= room;
    const { read, written } = fits
      ? { read: line.message.length, written: encoder.encode(line.message).length }
      : encoder.encodeInto(line.message, new Uint8Array(room));
    isCut ||= read < line.message.length;
    lines.push(read < line.message.length ? { ...line, message: line.message.slice(0, read) } : line);
    linesLeft--;
    bytesLeft = read < line.message.length && room === bytesLeft ? 0 : bytesLeft - written;
  };
  return {
    /** @returns whether any line was not seen on an earlier page */
    add(page: readonly LogLine[]): boolean {
      const fresh = page.filter((line) => !seen.has(keyOf(line)));
      for (const line of fresh) {
        keep(line);
        if (!isFull()) seen.add(keyOf(line));
      }
      return fresh.length > 0;
    },
    linesLeft: () => linesLeft,
    isFull,
    result: (truncated: boolean): LogResult => ({ lines, truncated: truncated || isCut }),
  };
  function isFull() {
    return linesLeft === 0 || bytesLeft === 0;
  }
}

/** Two lines of one page may be equal; the same line on two pages has the same id, or the same time and text. */
function keyOf(line: LogLine): string {
  return line.id ?? `${line.timestamp} ${line.message.slice(0, 200)}`;
}
