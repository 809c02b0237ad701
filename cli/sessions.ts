/** `sessions`: lists the sessions of the data folder, the newest first. Reads only. */
import { systemClock } from "../base/clock.ts";
import { EXIT } from "../base/errors.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { composeSession, listSessionIds, SESSIONS_LISTED_MAX } from "../state/sessions.ts";
import type { Session } from "../state/sessions.ts";
import { readEndings } from "../state/went_on.ts";
import { parseArguments } from "./arguments.ts";
import { dataDirectory, openExisting } from "./data_folder.ts";
import { defineCommand, outputFlag } from "./command.ts";
import { createPainter, printJson, safe, table } from "./output.ts";
import type { Painter, Style } from "./output.ts";

const LIMIT_DEFAULT = 20;

export const sessionsDefinition = defineCommand({
  name: "sessions",
  invocation: "deno task evenkeel sessions",
  summary:
    "Lists the sessions of the data folder, the newest first: what they looked after and how they ended.",
  flags: {
    limit: {
      kind: "number",
      placeholder: "N",
      min: 1,
      max: SESSIONS_LISTED_MAX,
      whole: true,
      default: LIMIT_DEFAULT,
      description: "How many",
    },
    output: outputFlag,
  },
  environment: describeVariables("EVENKEEL_DATA_DIR"),
  exitCodes: { 0: "listed", 2: "a flag or the data folder is wrong" },
  examples: ["deno task evenkeel sessions", "deno task evenkeel sessions --limit 100 -o json"],
});

export async function sessionsCommand(args: string[]): Promise<number> {
  const parsed = parseArguments(sessionsDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { limit, output } = parsed.flags;
  const directory = dataDirectory();
  const rows: SessionRow[] = [];
  await using store = await openExisting(directory);
  if (store !== null) {
    const now = systemClock.now();
    const ids = await listSessionIds(directory, store, SESSIONS_LISTED_MAX);
    const endings = await readEndings(directory, ids);
    for (const id of ids.slice(0, limit)) {
      rows.push(rowOf(await composeSession(directory, id, { store, endings, now })));
    }
  }
  if (output === "json") printJson({ schemaVersion: 1, sessions: rows });
  else if (rows.length === 0) console.log(`No session has left anything in ${safe(directory)} yet`);
  else console.log(tableOf(rows, createPainter()));
  return EXIT.ready;
}

export type SessionResult = "healed" | "well" | "open" | "stalled" | "not ready";

interface SessionRow {
  session: string;
  startedAt: string;
  writtenAt: string;
  result: SessionResult;
  services: string[];
  incidents: number;
  attempts: number;
  error: string | null;
}

function rowOf({ final }: Session): SessionRow {
  const { session, startedAt, writtenAt, incidents, attempts, error } = final;
  const services = [
    ...new Set([...final.services.map(({ name }) => name), ...incidents.map((one) => one.service)]),
  ];
  return {
    session,
    startedAt,
    writtenAt,
    result: resultOf(final),
    services,
    incidents: incidents.length,
    attempts,
    error,
  };
}

/** How a session stands, in a word: the worst of its incidents, else what its services are. */
export function resultOf({ incidents, ready }: Session["final"]): SessionResult {
  if (incidents.some(({ status }) => status === "stalled")) return "stalled";
  if (incidents.some(({ status }) => status === "open")) return "open";
  if (incidents.length > 0) return "healed";
  return ready ? "well" : "not ready";
}

export const RESULT_STYLES: Readonly<Record<SessionResult, Style>> = {
  healed: "green",
  well: "green",
  open: "yellow",
  stalled: "red",
  "not ready": "yellow",
};

function tableOf(rows: readonly SessionRow[], { paint }: Painter): string {
  const head = ["session", "began (UTC)", "result", "incidents", "attempts", "services"];
  const body = rows.map((row) => [
    paint("bold", safe(row.session)),
    safe(row.startedAt.slice(0, 19).replace("T", " ")),
    paint(RESULT_STYLES[row.result], row.result),
    String(row.incidents),
    String(row.attempts),
    row.services.map((name) => safe(name, 60)).join(", "),
  ]);
  return table([head.map((text) => paint("dim", text)), ...body]);
}
