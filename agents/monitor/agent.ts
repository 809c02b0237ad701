/**
 * The monitor measures the criteria of a service from outside: its health path, its JSON, its database. It may reach the
 * hosts of the service and of its database and nothing else. What it cannot measure is unknown, never bad.
 */
import { unreachable } from "../../base/errors.ts";
import type { Agent } from "../agent.ts";
import { monitorInputSchema, monitorOutputSchema } from "../messages.ts";
import type { MonitorInput, MonitorOutput, Probe } from "../messages.ts";
import { databaseAddress, selectOne } from "./database.ts";
import { judgeDatabase, judgeJson, readJson } from "./json.ts";
import type { Reading } from "./json.ts";
import { askHealth, probe } from "./probe.ts";

/** Above the longest probe a spec may ask for: a sleeping free service takes about a minute to wake. */
const DEADLINE_MS = 120_000;

export const monitorAgent: Agent<MonitorInput, MonitorOutput> = {
  name: "monitor",
  input: monitorInputSchema,
  output: monitorOutputSchema,
  tools: [],
  limits: { deadlineMs: DEADLINE_MS, memoryMiB: 128, outputBytesMax: 64 * 1024 },
  permissions(input) {
    const { database } = input;
    const address = database.kind === "connection" ? databaseAddress(database.connectionString) : undefined;
    const net = [serviceAddress(input.url), ...(address === undefined ? [] : [address])];
    // The database driver looks for PG variables; it finds none.
    return { net, emptyEnvironment: database.kind === "connection" };
  },
  async answer(input) {
    const [answer, connection] = await Promise.all([askHealth(input), askDatabase(input)]);
    const reading = readJson(answer);
    return {
      health: answer.health,
      json: judgeJson(reading, input.expect),
      database: connection ?? judgeReading(reading, input),
      httpStatus: answer.httpStatus,
      latencyMs: answer.latencyMs,
    };
  },
};

function serviceAddress(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port === "" ? (protocol === "https:" ? "443" : "80") : port}`;
}

async function askDatabase({ database, timeoutMs }: MonitorInput): Promise<Probe | undefined> {
  return database.kind === "connection" ? await selectOne(database.connectionString, timeoutMs) : undefined;
}

function judgeReading(reading: Reading, { database }: MonitorInput): Probe {
  switch (database.kind) {
    case "none":
      return probe("good", "NotAsked", "the spec names no database");
    case "json-path":
      return judgeDatabase(reading, database.path, database.good);
    case "connection":
      return probe("unknown", "NotAsked", "asked by connection");
    default:
      return unreachable(database);
  }
}
