/**
 * The preset against the real program: installs claude-flow from the npm registry into a temp folder, lets the
 * command line heal a service with the preset on, and reads in claude-flow's own files that it was called. Takes
 * about a minute and needs the registry, so it is no part of `deno task test`.
 *
 *     deno task test:hooks
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { z } from "zod";
import { CLAUDE_FLOW } from "../../hooks/claude_flow.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { Patient } from "../hooks/patient.ts";

const INSTALL_TIMEOUT_MS = 5 * 60_000;
const RUN_TIMEOUT_MS = 2 * 60_000;
const SESSION = "night-shift";

/** What npm says when the registry does not answer, as opposed to answering no. */
const UNREACHABLE =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ECONNABORTED)\b/;

const receiptsSchema = z.object({
  receipts: z.array(z.object({
    payload: z.object({ request: z.object({ action: z.object({ resource: z.string() }) }) }),
  })),
});
const memorySchema = z.array(z.object({ key: z.string(), metadata: z.object({ success: z.boolean() }) }));

const folder = await Deno.makeTempDir({ prefix: "evenkeel-claude-flow-" });
const skipped = await install().catch(async (error) => {
  await Deno.remove(folder, { recursive: true });
  throw error;
});
if (skipped !== null) {
  await Deno.remove(folder, { recursive: true });
  console.log(`Skipped: the npm registry cannot be reached (${skipped})`);
}

Deno.test({
  name: `a heal with the preset leaves its steps in the files of claude-flow ${CLAUDE_FLOW.version}`,
  ignore: skipped !== null,
  async fn() {
    try {
      await heal();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** @returns why the registry cannot be reached; `null` when the package is installed */
async function install(): Promise<string | null> {
  const { package: name, version } = CLAUDE_FLOW;
  const result = await run({
    command: [
      ...["npm", "install", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"] as const,
      ...["--fetch-retries=1", "--prefix", folder, `${name}@${version}`],
    ],
    cwd: folder,
    // The person's own npm settings say where the registry is.
    env: { ...toolEnvironment(), HOME: Deno.env.get("HOME") ?? folder },
    timeoutMs: INSTALL_TIMEOUT_MS,
  });
  if (result.kind === "exited" && result.code === 0) return null;
  const code = UNREACHABLE.exec(result.stderr)?.[0];
  if (code !== undefined) return code;
  if (result.kind === "killed" && result.why === "timeout") return "no end within five minutes";
  throw new Error(`npm could not install ${name}@${version}: ${result.stderr.slice(0, 2000)}`);
}

async function heal(): Promise<void> {
  // The only trace of a notification is what the program prints, which hooks drop: it is kept here on its way.
  const printed = join(folder, "printed");
  const bin = join(folder, "bin");
  await Deno.mkdir(bin);
  const real = join(folder, "node_modules", ".bin", CLAUDE_FLOW.program);
  await Deno.writeTextFile(
    join(bin, CLAUDE_FLOW.program),
    `#!/bin/sh\n'${real}' "$@" 2>&1 | tee -a '${printed}'\n`,
    { mode: 0o755 },
  );
  await using patient = await Patient.admit(folder, {
    PATH: `${bin}:${Deno.env.get("PATH") ?? ""}`,
    SESSION_ID: SESSION,
  });
  await patient.configure({ preset: "claude-flow" });
  const once = { ...patient.evenkeel("once"), timeoutMs: RUN_TIMEOUT_MS };
  const first = await run(once);
  assertEquals(first.kind === "exited" && first.code, 0, first.stderr);
  assertEquals(first.stderr.includes("HookFailed"), false, first.stderr);
  const [live] = await patient.deploys();
  assertEquals([live?.status, live?.commit?.id], ["live", await patient.repository.head()]);

  const own = join(folder, "data", "hooks", "claude-flow");
  assertEquals(await receiptsIn(own), [
    "hooks_pre-task",
    "hooks_post-edit",
    "hooks_post-task",
    "hooks_session-end",
  ]);
  const incident = await incidentId();
  const memory = memorySchema.parse(
    JSON.parse(await Deno.readTextFile(join(own, ".claude-flow", "data", "auto-memory-store.json"))),
  );
  assertEquals(memory.map(({ key, metadata }) => [key, metadata.success]), [[`${incident}-1`, true]]);
  const output = await Deno.readTextFile(printed);
  assertMatch(output, /\] deploy-failed: /);
  assertMatch(output, /\] Good for .*; took /);
  assertMatch(output, /Outcome recorded for server\.js/);
  assertMatch(output, new RegExp(`Session ${SESSION} ended`));

  const second = await run(once);
  assertEquals(second.kind === "exited" && second.code, 0, second.stderr);
  assertEquals((await receiptsIn(own)).slice(4), ["hooks_session-restore", "hooks_session-end"]);

  // It wrote nothing outside of its own folder, and none of its programs goes on.
  assertEquals(await namesIn(join(folder, "run")), ["evenkeel.yaml"]);
  assertEquals((await namesIn(folder)).filter((name) => /^\.(?:claude|swarm)/.test(name)), []);
  assertEquals(await processesNaming(own, real), []);
}

async function receiptsIn(own: string): Promise<string[]> {
  const text = await Deno.readTextFile(join(own, ".claude-flow", "policy", "state.json"));
  return receiptsSchema.parse(JSON.parse(text)).receipts.map(({ payload }) =>
    payload.request.action.resource
  );
}

async function incidentId(): Promise<string> {
  await using store = await openSqliteStore(join(folder, "data", "evenkeel.db"));
  const [incident] = await store.listIncidents({});
  assert(incident !== undefined);
  return incident.id;
}

async function namesIn(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory))).map((entry) => entry.name);
}

/** Command lines that name one of these paths. Linux: reads /proc. */
async function processesNaming(...paths: string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (paths.some((path) => line.includes(path))) found.push(line.replaceAll("\0", " "));
  }
  return found;
}
