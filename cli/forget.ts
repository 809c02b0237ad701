/**
 * `forget`: deletes what was learned about a cause, a remedy, a class of failures or a service, or all that was
 * imported. For good; the journal, open incidents and proven deploys stay, because safety rests on them.
 */
import { EvenkeelError, EXIT } from "../base/errors.ts";
import { describeVariables } from "../reconciler/environment.ts";
import type { Incident } from "../state/records.ts";
import type { Forgettable, Forgotten, Store } from "../state/store.ts";
import { parseArguments } from "./arguments.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { dataDirectory, openStoreIn } from "./data_folder.ts";
import { refreshExport } from "./learning_file.ts";
import { printJson, safe } from "./output.ts";

/** Newest incidents of a service among which the open one is looked for. */
const INCIDENTS_READ = 10;

export const forgetDefinition = defineCommand({
  name: "forget",
  invocation: "deno task evenkeel forget",
  summary:
    "Deletes what was learned about a cause, about one remedy of it, or from a service. It cannot be undone.",
  operands: {
    placeholder: "CAUSE [REMEDY [FOR]]",
    description:
      "What `learned` shows; with a remedy only that one, with the name behind `for` only that class of failures",
    min: 0,
    max: 3,
  },
  flags: {
    service: {
      kind: "list",
      placeholder: "NAME",
      description: "Outcomes, durations and closed incidents of a service, by Render id or name",
    },
    imported: {
      kind: "switch",
      description: "All that was imported; the same files may then be read in again",
    },
    output: outputFlag,
  },
  environment: describeVariables("EVENKEEL_DATA_DIR"),
  exitCodes: { 0: "forgotten", 1: "nothing of that name was known", 2: "a flag or the data folder is wrong" },
  examples: [
    "deno task evenkeel forget node-module-missing node/add-dependency",
    "deno task evenkeel forget node-module-missing node/add-dependency lodash",
    "deno task evenkeel forget --service my-api",
  ],
});

export async function forgetCommand(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(forgetDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { service: services, imported, output } = parsed.flags;
  const [cause, remedy, about] = parsed.operands;
  if (cause === undefined && services.length === 0 && !imported) {
    throw new EvenkeelError("Cannot forget: it is not said what", {
      hint: "deno task evenkeel forget CAUSE [REMEDY [FOR]], --service NAME or --imported",
    });
  }
  const directory = dataDirectory();
  await using store = await openStoreIn(directory);
  const wanted: Forgettable[] = [
    ...learnedOf(cause, remedy, about),
    ...await idsOf(store, services),
    ...(imported ? [{ kind: "imported" as const }] : []),
  ];
  const sum: Forgotten = { outcomes: 0, imported: 0, performance: 0, incidents: 0 };
  for (const what of wanted) {
    const one = await store.forget(what);
    sum.outcomes += one.outcomes;
    sum.imported += one.imported;
    sum.performance += one.performance;
    sum.incidents += one.incidents;
  }
  const isNothing = Object.values(sum).every((count) => count === 0);
  const isWritten = isNothing || await refreshExport(directory, store);
  if (output === "json") printJson({ schemaVersion: 1, forgotten: sum, exportWritten: isWritten });
  else {
    const open = await openOf(store, wanted);
    const isAllOpen = open.length > 0 && cause === undefined && !imported;
    const nothing = isAllOpen ? "nothing was learned" : names(describe(cause, remedy, about), services);
    console.log(isNothing ? `Nothing to forget: ${nothing}` : told(sum, imported));
    for (const incident of open) console.log(stays(incident));
    if (!isWritten) {
      console.log("A running Evenkeel writes artifacts/deploy_learning_state.json without it soon");
    }
  }
  return isNothing ? EXIT.notReady : EXIT.ready;
}

function learnedOf(cause?: string, remedy?: string, about?: string): Forgettable[] {
  if (cause === undefined) return [];
  if (remedy === undefined) return [{ kind: "cause", cause }];
  return [about === undefined ? { kind: "cause", cause, remedy } : { kind: "class", cause, remedy, about }];
}

/** As a pair: what is not known of one remedy may be known of others. */
function describe(cause?: string, remedy?: string, about?: string): string[] {
  if (cause === undefined) return [];
  const failure = `${safe(cause, 60)}${about === undefined ? "" : ` for ${safe(about, 60)}`}`;
  return [remedy === undefined ? failure : `${safe(remedy, 60)} as a remedy of ${failure}`];
}

/** A name may stand for a service that was deleted and made again under the same name. */
async function idsOf(store: Store, names: readonly string[]): Promise<Forgettable[]> {
  const records = await store.listServices();
  return names.flatMap((name) => {
    const found = records.filter((record) => record.serviceId === name || record.name === name);
    const ids = found.length > 0 ? found.map(({ serviceId }) => serviceId) : [name];
    return ids.map((serviceId) => ({ kind: "service" as const, serviceId }));
  });
}

/** The incidents of these services that are not closed, and so not forgotten. */
async function openOf(store: Store, wanted: readonly Forgettable[]): Promise<Incident[]> {
  const open: Incident[] = [];
  for (const what of wanted) {
    if (what.kind !== "service") continue;
    const newest = await store.listIncidents({ serviceId: what.serviceId, limit: INCIDENTS_READ });
    open.push(...newest.filter(({ status }) => status !== "healed"));
  }
  return open;
}

function stays({ serviceName, status, stalled }: Incident): string {
  const then = status === "stalled" && stalled !== null
    ? `to go on with it: ${safe(stalled.resume)}`
    : "it goes on by itself, and can be forgotten when it is closed";
  return `The ${status} incident of ${safe(serviceName, 60)} stays; ${then}`;
}

function told(
  { outcomes, imported, performance, incidents }: Forgotten,
  wholeImports: boolean,
): string {
  const parts: [number, string, string][] = [
    [outcomes, "outcome", "outcomes"],
    wholeImports ? [imported, "import", "imports"] : [imported, "imported fix", "imported fixes"],
    [performance, "duration", "durations"],
    [incidents, "closed incident", "closed incidents"],
  ];
  const told = parts.filter(([count]) => count > 0).map(([count, one, many]) =>
    `${count} ${count === 1 ? one : many}`
  );
  return `Forgot ${told.join(", ")}`;
}

/** @param operands safe to show */
function names(operands: readonly string[], services: readonly string[]): string {
  const all = [...operands, ...services.map((name) => safe(name, 60))];
  return all.length === 0 ? "nothing was imported" : `nothing is known of ${all.join(", ")}`;
}
