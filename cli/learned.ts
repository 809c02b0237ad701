/**
 * `learned`: shows what verified outcomes say about remedies, and reads in what an earlier system knew. Asks
 * nobody; an import writes to the store only.
 */
import { causes } from "../agents/analyzer/causes/all.ts";
import { systemClock } from "../base/clock.ts";
import { EvenkeelError, EXIT, messageOf } from "../base/errors.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { provingAttempts, verifiedOnly } from "../reconciler/proving.ts";
import { HALF_LIFE_DAYS, QUARANTINE_DAYS } from "../state/learning.ts";
import { remedyState } from "../state/learning_state.ts";
import type { RemedyState } from "../state/learning_state.ts";
import { performanceMap } from "../state/performance.ts";
import { IMPORT_BYTES_MAX, parseImport } from "../state/prior.ts";
import type { Import } from "../state/prior.ts";
import { recallTallies } from "../state/recall.ts";
import type { Store } from "../state/store.ts";
import { formatDuration } from "../text/duration.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { dataDirectory, openStoreIn } from "./data_folder.ts";
import { cleanLine, refreshExport } from "./learning_file.ts";
import { createPainter, printJson, safe, table } from "./output.ts";

/** Classes of failures shown of a remedy in text; JSON lists more. */
const CLASSES_SHOWN = 5;
/** Newest incidents looked through for open ones. */
const INCIDENTS_READ = 200;
/** Names kept aside that are shown in text; JSON lists all. */
const ASIDE_SHOWN = 20;

export const learnedDefinition = defineCommand({
  name: "learned",
  invocation: "deno task evenkeel learned",
  summary:
    "Shows what was learned: for each cause and remedy the verified outcomes, the share that healed with its 95 % " +
    `interval, and what is in quarantine. Outcomes weigh half after ${HALF_LIFE_DAYS} days.`,
  flags: {
    cause: { kind: "list", placeholder: "CAUSE", description: "Only this cause" },
    import: {
      kind: "text",
      placeholder: "FILE",
      description: "First read in an export of an earlier system as weak prior knowledge, once only",
    },
    output: outputFlag,
  },
  environment: describeVariables("EVENKEEL_DATA_DIR"),
  exitCodes: { 0: "shown", 2: "a flag, the file or the data folder is wrong" },
  examples: ["deno task evenkeel learned", "deno task evenkeel learned --import deploy_learning_state.json"],
});

/** A remedy as it is shown; what the catalogue does not know is kept aside and never offered. */
type Row = RemedyState & { known: boolean };
/** An attempt of an open incident whose outcome is not verified yet. */
interface Proving {
  cause: string;
  remedy: string;
  service: string;
  attempt: number;
}
interface Reading {
  file: string;
  /** When the same file was read in before, RFC 3339. */
  alreadyAt: string | null;
  fixes: number;
  keptAside: number;
  failedDependencies: number;
  durations: number;
}

