/**
 * The real command line in a process that kills itself with SIGKILL at one line of its journal. It stands below the
 * product, at the database and at fetch, so that nothing of the product knows of it and a new effect has its lines
 * without being named here. Its orders come in CRASH_ORDERS; every line that it passes is added to a file.
 */
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { z } from "zod";
import { ordersSchema } from "./orders.ts";

const orders = ordersSchema.parse(JSON.parse(Deno.env.get("CRASH_ORDERS") ?? "null"));
let passed = 0;

/** A line of the journal, or beside it: says so, and dies if it is to. */
function pass(line: string): void {
  const { die } = orders;
  const isLast = die !== null && ("at" in die ? passed === die.at : die.lines.includes(line));
  passed++;
  Deno.writeTextFileSync(orders.log, `${isLast ? "died" : "passed"} ${line}\n`, { append: true });
  if (isLast) Deno.kill(Deno.pid, "SIGKILL");
}

const recordSchema = z.looseObject({ serviceId: z.string() });
const entrySchema = recordSchema.extend({ key: z.string(), kind: z.string() });
const eventSchema = recordSchema.extend({ type: z.string() });

/** What a statement that writes is about: `srv-x push intend`; `null` for what is no line. */
function lineOf(sql: string, values: readonly unknown[]): string | null {
  const [, verb, table] = /^\s*(INSERT|UPDATE)[\w\s]*?\b(journal|events)\b/i.exec(sql) ?? [];
  if (verb === undefined) return null;
  for (const value of values) {
    if (typeof value !== "string" || !value.startsWith("{")) continue;
    const json: unknown = JSON.parse(value);
    if (table === "events") {
      const event = eventSchema.safeParse(json).data;
      // What an agent answered is a note, and there are many.
      if (event === undefined || event.type === "AgentRan") return null;
      return `${event.serviceId} ${event.type} record`;
    }
    const entry = entrySchema.safeParse(json).data;
    if (entry === undefined) continue;
    const [, , ...rest] = entry.key.split("/");
    // The effect on a webhook belongs to no attempt: its key ends with a time.
    const step = entry.key.startsWith("webhook/") ? entry.kind : rest.join("/");
    return `${entry.serviceId} ${step} ${verb === "INSERT" ? "intend" : "finish"}`;
  }
  throw new Error(`No line of the journal is in ${sql}`);
}

let written: string[] = [];
const { prepare, exec } = DatabaseSync.prototype;
DatabaseSync.prototype.prepare = function (sql, ...rest): StatementSync {
  const statement = prepare.call(this, sql, ...rest);
  const { run } = statement;
  const deadly = (...values: unknown[]) => {
    const line = lineOf(sql, values);
    // The events of one transaction are one line: they come all or not at all.
    const isSame = line?.endsWith(" record") && written.some((other) => other.endsWith(" record"));
    if (line !== null && !isSame) {
      pass(`${line}:before`);
      written.push(line);
    }
    return Reflect.apply(run, statement, values);
  };
  Object.defineProperty(statement, "run", { value: deadly });
  return statement;
};
DatabaseSync.prototype.exec = function (sql) {
  if (sql === "BEGIN IMMEDIATE") written = [];
  exec.call(this, sql);
  if (sql !== "COMMIT") return;
  for (const line of written.splice(0)) pass(`${line}:after`);
};

const { fetch } = globalThis;
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const { github } = orders;
  const url = request.url.replace("https://api.github.com", github?.api ?? "https://api.github.com");
  const path = new URL(url).pathname;
  const [, serviceId = "github", what = request.method] = /\b(srv-\w+)(?:\/(\w+))?/.exec(path) ?? [];
  const line = request.method === "GET" ? null : `${serviceId} ${what} write`;
  if (line !== null) pass(`${line}:before`);
  const body = request.method === "GET" ? undefined : await request.arrayBuffer();
  const { method, headers, signal } = request;
  const response = await fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }) });
  if (line !== null) pass(`${line}:after`);
  if (github === null || request.method !== "GET") return response;
  // Drydock has the repository under its path; what Evenkeel is to see is on GitHub.
  const text = (await response.text()).replaceAll(github.bare, github.address);
  return new Response(text === "" ? null : text, { status: response.status, headers: response.headers });
};

const { dispatch } = await import("../../cli/dispatch.ts");
Deno.exit(await dispatch(Deno.args));
