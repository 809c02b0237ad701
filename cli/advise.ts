/**
 * `advise`: what the optimizer recommends for each service and for the swarm, with the figures it rests on. Reads
 * the data folder, asks nobody and changes nothing.
 */
import { systemClock } from "../base/clock.ts";
import { EXIT } from "../base/errors.ts";
import { adviceReport } from "../reconciler/advising.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { DEFAULT_POLICY } from "../reconciler/policy.ts";
import type { Advice, AdviceReport } from "../state/advice.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { dataDirectory, openStoreIn } from "./data_folder.ts";
import { createPainter, printJson, safe, table, terminalColumns, wrap } from "./output.ts";
import type { Painter } from "./output.ts";

/** Characters of one line of advice in text. */
const LINE_CHARS_MAX = 400;
/** Units that are nouns. */
const COUNTED = new Set(["attempts", "builds", "deploys", "runs", "sets"]);

export const adviseDefinition = defineCommand({
  name: "advise",
  invocation: "deno task evenkeel advise",
  summary:
    "Shows what the optimizer recommends after three attempts or more: dependency set, caching, build order " +
    "and topology, each with its figures. Nothing of it is committed by Evenkeel unasked.",
  flags: {
    service: { kind: "list", placeholder: "NAME", description: "Only this service, by Render id or name" },
    output: outputFlag,
  },
  environment: describeVariables("EVENKEEL_DATA_DIR"),
  exitCodes: {
    0: "shown, also where there is nothing to advise yet",
    1: "a service of that name is not known",
    2: "a flag or the data folder is wrong",
  },
  examples: ["deno task evenkeel advise", "deno task evenkeel advise --service my-api -o json"],
});

export async function adviseCommand(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(adviseDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { service: services, output } = parsed.flags;
  await using store = await openStoreIn(dataDirectory());
  const report = await adviceReport(store, {
    services,
    freeMemoryMiB: freeMemoryMiB(),
    now: systemClock.now(),
  });
  const unknown = services.filter((name) =>
    !report.services.some((one) => one.id === name || one.name === name)
  );
  if (output === "json") printJson(report);
  else console.log(told(report, createPainter()));
  if (unknown.length > 0) {
    console.error(`Nothing is known of ${unknown.map((name) => safe(name, 60)).join(", ")}`);
  }
  return unknown.length > 0 ? EXIT.notReady : EXIT.ready;
}

/** Memory that is free now, in MiB. */
export function freeMemoryMiB(): number {
  return Deno.systemMemoryInfo().available / 1024 ** 2;
}

function told({ iterations, iterationsMin, advice, services }: AdviceReport, painter: Painter): string {
  const { paint } = painter;
  const enough = `advice begins after ${iterationsMin}`;
  const blocks = services.map((service) => {
    // A service that was deleted and made again has the same name.
    const title = `${paint("bold", safe(service.name))}  ${paint("dim", safe(service.id))}`;
    const head = `${title}  ${paint("dim", attempts(service.iterations))}`;
    if (service.advice.length > 0) {
      return `${head}\n${pieces(service.advice, painter)}`;
    }
    const why = service.iterations < iterationsMin ? enough : "nothing to recommend from what was seen";
    return `${head}\n  ${paint("dim", why)}`;
  });
  const head = `${paint("bold", "The agents")}  ${paint("dim", `${attempts(iterations)} of all services`)}`;
  blocks.push(
    `${head}\n${advice.length > 0 ? pieces(advice, painter) : `  ${paint("dim", enough)}`}`,
  );
  const applied = DEFAULT_POLICY.mayApplyAdvice ? "on" : "off";
  blocks.push(paint(
    "dim",
    wrap(
      "--topology auto follows the advice about the agents. The rest is yours to make: policy.mayApplyAdvice " +
        `(${applied} by default) suggests it by events, and nothing of it is committed unasked.`,
      terminalColumns(),
      0,
    ),
  ));
  return blocks.join("\n\n");
}

function attempts(count: number): string {
  return count === 1 ? "1 attempt" : `${count} attempts`;
}

/** All of one service in one table, so that what is said begins in one column. */
function pieces(advice: readonly Advice[], { paint }: Painter): string {
  const rows = advice.flatMap(({ kind, recommendation, isInPlace, figures, because }) => {
    const figure = figures.map(({ name, value, unit }) => `${safe(name)} ${value} ${unitOf(value, unit)}`);
    return [
      [kind, paint(isInPlace ? "green" : "yellow", safe(recommendation, LINE_CHARS_MAX))],
      ...because.map((text) => ["", safe(text, LINE_CHARS_MAX)]),
      ...(figure.length === 0 ? [] : [["", paint("dim", figure.join(", "))]]),
    ];
  });
  return table(rows, { indent: 2 });
}

/** Programs get one name of a unit; people one for each number. */
function unitOf(value: number, unit: string): string {
  return safe(value === 1 && COUNTED.has(unit) ? unit.slice(0, -1) : unit);
}
