/**
 * Runs the simulator over many seeds: the real controller, plan, journal, store and queue in a simulated world where
 * everything that can go wrong does. Ends at the first seeds that break an invariant, each with its trace and the
 * command that repeats it.
 *
 *     deno task sim --seeds 1000
 */
import { parseArguments } from "../cli/arguments.ts";
import { defineCommand, outputFlag } from "../cli/command.ts";
import { reportError } from "../cli/dispatch.ts";
import { printJson } from "../cli/output.ts";
import { EvenkeelError, EXIT } from "../base/errors.ts";
import { BUGS } from "../tests/simulation/bugs.ts";
import { commandOf, runSeeds } from "../tests/simulation/run_seeds.ts";
import type { SeedResult } from "../tests/simulation/run_seeds.ts";
import { simulate } from "../tests/simulation/simulate.ts";
import { countFlag, seedFlag } from "./flags.ts";

/** Seeds that are reported in full before a run ends early. */
const FAILURES_MAX = 5;

export const simDefinition = defineCommand({
  name: "sim",
  summary: "Runs the reconciler in a simulated world with faults and checks what must always hold.",
  flags: {
    seeds: {
      ...countFlag,
      max: 10_000_000,
      default: 1000,
      description: "How many seeds to run",
    },
    first: { ...seedFlag, default: 1, description: "The first seed" },
    seed: { ...seedFlag, description: "Run this seed alone" },
    trace: { kind: "switch", description: "With --seed: print every step" },
    bug: {
      kind: "text",
      placeholder: "NAME",
      description: "Plant this bug of tests/simulation/bugs.ts first, to see it found",
    },
    threads: {
      ...countFlag,
      max: 64,
      description: "How many seeds at once, as many as there are processors",
    },
    output: outputFlag,
  },
  exitCodes: { 0: "every invariant held", 1: "an invariant was broken", 2: "a flag is wrong" },
  examples: ["deno task sim --seeds 1000", "deno task sim --seed 17 --trace"],
});

async function sim(args: string[]): Promise<number> {
  const parsed = parseArguments(simDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { seeds, first, seed, trace, bug, threads, output } = parsed.flags;
  const planted = bug === undefined ? undefined : BUGS[bug];
  if (bug !== undefined && planted === undefined) {
    throw new EvenkeelError(`Cannot plant the bug ${JSON.stringify(bug)}: there is none of that name`, {
      exitCode: EXIT.usage,
      hint: "tests/simulation/bugs.ts and the files that it imports name them all",
    });
  }
  const isText = output === "text";
  if (seed !== undefined && trace && isText) {
    await simulate(seed, { bug: planted, echo: (line) => console.log(line) });
  }
  const startedAt = performance.now();
  const totals = { seeds: 0, passes: 0, effects: 0, steps: 0, simulatedHours: 0 };
  const ends: Record<string, number> = {};
  const failures: SeedResult[] = [];
  await runSeeds(seed ?? first, seed === undefined ? seeds : 1, {
    threads: seed === undefined ? threads ?? navigator.hardwareConcurrency : 1,
    bug,
    onResult(result) {
      totals.seeds++;
      totals.passes += result.passes;
      totals.effects += result.effects;
      totals.steps += result.steps;
      totals.simulatedHours += result.simulatedMs / 3_600_000;
      for (const end of result.ends) ends[end] = (ends[end] ?? 0) + 1;
      if (result.violations.length > 0) {
        failures.push(result);
        if (isText) console.log(describe(result, bug));
      }
      return failures.length < FAILURES_MAX;
    },
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const figures = {
    ...totals,
    simulatedHours: Math.round(totals.simulatedHours),
    seconds: Math.round(seconds * 10) / 10,
    seedsPerSecond: Math.round(totals.seeds / seconds * 10) / 10,
  };
  if (isText) {
    console.log(
      `${figures.seeds} seeds, ${failures.length} broken; ${figures.effects} effects in ${figures.passes} passes, ` +
        `${figures.simulatedHours} simulated hours in ${figures.seconds} s (${figures.seedsPerSecond} seeds a second)`,
    );
    for (const [end, count] of Object.entries(ends).sort(([, a], [, b]) => b - a)) {
      console.log(`  ${String(count).padStart(6)} ${end}`);
    }
  } else {
    printJson({
      schemaVersion: 1,
      ...figures,
      ends,
      failures: failures.map((failure) => failureOf(failure, bug)),
    });
  }
  return failures.length > 0 ? EXIT.notReady : EXIT.ready;
}

function describe(result: SeedResult, bug: string | undefined): string {
  return [
    ...result.trace.map((line) => `    ${line}`),
    `Seed ${result.seed} broke: ${result.violations[0]?.message}`,
    `    ${commandOf({ seed: result.seed, bug })}`,
    "",
  ].join("\n");
}

function failureOf({ seed, violations, trace, checksum }: SeedResult, bug: string | undefined) {
  return { seed, violations, trace, checksum, command: commandOf({ seed, bug }) };
}

if (import.meta.main) {
  try {
    Deno.exit(await sim(Deno.args));
  } catch (error) {
    Deno.exit(reportError(error));
  }
}
