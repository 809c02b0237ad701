/** Runs many seeds, on as many threads as asked for, and hands over each result as it comes. */
import { BUGS } from "./bugs.ts";
import { simulate } from "./simulate.ts";
import type { SimulationResult } from "./simulate.ts";

/** A result without its objects, so that it can leave its thread. */
export interface SeedResult extends Omit<SimulationResult, "violations"> {
  violations: { invariant: string; message: string }[];
}

/** What a thread is told to run. */
export interface SeedOrder {
  seed: number;
  /** The name of a planted bug. */
  bug?: string | undefined;
}

/** The command that repeats a run, line by line. */
export function commandOf({ seed, bug }: SeedOrder): string {
  return `deno task sim --seed ${seed}${bug === undefined ? "" : ` --bug ${JSON.stringify(bug)}`} --trace`;
}

/** @throws what a defect of the simulator throws */
export async function runSeed({ seed, bug }: SeedOrder): Promise<SeedResult> {
  const result = await simulate(seed, { bug: bug === undefined ? undefined : BUGS[bug] });
  const violations = result.violations.map(({ invariant, message }) => ({ invariant, message }));
  return { ...result, violations };
}

/**
 * Runs `count` seeds from `first`.
 * @param bug the name of a planted bug @default none
 * @param threads @default 1, which is this thread
 * @param onResult told of every result, in no order; `false` ends the run early
 */
export async function runSeeds(
  first: number,
  count: number,
  options: { threads?: number; bug?: string | undefined; onResult: (result: SeedResult) => boolean },
): Promise<void> {
  const { bug } = options;
  const end = first + count;
  let next = first;
  let isOver = false;
  const take = (): number | null => isOver || next >= end ? null : next++;
  const give = (result: SeedResult) => {
    if (!isOver && !options.onResult(result)) isOver = true;
  };
  if ((options.threads ?? 1) <= 1) {
    for (let seed = take(); seed !== null; seed = take()) give(await runSeed({ seed, bug }));
    return;
  }
  await Promise.all(Array.from({ length: options.threads ?? 1 }, async () => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    try {
      for (let seed = take(); seed !== null; seed = take()) give(await ask(worker, { seed, bug }));
    } finally {
      worker.terminate();
    }
  }));
}

function ask(worker: Worker, order: SeedOrder): Promise<SeedResult> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<SeedResult>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`Seed ${order.seed}: ${event.message}`));
    };
    worker.postMessage(order);
  });
}
