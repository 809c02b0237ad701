/**
 * The Python interpreters of this machine: those given in the options, `python3.X` on PATH and pyenv's. Full
 * versions come from asking each one; the answers are kept for the life of the process.
 */
import { join } from "@std/path";
import { run } from "../../process/run.ts";

export interface Interpreter {
  /** `3.12.1` */
  version: string;
  path: string;
}

const ASK_TIMEOUT_MS = 15_000;
const MINORS = Array.from({ length: 12 }, (_, i) => `3.${i + 7}`);
const QUESTION = 'import sys; print("%d.%d.%d" % sys.version_info[:3]); print(sys.executable)';
const answers = new Map<string, Promise<Interpreter | undefined>>();

/**
 * @param given full version to path
 * @param env the environment of builds: PATH, and PYENV_ROOT if there is one
 * @returns newest first
 */
export async function findInterpreters(
  given: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Promise<Interpreter[]> {
  const found: Interpreter[] = Object.entries(given).map(([version, path]) => ({ version, path }));
  const candidates: string[] = [];
  const pyenv = env["PYENV_ROOT"];
  for (const folder of pyenv === undefined ? [] : await foldersIn(join(pyenv, "versions"))) {
    candidates.push(join(pyenv!, "versions", folder, "bin", "python3"));
  }
  for (const directory of (env["PATH"] ?? "").split(":")) {
    // pyenv's shims answer for whatever is selected at the moment; its versions are listed above.
    if (directory === "" || directory.endsWith("/shims")) continue;
    for (const minor of MINORS) candidates.push(join(directory, `python${minor}`));
  }
  for (const path of candidates) {
    const interpreter = await ask(path, env);
    if (interpreter !== undefined && !found.some((each) => each.version === interpreter.version)) {
      found.push(interpreter);
    }
  }
  return found.sort((a, b) => compare(b.version, a.version));
}

/** What plain `python3` is. */
export function defaultInterpreter(env: Readonly<Record<string, string>>): Promise<Interpreter | undefined> {
  return ask("python3", env);
}

function ask(path: string, env: Readonly<Record<string, string>>): Promise<Interpreter | undefined> {
  const known = answers.get(path);
  if (known !== undefined) return known;
  const answer = (async () => {
    if (path.includes("/") && !await isFile(path)) return undefined;
    const command: [string, ...string[]] = ["/bin/sh", "-c", 'exec "$0" -c "$1"', path, QUESTION];
    const result = await run({ command, cwd: "/", env, timeoutMs: ASK_TIMEOUT_MS });
    if (result.kind !== "exited" || result.code !== 0) return undefined;
    const [version = "", executable = ""] = result.stdout.trim().split("\n");
    return /^3\.\d+\.\d+$/.test(version) ? { version, path: executable } : undefined;
  })();
  answers.set(path, answer);
  return answer;
}

function compare(a: string, b: string): number {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  return (left[0]! - right[0]!) || (left[1]! - right[1]!) || (left[2]! - right[2]!);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

async function foldersIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map((entry) => entry.name);
  } catch {
    return [];
  }
}
