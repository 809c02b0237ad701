/**
 * The Node.js of a build: the one on PATH, whatever was asked for. Render would install the version asked
 * for; drydock says so in the log when the two differ.
 */
import { join } from "@std/path";
import semver from "semver";
import { z } from "zod";
import { run } from "../../process/run.ts";
import type { CommandInPlace } from "../platform.ts";
import { StageFailed } from "./failure.ts";

const VERSION_TIMEOUT_MS = 15_000;
const manifestSchema = z.object({ engines: z.object({ node: z.string() }) });

export interface ToolchainRequest {
  workDirectory: string;
  /** What the build's commands will see. */
  env: Readonly<Record<string, string>>;
  own: ReadonlyMap<string, string>;
  log: (line: string) => void;
  signal: AbortSignal;
  /** The command as it is run, and where. */
  confine: (command: CommandInPlace["command"], cwd: string) => CommandInPlace;
}

/** @throws {StageFailed} when there is no Node.js on PATH */
export async function announceNode(request: ToolchainRequest): Promise<void> {
  const { log } = request;
  const wanted = await nodeRequest(request);
  if (wanted !== undefined) log(`==> Requesting Node.js version ${wanted.range}`);
  const result = await run({
    ...request.confine(["/bin/sh", "-c", "node --version"], request.workDirectory),
    env: request.env,
    timeoutMs: VERSION_TIMEOUT_MS,
    signal: request.signal,
  });
  if (result.kind !== "exited" || result.code !== 0) {
    log("==> Drydock: Node.js is not installed on this machine, or not on PATH");
    throw new StageFailed("build", { nonZeroExit: 127 });
  }
  const version = result.stdout.trim().replace(/^v/, "");
  log(`==> Using Node.js version ${version} ${wanted === undefined ? "(default)" : `via ${wanted.source}`}`);
  if (wanted !== undefined && semver.validRange(wanted.range) && !semver.satisfies(version, wanted.range)) {
    log(
      `==> Drydock: Node.js version ${wanted.range} is not installed on this machine, so ${version} is used`,
    );
  }
  log("==> Docs on specifying a Node.js version: https://render.com/docs/node-version");
}

/** The first of the places Render looks at (reference section 11). */
async function nodeRequest(request: ToolchainRequest) {
  const variable = request.own.get("NODE_VERSION");
  if (variable !== undefined) return { range: variable.trim(), source: "environment variable NODE_VERSION" };
  for (const name of [".node-version", ".nvmrc"]) {
    const text = await readIfThere(join(request.workDirectory, name));
    const range = text?.trim().replace(/^v/, "").split("\n")[0];
    if (range) return { range, source: `/opt/render/project/src/${name}` };
  }
  const manifest = await readIfThere(join(request.workDirectory, "package.json"));
  const parsed = manifestSchema.safeParse(parseJson(manifest));
  if (parsed.success) {
    return { range: parsed.data.engines.node, source: "/opt/render/project/src/package.json" };
  }
  return undefined;
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

/** A file's text; `undefined` when there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return undefined;
  }
}
