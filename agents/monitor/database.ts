/**
 * Measures a PostgreSQL database by a real `select 1`. A server that refuses the connection or answers with an
 * error is down for whoever uses this connection string; a name that does not resolve, a host that cannot be
 * reached or silence is unknown: from here it looks the same as a private network or an allow list. Neither
 * the connection string nor any part of its credentials reaches a message.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Probe } from "../messages.ts";
import { probe } from "./probe.ts";

const DEFAULT_PORT = "5432";

/** The server's own codes for what people can act on (PostgreSQL, appendix A: error codes). */
const SERVER_REASONS: Readonly<Record<string, readonly [reason: string, message: string]>> = {
  "28P01": ["AuthenticationFailed", "the password was refused"],
  "28000": ["AuthenticationFailed", "the user was refused"],
  "3D000": ["DatabaseMissing", "there is no such database"],
  "53300": ["TooManyConnections", "all connections are taken"],
  "57P01": ["ShuttingDown", "the server is shutting down"],
  "57P03": ["StartingUp", "the server does not take connections yet"],
};

/** `host:port` of a connection string; undefined when it names none, or names several. */
export function databaseAddress(connectionString: string): string | undefined {
  if (!URL.canParse(connectionString)) return undefined;
  const url = new URL(connectionString);
  if (!/^postgres(?:ql)?:$/.test(url.protocol) || url.hostname === "" || url.hostname.includes(",")) {
    return undefined;
  }
  return `${url.hostname}:${url.port === "" ? DEFAULT_PORT : url.port}`;
}

/** @param timeoutMs for connecting and asking together */
export async function selectOne(connectionString: string, timeoutMs: number): Promise<Probe> {
  if (databaseAddress(connectionString) === undefined) {
    return probe(
      "unknown",
      "ConnectionString",
      "the connection string is not postgres://user:password@host/database",
    );
  }
  // Only this criterion needs the driver; the others start without it.
  const { default: postgres } = await import("postgres");
  const sql = postgres(connectionString, {
    max: 1,
    connect_timeout: Math.max(1, Math.ceil(timeoutMs / 1000)),
    fetch_types: false,
    prepare: false,
    onnotice: () => {},
  });
  const patience = new AbortController();
  try {
    const late = sleep(timeoutMs, "late" as const, { signal: patience.signal });
    const first = await Promise.race([sql`select 1 as one`, late]);
    if (first === "late") return probe("unknown", "DatabaseTimeout", `no answer within ${timeoutMs} ms`);
    return probe("good", "DatabaseUp", "select 1 was answered");
  } catch (error) {
    return judgeError(error, timeoutMs);
  } finally {
    patience.abort();
    await sql.end({ timeout: 0 }).catch(() => {});
  }
}

function judgeError(error: unknown, timeoutMs: number): Probe {
  if (error instanceof Deno.errors.NotCapable) throw error;
  const isServers = error instanceof Error && error.name === "PostgresError";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (isServers) {
    const [reason, message] = SERVER_REASONS[code] ??
      ["DatabaseError", `the server answered with error ${code}`];
    return probe("bad", reason, message);
  }
  switch (code) {
    case "ECONNREFUSED":
      return probe("bad", "ConnectionRefused", "nothing listens at the database's address");
    case "CONNECT_TIMEOUT":
      return probe("unknown", "DatabaseTimeout", `no connection within ${timeoutMs} ms`);
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return probe("unknown", "NameNotFound", "the database's host name cannot be resolved from here");
    default:
      return probe(
        "unknown",
        "ConnectionFailed",
        `the connection failed (${code === "" ? "no reason" : code})`,
      );
  }
}
