/**
 * What an agent asked Deno for, told by Deno itself (`DENO_AUDIT_PERMISSIONS`) on the agent's standard error, where
 * the parent reads it and the agent cannot take it back. What it had been given is passed over; the rest is an
 * attempt to get out, whether or not the agent kept the refusal to itself. Deno tells nothing of programs that are
 * not run: programs.ts does, and what goes by it is known by the variable that it asks for.
 */
import { isAbsolute, normalize, resolve } from "@std/path";
import { z } from "zod";
import type { AgentPermissions } from "./agent.ts";

const STDERR = "/dev/stderr";

/**
 * The variable that makes Deno write one JSON line for each permission it is asked for; none on a machine without that
 * file, where Deno would not start with it.
 */
export async function auditEnvironment(): Promise<Readonly<Record<string, string>>> {
  const isThere = await Deno.lstat(STDERR).then(() => true, () => false);
  return isThere ? { DENO_AUDIT_PERMISSIONS: STDERR } : {};
}

/** `node:child_process` asks for it before it starts a program, whatever environment the program is given. */
const ASKED_FOR_PROGRAMS = "NODE_V8_COVERAGE";
/** Attempts that are named; further ones are counted. */
const NAMED_MAX = 5;
/** An agent may write half a line itself before Deno writes its own. */
const BEGINNING = '{"v":1,"datetime":"';

const requestSchema = z.object({ permission: z.string(), value: z.string().nullable() });
type PermissionRequest = z.infer<typeof requestSchema>;

export interface Attempts {
  /** @returns false when the line is the agent's own and not one of Deno's */
  hear(line: string): boolean;
  /** Counts an attempt that was told in another way. @param what such as `run /bin/sh` */
  add(what: string): void;
  /** Such as `read /etc/passwd, net 10.0.0.1:80 and 3 more`; undefined when there was no attempt. */
  describe(): string | undefined;
}

/**
 * @param permissions what the agent was given
 * @param cwd the agent's working folder
 */
export function createAttempts(permissions: AgentPermissions, cwd: string): Attempts {
  const named = new Set<string>();
  let count = 0;
  const add = (what: string) => {
    count++;
    if (named.size < NAMED_MAX) named.add(what);
  };
  return {
    add,
    hear(line) {
      const at = line.lastIndexOf(BEGINNING);
      if (at === -1) return false;
      const request = parseRequest(line.slice(at));
      if (request === undefined) return false;
      if (!isGiven(request, permissions, cwd)) add(nameOf(request));
      return true;
    },
    describe() {
      if (count === 0) return undefined;
      const more = count - named.size;
      return [...named].join(", ") + (more > 0 ? ` and ${more} more` : "");
    },
  };
}

function parseRequest(text: string): PermissionRequest | undefined {
  try {
    return requestSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function nameOf({ permission, value }: PermissionRequest): string {
  if (permission === "env" && value === ASKED_FOR_PROGRAMS) return "run a program through node";
  return `${permission} ${value ?? "everything"}`;
}

function isGiven({ permission, value }: PermissionRequest, given: AgentPermissions, cwd: string): boolean {
  switch (permission) {
    case "env":
      return given.emptyEnvironment === true && value !== ASKED_FOR_PROGRAMS;
    case "read": {
      if (value === null) return false;
      const path = isAbsolute(value) ? normalize(value) : resolve(cwd, value);
      return (given.read ?? []).some((folder) => path === normalize(folder) || path.startsWith(`${folder}/`));
    }
    case "net":
      return value !== null && (given.net ?? []).includes(addressOf(value));
    default:
      return false;
  }
}

/** Deno names an address as a URL or as host and port. */
function addressOf(value: string): string {
  const url = /^[a-z][a-z+.-]*:\/\//i.test(value) ? URL.parse(value) : null;
  if (url === null) return value;
  const isSecure = url.protocol === "https:" || url.protocol === "wss:";
  return `${url.hostname}:${url.port === "" ? (isSecure ? "443" : "80") : url.port}`;
}
