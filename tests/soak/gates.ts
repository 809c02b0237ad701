/**
 * The gates of a soak: what was measured along the way, and whether it stayed within bounds. A gate whose run was too
 * short for its figure says that it cannot tell; it never passes for want of measurements.
 */
import { growthGate } from "./growth.ts";

/** One measurement of the running process. */
export interface Sample {
  /** Passes of the controller so far. */
  passes: number;
  /** Milliseconds since the soak began. */
  wallMs: number;
  simulatedMs: number;
  /** JavaScript's heap after a collection, with what hangs from it, in bytes. */
  heapBytes: number;
  rssBytes: number;
  handles: number;
  queueKeys: number;
  diskBytes: number;
  walBytes: number;
  /** Rows by table. */
  rows: Readonly<Record<string, number>>;
  /** Rows of the service that has the most, by table, where the cap is for each service. */
  rowsOfOne: Readonly<Record<string, number>>;
}

/** `untold`: the run was too short, or something else stood in the way of the measurement. */
export type Verdict = "held" | "broken" | "untold";

export interface Gate {
  name: string;
  figure: string;
  allowed: string;
  verdict: Verdict;
}

/** What a table may hold. */
export interface TableCap {
  rows: number;
  /** Whether the cap is for each service. */
  perService: boolean;
}

const KIB = 1024;
const MIB = 1024 * KIB;
/** Of the whole process, whatever the number of services; a service brings some of the warm-up with it. */
export const HEAP_LIMIT = { perWeek: 8 * MIB, warmUp: 4 * MIB, warmUpOfOne: 50 * KIB };
export const RSS_LIMIT = { perWeek: 64 * MIB, warmUp: 32 * MIB, warmUpOfOne: 100 * KIB };
/** A few come and go with requests to the status server. */
export const HANDLES_LIMIT = { perWeek: 2, warmUp: 4, warmUpOfOne: 0 };
/** SQLite starts its log anew after about 4 MiB where no reader holds it up. */
export const WAL_BYTES_MAX = 64 * MIB;

/** One gate that is broken breaks the whole; one that cannot tell leaves the whole untold. */
export function verdictOf(gates: readonly Gate[]): Verdict {
  const has = (verdict: Verdict) => gates.some((gate) => gate.verdict === verdict);
  return has("broken") ? "broken" : has("untold") || gates.length === 0 ? "untold" : "held";
}

/**
 * Judges the samples of a soak.
 * @param caps by table; one without a cap is broken
 * @param services that are looked after; the queue holds a key for each at most
 */
export function judge(
  samples: readonly Sample[],
  caps: Readonly<Record<string, TableCap>>,
  services: number,
): Gate[] {
  const growth = (
    name: string,
    of: (sample: Sample) => number,
    { perWeek, warmUp, warmUpOfOne }: typeof HEAP_LIMIT,
    say: (value: number) => string,
  ) => growthGate(name, samples, of, { perWeek, warmUp: warmUp + warmUpOfOne * services }, say);
  const tables = Object.keys(samples.at(-1)?.rows ?? {}).toSorted();
  return [
    growth("heap after a collection", (one) => one.heapBytes, HEAP_LIMIT, mib),
    growth("resident memory", (one) => one.rssBytes, RSS_LIMIT, mib),
    growth("file handles", (one) => one.handles, HANDLES_LIMIT, (count) => count.toFixed(1)),
    mostGate("keys in the queue", samples, (one) => one.queueKeys, services, String),
    mostGate("write-ahead log", samples, (one) => one.walBytes, WAL_BYTES_MAX, mib),
    ...tables.map((table) => tableGate(table, samples, caps[table])),
  ];
}

function most(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return samples.reduce((max, one) => Math.max(max, of(one)), 0);
}

function mostGate(
  name: string,
  samples: readonly Sample[],
  of: (sample: Sample) => number,
  max: number,
  say: (value: number) => string,
): Gate {
  const found = most(samples, of);
  const verdict = samples.length === 0 ? "untold" : found <= max ? "held" : "broken";
  return { name, verdict, figure: `${say(found)} at most`, allowed: say(max) };
}

function tableGate(table: string, samples: readonly Sample[], cap: TableCap | undefined): Gate {
  const name = `rows of ${table}`;
  const total = samples.at(-1)?.rows[table] ?? 0;
  if (cap === undefined) {
    return { name, verdict: "broken", figure: `${total}`, allowed: "no cap is known" };
  }
  const found = most(samples, (one) => (cap.perService ? one.rowsOfOne : one.rows)[table] ?? 0);
  const each = cap.perService ? " of one service" : "";
  return {
    name,
    verdict: found <= cap.rows ? "held" : "broken",
    figure: cap.perService ? `${found}${each}, ${total} in all` : `${found}`,
    allowed: `${cap.rows}${each}${found >= cap.rows ? ", reached" : ""}`,
  };
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