export async function learnedCommand(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(learnedDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { cause: wanted, import: file, output } = parsed.flags;
  const directory = dataDirectory();
  // Read before the store is opened: a wrong name leaves nothing behind.
  const given = file === undefined ? null : await readImport(file);
  await using store = await openStoreIn(directory);
  const reading = file === undefined || given === null ? null : await takeIn(store, file, given);
  if (reading !== null && reading.alreadyAt === null) await refreshExport(directory, store);

  const now = systemClock.now();
  const open = (await store.listIncidents({ limit: INCIDENTS_READ })).filter(({ status }) =>
    status === "open"
  );
  const proving = open.flatMap((incident) =>
    [...provingAttempts(incident), ...incident.attempts.filter(({ status }) => status === "running")].map((
      { cause, remedy, number },
    ): Proving => ({ cause, remedy, service: incident.serviceName, attempt: number }))
  ).filter(({ cause }) => wanted.length === 0 || wanted.includes(cause));
  const rows: Row[] = (await recallTallies(verifiedOnly(store, open), now)).filter(({ cause }) =>
    wanted.length === 0 || wanted.includes(cause)
  ).map((tally) => ({ ...remedyState(tally), known: isKnown(tally.cause, tally.remedy) }));
  const imports = await store.listImports();
  const durations = performanceMap(await store.listPerformance(), imports);
  const failedDependencies = [...new Set(imports.flatMap((one) => one.failedDependencies))];
  if (output === "json") {
    printJson({
      schemaVersion: 1,
      halfLifeDays: HALF_LIFE_DAYS,
      quarantineDays: QUARANTINE_DAYS,
      imported: reading,
      remedies: rows,
      being_proven: proving,
      performance_map: durations,
      imported_failed_dependencies: failedDependencies,
    });
    return EXIT.ready;
  }
  const { paint } = createPainter();
  const blocks = [
    ...(reading === null ? [] : [told(reading)]),
    ...remedyBlocks(rows, now).map(([title, text]) => `${paint("bold", title)}\n${text}`),
    ...(proving.length === 0
      ? []
      : [`${paint("bold", "Being proven, not counted yet")}\n${provingTable(proving)}`]),
    ...(wanted.length > 0 ? [] : factBlocks(durations, failedDependencies)).map(([title, text]) =>
      `${paint("bold", title)}\n${text}`
    ),
  ];
  console.log(blocks.length > 0 ? blocks.join("\n\n") : nothing(wanted));
  return EXIT.ready;
}

function provingTable(proving: readonly Proving[]): string {
  return table(
    proving.map(({ cause, remedy, service, attempt }) => [
      safe(remedy),
      `for ${safe(cause)}, attempt ${attempt} of the open incident of ${safe(service, 60)}`,
    ]),
    { indent: 2 },
  );
}

function nothing(wanted: readonly string[]): string {
  const about = wanted.length === 0 ? "" : ` about ${wanted.map((cause) => safe(cause)).join(", ")}`;
  return `Nothing is learned${about} yet: no attempt has a verified outcome`;
}

async function readImport(file: string): Promise<Import> {
  const cannot = (why: string) =>
    new EvenkeelError(`Cannot import ${safe(file)}: ${why}`, { hint: "Give the file of an export" });
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    // Asked before it is opened: opening a pipe waits for somebody who writes to it.
    if (!(await Deno.stat(file)).isFile) throw cannot("it is no file");
    using opened = await Deno.open(file);
    const buffer = new Uint8Array(IMPORT_BYTES_MAX + 1);
    let length = 0;
    for (let read = await opened.read(buffer); read; read = await opened.read(buffer.subarray(length))) {
      length += read;
    }
    bytes = buffer.slice(0, length);
  } catch (error) {
    if (error instanceof EvenkeelError) throw error;
    throw cannot(error instanceof Deno.errors.NotFound ? "there is no such file" : messageOf(error));
  }
  return await parseImport(file, bytes, { now: systemClock.now(), clean: cleanLine });
}

async function takeIn(store: Store, file: string, given: Import): Promise<Reading> {
  const before = await store.addImport(given);
  return {
    file,
    alreadyAt: before === null ? null : new Date(before).toISOString(),
    fixes: given.fixes.length,
    keptAside: given.fixes.filter(({ cause, remedy }) => !isKnown(cause, remedy)).length,
    failedDependencies: given.failedDependencies.length,
    durations: given.performance.length,
  };
}

function isKnown(cause: string, remedy: string): boolean {
  return causes.find(({ slug }) => slug === cause)?.remedies.includes(remedy) ?? false;
}

