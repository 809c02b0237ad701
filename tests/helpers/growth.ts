/**
 * Whether work grows in proportion to its input. Nothing is held against a clock: the same work is done on an input and
 * on one four times as long, in turns, and the two are compared. Work in proportion costs 4 times as much, work by the
 * square 16 times. What is compared is the time that this thread had a processor, so that a busy machine changes little.
 */
import { assert } from "@std/assert";

const TIMES_LONGER = 4;
/** Between 4 and 16, and far from both. */
const RATIO_MAX = 9;
/** Runs of each size in one try; the least of them counts, which pauses for garbage touch least. */
const RUNS = 2;
/** Something may spoil a try; what is by the square fails each. */
const TRIES_MAX = 8;

export interface Growing {
  name: string;
  /** Makes an input of about so many characters. */
  input: (chars: number) => string;
  work: (input: string) => unknown;
  /** Characters of the shorter input. */
  chars: number;
  /** What the longer input may cost at most, as a multiple of the shorter. @default RATIO_MAX */
  ratioMax?: number;
  /** Where the longer input takes less than so many milliseconds there is nothing to compare. @default 0 */
  cheapMs?: number;
}

export function assertGrowsInProportion(growing: Growing): void {
  const { name, input, work, chars, ratioMax = RATIO_MAX, cheapMs = 0 } = growing;
  const [short, long] = [input(chars), input(chars * TIMES_LONGER)];
  const startedAt = performance.now();
  work(long);
  if (performance.now() - startedAt < cheapMs) return;
  const ratios: number[] = [];
  do {
    const costs = { short: Infinity, long: Infinity };
    for (let run = 0; run < RUNS; run++) {
      costs.short = Math.min(costs.short, costOf(() => work(short)));
      costs.long = Math.min(costs.long, costOf(() => work(long)));
    }
    ratios.push(costs.long / costs.short);
    // One try may flatter what is by the square as well.
  } while (ratios.filter((ratio) => ratio <= ratioMax).length < 2 && ratios.length < TRIES_MAX);
  const shown = ratios.map((ratio) => ratio.toFixed(1)).join(", ");
  assert(
    ratios.filter((ratio) => ratio <= ratioMax).length >= 2,
    `${name}: ${TIMES_LONGER} times the input cost ${shown} times as much`,
  );
}

function costOf(work: () => void): number {
  const before = processorTime();
  work();
  return processorTime() - before;
}

const pause = new Int32Array(new SharedArrayBuffer(4));
/** In nanoseconds or, where the system does not tell, what has passed. */
function processorTime(): number {
  // The system brings its account of a thread up to date when it leaves the processor.
  Atomics.wait(pause, 0, 0, 0.01);
  try {
    return Number(Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ")[0]);
  } catch {
    return performance.now() * 1_000_000;
  }
}
