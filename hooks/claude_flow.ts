/**
 * The preset `claude-flow`: each hook becomes a call of that program's own hook of the same name. It gets a
 * working folder and a HOME of its own, since it writes databases into both; its background daemon and its
 * updater stay off, since they would outlive us; its exit code means little and is not looked at.
 */
import { join } from "@std/path";
import { toolEnvironment } from "../process/environment.ts";
import { unreachable } from "../base/errors.ts";
import type { HookPayload } from "./payload.ts";
import { runHook } from "./perform.ts";
import type { CallContext, HookFailure } from "./perform.ts";
import { hookEnvironment } from "./placeholders.ts";

/** The program, its npm package and the version that this was written for and tested with. */
export const CLAUDE_FLOW = { program: "claude-flow", package: "claude-flow", version: "3.43.0" } as const;
/** How long one call may take, in milliseconds; it takes about one second. */
export const CLAUDE_FLOW_DEADLINE_MS = 20_000;
export const INSTALL_CLAUDE_FLOW =
  `npm install --global --omit=optional --ignore-scripts ${CLAUDE_FLOW.package}@${CLAUDE_FLOW.version}`;

/** Variables that keep its daemon, its updater and its colours off. */
const QUIET = {
  CI: "true",
  NO_COLOR: "1",
  CLAUDE_FLOW_AUTO_UPDATE: "false",
  RUFLO_DAEMON_AUTOSTART: "0",
} as const;

/** @param context.folder where its working folder is made */
export async function callClaudeFlow(
  payload: HookPayload,
  context: CallContext,
): Promise<HookFailure | null> {
  const folder = join(context.folder, "claude-flow");
  const home = join(folder, "home");
  await Deno.mkdir(home, { recursive: true, mode: 0o700 });
  await beginSession(folder, payload);
  const failure = await runHook({
    command: [CLAUDE_FLOW.program, "hooks", ...claudeFlowArguments(payload)],
    env: { ...toolEnvironment(), ...hookEnvironment(payload), ...QUIET, HOME: home },
    deadlineMs: CLAUDE_FLOW_DEADLINE_MS,
    input: "",
  }, { ...context, folder });
  return failure?.reason === "ExitCode" ? null : failure;
}

/** Values stand behind an equals sign: the program takes a free-standing one that begins with a dash for a flag. */
export function claudeFlowArguments(payload: HookPayload): string[] {
  const { hook, session, message, level, file } = payload;
  const task = `--task-id=${payload.incident ?? session}-${payload.attempt ?? 0}`;
  const success = `--success=${payload.success ?? true}`;
  switch (hook) {
    case "session-restore":
      return [hook, `--session-id=${session}`];
    case "pre-task":
      return [hook, task, `--description=${message}`];
    case "post-edit":
      return [hook, `--file=${file ?? ""}`, success];
    case "notify":
      return [hook, `--message=${message}`, `--level=${level}`, "--channel=evenkeel"];
    case "post-task":
      return [hook, task, success];
    case "session-end":
      return [hook, "--save-state=true"];
    default:
      return unreachable(hook);
  }
}

/** Its session-end ends the session of this file, and nothing of its command line writes it. */
async function beginSession(folder: string, { session, at }: HookPayload): Promise<void> {
  const directory = join(folder, ".claude-flow", "sessions");
  const file = join(directory, "current.json");
  const current = await Deno.readTextFile(file).catch(() => "");
  if (current.includes(JSON.stringify(session))) return;
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  await Deno.writeTextFile(file, JSON.stringify({ id: session, startedAt: at }));
}
