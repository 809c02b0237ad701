/**
 * Finds a container engine that works: docker or podman when `info` answers, else buildah when it can open a
 * store. Says why for each one passed over. Looks on Linux only: elsewhere an engine runs in a virtual machine
 * whose network is not this machine's.
 */
import { basename, isAbsolute, join } from "@std/path";
import { messageOf } from "../../../base/errors.ts";
import { run } from "../../../process/run.ts";
import { engineEnvironment } from "./environment.ts";
import { commandsOf } from "./commands.ts";
import type { CommandLine, Engine, EngineKind } from "./commands.ts";

export type EngineChoice =
  | { kind: "engine"; engine: Engine; why: string }
  | { kind: "none"; why: string };

/** What detection asks of the machine. */
export interface Machine {
  readonly os: string;
  readonly isRoot: boolean;
  /** The program's absolute path. @param name a name to look for on PATH or a path */
  find(name: string): Promise<string | undefined>;
  /** Runs a command for a few seconds. */
  ask(command: CommandLine): Promise<{ isGood: boolean; text: string }>;
}

export interface Wish {
  /** `auto`, `none`, or the name or path of an engine. */
  engine: string;
  /** Image stores that base images may come from. */
  bases: readonly string[];
  /** A folder that may be written to. */
  scratch: string;
}

/** In the order they are preferred. */
export const ENGINES = ["docker", "podman", "buildah"] as const satisfies readonly EngineKind[];
/** An engine that has not answered by then does not count as working, in milliseconds. */
export const PROBE_TIMEOUT_MS = 5_000;
const REASON_CHARS_MAX = 200;

/** The engine to use, and why; `none` says why too, also for an engine that was asked for by name. */
export async function chooseEngine(wish: Wish, machine: Machine): Promise<EngineChoice> {
  if (wish.engine === "none") return { kind: "none", why: "none was asked for" };
  if (machine.os !== "linux") return { kind: "none", why: "engines are used on Linux only" };
  if (wish.engine !== "auto") {
    const kind = ENGINES.find((each) => each === basename(wish.engine));
    if (kind === undefined) return { kind: "none", why: `${wish.engine} is none of ${ENGINES.join(", ")}` };
    const found = await tryEngine(kind, wish.engine, wish, machine);
    return typeof found === "string"
      ? { kind: "none", why: found }
      : { kind: "engine", engine: found, why: "it was asked for" };
  }
  const passedOver: string[] = [];
  for (const kind of ENGINES) {
    const found = await tryEngine(kind, kind, wish, machine);
    if (typeof found !== "string") {
      return { kind: "engine", engine: found, why: passedOver.join("; ") || "it is the first that works" };
    }
    passedOver.push(found);
  }
  return { kind: "none", why: passedOver.join("; ") };
}

/** @returns the engine, or why it cannot be used */
async function tryEngine(
  kind: EngineKind,
  name: string,
  { bases, scratch }: Wish,
  machine: Machine,
): Promise<Engine | string> {
  const program = await machine.find(name);
  if (program === undefined) return `${name} is not installed`;
  const engine: Engine = { kind, program, version: "", isRoot: machine.isRoot, bases };
  const answer = await machine.ask(commandsOf(engine, scratch).probe());
  if (!answer.isGood || answer.text === "") {
    const reason = answer.text.split("\n").at(-1)?.slice(0, REASON_CHARS_MAX) ?? "";
    return `${name} does not work${reason === "" ? "" : ` (${reason})`}`;
  }
  const { text } = await machine.ask([program, "--version"]);
  return { ...engine, version: /\d+\.\d+[\w.-]*/.exec(text)?.[0] ?? "" };
}

export function thisMachine(scratch: string): Machine {
  const env = engineEnvironment(scratch);
  return {
    os: Deno.build.os,
    isRoot: Deno.uid() === 0,
    find: (name) => findProgram(name, env["PATH"] ?? ""),
    async ask(command) {
      try {
        const result = await run({ command, cwd: "/", env, timeoutMs: PROBE_TIMEOUT_MS });
        if (result.kind === "killed") return { isGood: false, text: "no answer" };
        const isGood = result.code === 0;
        return { isGood, text: (isGood ? result.stdout : result.stderr).trim() };
      } catch (error) {
        return { isGood: false, text: messageOf(error) };
      }
    },
  };
}

async function findProgram(name: string, path: string): Promise<string | undefined> {
  const candidates = isAbsolute(name)
    ? [name]
    : path.split(":").filter(isAbsolute).map((each) => join(each, name));
  for (const candidate of candidates) {
    const stat = await Deno.stat(candidate).catch(() => undefined);
    if (stat?.isFile && ((stat.mode ?? 0) & 0o111) !== 0) return candidate;
  }
  return undefined;
}

/** Where buildah and podman keep a user's images by default, where that is a store of the overlay kind. */
export async function ordinaryStores(
  read: (name: string) => string | undefined,
  isRoot: boolean,
): Promise<string[]> {
  const data = read("XDG_DATA_HOME") ?? join(read("HOME") ?? "/", ".local/share");
  const store = isRoot ? "/var/lib/containers/storage" : join(data, "containers/storage");
  return await isStore(store) ? [store] : [];
}

export async function isStore(folder: string): Promise<boolean> {
  return await Deno.stat(join(folder, "overlay-images")).then((stat) => stat.isDirectory, () => false);
}
