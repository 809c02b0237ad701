/**
 * The gates of a soak: what was measured along the way, and whether it stayed within bounds. Growth is the slope of
 * the second half by Theil and Sen, the median of the slopes between all pairs, which a few odd samples cannot move;
 * it is taken over the work done and not over time, so that a busy machine measures the same.
 */

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

export interface Gate {
  name: string;
  figure: string;
  allowed: string;
  isHeld: boolean;
}

/** What a table may hold. */
export interface TableCap {
  rows: number;
  /** Whether the cap is for each service. */
  perService: boolean;
}

export interface Allowances {
  /** Growth of the heap by the hour, in bytes. @default HEAP_BYTES_PER_HOUR_MAX */
  heapBytesPerHour?: number;
  /** Growth of the resident memory by the hour, in bytes. @default RSS_BYTES_PER_HOUR_MAX */
  rssBytesPerHour?: number;
}

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;
export const HEAP_BYTES_PER_HOUR_MAX = 16 * MIB;
export const RSS_BYTES_PER_HOUR_MAX = 64 * MIB;
/** Growth that a short run cannot tell from chance, in bytes. */
export const HEAP_NOISE_BYTES = 4 * MIB;
export const RSS_NOISE_BYTES = 32 * MIB;
/** File handles that may come and go with requests to the status server. */
export const HANDLES_SLACK = 4;
/** SQLite starts its log anew after about 4 MiB where no reader holds it up. */
export const WAL_BYTES_MAX = 64 * MIB;

/** The median of the slopes between all pairs of points; 0 where there are none. */
export function theilSen(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes = points.flatMap(([x1, y1], at) =>
    points.slice(at + 1).flatMap(([x2, y2]) => x1 === x2 ? [] : [(y2 - y1) / (x2 - x1)])
  );
  return median(slopes);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return low === undefined || high === undefined ? 0 : (low + high) / 2;
}

/** By how much something grew in the second half of the samples, by its slope. */
export function growthOf(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const half = secondHalf(samples);
  const span = (half.at(-1)?.passes ?? 0) - (half[0]?.passes ?? 0);
  return theilSen(half.map((sample) => [sample.passes, of(sample)])) * span;
}

function secondHalf(samples: readonly Sample[]): readonly Sample[] {
  return samples.slice(samples.length >> 1);
}

/**
 * Judges the samples of a soak.
 * @param caps by table; a table without one must have stopped growing
 * @param keysMax keys the queue may hold
 */
export function judge(
  samples: readonly Sample[],
  caps: Readonly<Record<string, TableCap>>,
  keysMax: number,
  allowances: Allowances = {},
): Gate[] {
  const most = (of: (sample: Sample) => number) => samples.reduce((max, one) => Math.max(max, of(one)), 0);
  const tables = Object.keys(samples.at(-1)?.rows ?? {}).toSorted();
  return [
    memoryGate("heap after a collection", samples, (one) => one.heapBytes, {
      perHour: allowances.heapBytesPerHour ?? HEAP_BYTES_PER_HOUR_MAX,
      noise: HEAP_NOISE_BYTES,
    }),
    memoryGate("resident memory", samples, (one) => one.rssBytes, {
      perHour: allowances.rssBytesPerHour ?? RSS_BYTES_PER_HOUR_MAX,
      noise: RSS_NOISE_BYTES,
    }),
    handlesGate(samples),
    {
      name: "keys in the queue",
      figure: `${most((one) => one.queueKeys)} at most`,
      allowed: `${keysMax}`,
      isHeld: most((one) => one.queueKeys) <= keysMax,
    },
    {
      name: "write-ahead log",
      figure: `${mib(most((one) => one.walBytes))} at most`,
      allowed: mib(WAL_BYTES_MAX),
      isHeld: most((one) => one.walBytes) <= WAL_BYTES_MAX,
    },
    ...tables.map((table) => tableGate(table, samples, caps[table])),
  ];
}

function memoryGate(
  name: string,
  samples: readonly Sample[],
  of: (sample: Sample) => number,
  { perHour, noise }: { perHour: number; noise: number },
): Gate {
  const half = secondHalf(samples);
  const [first, last] = [half[0], half.at(-1)];
  if (first === undefined || last === undefined) {
    return { name, figure: "not measured", allowed: "", isHeld: false };
  }
  const growth = growthOf(samples, of);
  const hours = (last.wallMs - first.wallMs) / HOUR_MS;
  const days = (last.simulatedMs - first.simulatedMs) / (24 * HOUR_MS);
  const allowed = Math.max(noise, perHour * hours);
  return {
    name,
    figure: `${signed(growth)} in the second half, at ${mib(of(last))} (${
      signed(growth / days * 7)
    } a simulated week)`,
    allowed: `${signed(allowed)} (${mib(perHour)} an hour, at least ${mib(noise)})`,
    isHeld: growth <= allowed,
  };
}

function handlesGate(samples: readonly Sample[]): Gate {
  const of = (part: readonly Sample[]) => median(part.map((one) => one.handles));
  const half = secondHalf(samples);
  // A quarter each at its median: a request under way has a handle of its own.
  const [before, after] = [of(half.slice(0, half.length >> 1)), of(half.slice(half.length >> 1))];
  return {
    name: "file handles",
    figure: `${before}, then ${after}`,
    allowed: `+${HANDLES_SLACK}`,
    isHeld: after - before <= HANDLES_SLACK,
  };
}

function tableGate(table: string, samples: readonly Sample[], cap: TableCap | undefined): Gate {
  const name = `rows of ${table}`;
  const total = samples.at(-1)?.rows[table] ?? 0;
  const growth = growthOf(samples, (one) => one.rows[table] ?? 0);
  const change = `${total}, ${growth >= 0 ? "+" : ""}${Math.round(growth)} in the second half`;
  if (cap === undefined) {
    return { name, figure: change, allowed: "no cap is known: not growing", isHeld: growth < 1 };
  }
  const rows = (one: Sample) => (cap.perService ? one.rowsOfOne : one.rows)[table] ?? 0;
  const most = samples.reduce((max, one) => Math.max(max, rows(one)), 0);
  const each = cap.perService ? " of one service" : "";
  return {
    name,
    figure: `${most}${each}; ${change}`,
    allowed: `${cap.rows}${each}${most >= cap.rows ? ", reached" : ""}`,
    isHeld: most <= cap.rows,
  };
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

function signed(bytes: number): string {
  return `${bytes >= 0 ? "+" : ""}${mib(bytes)}`;
}
