/**
 * Runs Evenkeel over many simulated services for weeks of simulated time and measures what grows: memory, file
 * handles, tables. Prints a line a minute and a table of gates at the end.
 *
 *     deno task soak --minutes 30
 */
import { parseArguments } from "../cli/arguments.ts";
import { defineCommand, outputFlag } from "../cli/command.ts";
import { reportError } from "../cli/dispatch.ts";
import { createPainter, printJson, table } from "../cli/output.ts";
import { stopOnSignals } from "../cli/signals.ts";
import { EXIT } from "../base/errors.ts";
import { verdictOf } from "../tests/soak/gates.ts";
import type { Verdict } from "../tests/soak/gates.ts";
import { soak } from "../tests/soak/soak.ts";
import type { Progress, SoakResult } from "../tests/soak/soak.ts";
import { countFlag, seedFlag } from "./flags.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const MIB = 1024 * 1024;
const MINUTES_DEFAULT = 30;
const SERVICES_DEFAULT = 200;

export const soakDefinition = defineCommand({
  name: "soak",
  summary:
    "Runs the reconciler over simulated services for weeks of compressed time and measures what grows.",
  flags: {
    minutes: {
      kind: "number",
      placeholder: "MINUTES",
      min: 0.1,
      max: 10_000,
      whole: false,
      default: MINUTES_DEFAULT,
      description: "How long to run",
    },
    services: {
      ...countFlag,
      max: 2_000,
      default: SERVICES_DEFAULT,
      description: "How many services to look after",
    },
    agents: {
      kind: "choice",
      of: ["simulated", "processes"],
      default: "simulated",
      description: "Run analyzer and optimizer as the processes they are; slower",
    },
    seed: { ...seedFlag, default: 1, description: "What happens follows from it" },
    output: outputFlag,
  },
  exitCodes: {
    0: "every gate held",
    1: "a gate did not hold",
    2: "a flag is wrong",
    3: "none is broken, but the run was too short to tell for one at least",
  },
  examples: ["deno task soak --minutes 30", "deno task soak --minutes 3 --services 40 --agents processes"],
});

async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(soakDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { minutes, services, agents, seed, output } = parsed.flags;
  const isText = output === "text";
  let said = 0;
  using stop = stopOnSignals(() => console.error("Ending; what was measured so far is judged"));
  const result = await soak({
    signal: stop.signal,
    services,
    wallMs: minutes * MINUTE,
    realAgents: agents === "processes",
    seed,
    onViolation: (violation, trace) => console.error([...trace, violation].join("\n")),
    onSample(progress) {
      if (progress.sample.wallMs < said * MINUTE) return;
      said++;
      // Standard error, so that JSON stays alone.
      console.error(lineOf(progress));
    },
  });
  if (isText) console.log(report(result));
  else {
    const { samples: _, ...rest } = result;
    printJson({ schemaVersion: 2, verdict: verdictOf(result.gates), ...rest });
  }
  return EXIT_CODES[verdictOf(result.gates)];
}

const EXIT_CODES = { held: EXIT.ready, broken: EXIT.notReady, untold: EXIT.unobservable } as const;
const WORDS: Readonly<Record<Verdict, readonly ["green" | "red" | "yellow", string]>> = {
  held: ["green", "held"],
  broken: ["red", "BROKEN"],
  untold: ["yellow", "too short to tell"],
};

function lineOf({ sample, incidents, effects, violations }: Progress): string {
  const rows = Object.values(sample.rows).reduce((sum, count) => sum + count, 0);
  return [
    `${(sample.wallMs / MINUTE).toFixed(0).padStart(3)} min`,
    `${(sample.simulatedMs / DAY).toFixed(1)} days`,
    `${sample.passes} passes`,
    `${incidents} incidents`,
    `${effects} effects`,
    `heap ${(sample.heapBytes / MIB).toFixed(1)} MiB`,
    `resident ${(sample.rssBytes / MIB).toFixed(0)} MiB`,
    `${sample.handles} handles`,
    `${rows} rows in ${(sample.diskBytes / MIB).toFixed(0)} MiB`,
    ...violations > 0 ? [`${violations} invariants broken`] : [],
  ].join("  ");
}

function report(result: SoakResult): string {
  const { paint } = createPainter();
  const perSecond = Math.round(result.passes / (result.wallMs / 1000));
  const rows = result.gates.map(({ verdict, name, figure, allowed }) => [
    paint(...WORDS[verdict]),
    name,
    figure,
    paint("dim", allowed),
  ]);
  const count = (verdict: Verdict) => result.gates.filter((gate) => gate.verdict === verdict).length;
  return [
    `${(result.simulatedMs / DAY).toFixed(1)} simulated days in ${
      (result.wallMs / MINUTE).toFixed(1)
    } min: ` +
    `${result.passes} passes (${perSecond} a second), ${result.incidents} incidents, ${result.effects} effects, ` +
    `${result.statusReads} status answers, event loop held for ${
      (result.loopHeldMs / 1000).toFixed(1)
    } s at most` +
    (result.agentProcesses > 0 ? `, ${result.agentProcesses} agent processes` : ""),
    "",
    table(rows),
    "",
    [
      `${count("held")} of ${result.gates.length} gates held`,
      ...count("broken") > 0 ? [`${count("broken")} did not`] : [],
      ...count("untold") > 0 ? [`the run was too short to tell for ${count("untold")}`] : [],
    ].join(", "),
  ].join("\n");
}

if (import.meta.main) {
  try {
    Deno.exit(await run(Deno.args));
  } catch (error) {
    Deno.exit(reportError(error));
  }
}