function told({ file, alreadyAt, fixes, keptAside, failedDependencies, durations }: Reading): string {
  if (alreadyAt !== null) {
    return `${safe(file)} was read in already, on ${alreadyAt.slice(0, 10)}: nothing is changed`;
  }
  const aside = keptAside === 0 ? "" : ` (${keptAside} kept aside: not in the catalogue)`;
  return `Read in ${safe(file)} as prior knowledge: ${counted(fixes, "fix", "fixes")}${aside}, ` +
    `${counted(failedDependencies, "failed dependency", "failed dependencies")}, ${
      counted(durations, "duration", "durations")
    }`;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

type Block = [title: string, text: string];

function remedyBlocks(rows: readonly Row[], now: number): Block[] {
  const blocks = [
    ...Map.groupBy(rows.filter(({ known, success }) => known || success !== null), ({ cause }) => cause),
  ]
    .map(([cause, group]): Block => [
      safe(cause),
      table([
        ["remedy", "healed", "share", "95 % interval", "last", ""],
        ...group.flatMap((row) => [
          [safe(row.remedy), ...figures(row, now), stateOf(row)],
          ...classRows(row, now),
        ]),
      ], { indent: 2 }),
    ]);
  const aside = rows.filter(({ known, success }) => !known && success === null);
  if (aside.length > 0) {
    const shown = aside.slice(0, ASIDE_SHOWN).map((
      { cause, remedy },
    ) => [safe(cause, 60), safe(remedy, 100)]);
    const more = aside.length > ASIDE_SHOWN ? `\n  and ${aside.length - ASIDE_SHOWN} more` : "";
    blocks.push([
      "Kept aside: imported, not in the catalogue, never used",
      table(shown, { indent: 2 }) + more,
    ]);
  }
  return blocks;
}

type Figures = Omit<Row["classes"][number], "id" | "about">;

/** Whether the failures that a remedy was tried for, such as packages, are worth a row each. */
function isByClass({ classes }: Row): boolean {
  return classes.length > 1 || classes.some(({ about }) => about !== "");
}

function classRows(row: Row, now: number): string[][] {
  if (!isByClass(row)) return [];
  const { classes } = row;
  const more = classes.length - CLASSES_SHOWN;
  return [
    ...classes.slice(0, CLASSES_SHOWN).map((one) => [
      `  for ${nameOf(one)}`,
      ...figures(one, now),
      harmOf(one),
    ]),
    ...(more > 0 ? [[`  and for ${more} more`, "", "", "", "", ""]] : []),
  ];
}

function nameOf({ about }: Row["classes"][number]): string {
  return about === "" ? "what has no name" : safe(about, 60);
}

function figures({ healed, noEffect, worse, success, lastAt }: Figures, now: number): string[] {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  return [
    `${healed} of ${healed + noEffect + worse}`,
    success === null ? "-" : percent(success.rate),
    success === null ? "-" : `${percent(success.low)} to ${percent(success.high)}`,
    lastAt === null ? "-" : `${formatDuration(now - Date.parse(lastAt))} ago`,
  ];
}

function harmOf({ worse, quarantinedUntil }: Figures): string {
  return [
    ...(worse > 0 ? [`made it worse ${worse === 1 ? "once" : `${worse} times`}`] : []),
    ...(quarantinedUntil === null ? [] : [`in quarantine until ${quarantinedUntil.slice(0, 10)}`]),
  ].join(", ");
}

function stateOf(row: Row): string {
  const { imported, known } = row;
  return [
    // Where classes are shown, each says it for itself.
    ...[isByClass(row) ? "" : harmOf(row)].filter((harm) => harm !== ""),
    ...(imported > 0 ? ["known from an import"] : []),
    ...(known ? [] : ["not in the catalogue"]),
  ].join(", ");
}

/** What a deploy was of, in words; a name of another system's stays as it is. */
function variantText(variant: string): string {
  return variant.replace(/^remedy:/, "with the repair by ").replace(
    /^deps:/,
    "with the set of dependencies ",
  );
}

function factBlocks(
  durations: Readonly<Record<string, number>>,
  failedDependencies: readonly string[],
): Block[] {
  const times = Object.entries(durations).map((
    [variant, seconds],
  ) => [safe(variantText(variant), 80), formatDuration(seconds * 1000)]);
  return [
    ...(times.length === 0 ? [] : [["Deploys took", table(times, { indent: 2 })] satisfies Block]),
    ...(failedDependencies.length === 0 ? [] : [
      [
        "Failed dependencies that were imported",
        failedDependencies.slice(0, ASIDE_SHOWN).map((one) => `  ${safe(one, 100)}`).join("\n"),
      ] satisfies Block,
    ]),
  ];
}
