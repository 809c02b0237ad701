/**
 * Finds the interpreter that a service builds with. A version that is installed is used as it is; for one that
 * is not, pip is asked to resolve as if it ran there (environment markers then still see the Python at hand).
 */
import { join } from "@std/path";
import { z } from "zod";
import type { Workshop } from "./workshop.ts";

/** A released Python version such as `3.12` or `3.12.1`. */
export const pythonVersionSchema = z.string().regex(/^3\.\d{1,2}(\.\d{1,3})?$/);

/** A project's name by PEP 508: letters and digits at both ends, so it cannot be taken for an option. */
export const pythonNameSchema = z.string().max(200).regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/);

export interface Python {
  /** Path or name of the interpreter. */
  program: string;
  /** What makes pip resolve for another version than the interpreter's own. */
  pipArguments: string[];
}

export type FindPython = (version: string | null, signal: AbortSignal) => Promise<Python>;

/** The reports that resolving is read from came with this pip. */
const PIP_NEEDED = [22, 2] as const;
const PROBE = "import pip, sys; print('%d.%d' % sys.version_info[:2], pip.__version__)";
const PROBE_TIMEOUT_MS = 60_000;
const VERSIONS_MAX = 50;

/** @param pyenvRoot where pyenv keeps its versions @default PYENV_ROOT, else ~/.pyenv */
export function createPythonFinder(
  workshop: Workshop,
  pyenvRoot: string | undefined = defaultPyenvRoot(),
): FindPython {
  const found = new Map<string, Promise<Python>>();
  const find = async (minor: string): Promise<Python> => {
    const programs = [`python${minor}`, ...await installedByPyenv(pyenvRoot, minor), "python3"];
    for (const program of programs) {
      // Not the caller's signal: what is found serves later callers too.
      const job = { command: [program, "-I", "-c", PROBE], timeoutMs: PROBE_TIMEOUT_MS } as const;
      const probe = await workshop.run({ ...job, signal: new AbortController().signal }).catch(() =>
        undefined
      );
      const match = /^(\d+\.\d+) (\d+)\.(\d+)/.exec(probe?.stdout ?? "");
      if (match?.[1] !== minor) continue;
      const [major, rest] = [Number(match[2]), Number(match[3])];
      const isRecent = major > PIP_NEEDED[0] || (major === PIP_NEEDED[0] && rest >= PIP_NEEDED[1]);
      if (isRecent) return { program, pipArguments: [] };
    }
    return { program: "python3", pipArguments: ["--python-version", minor] };
  };
  return async (version) => {
    if (version === null) return { program: "python3", pipArguments: [] };
    const minor = version.split(".").slice(0, 2).join(".");
    const known = found.get(minor) ?? find(minor);
    if (found.size < VERSIONS_MAX) found.set(minor, known);
    return await known;
  };
}

function defaultPyenvRoot(): string | undefined {
  const home = Deno.env.get("HOME");
  return Deno.env.get("PYENV_ROOT") ?? (home === undefined ? undefined : join(home, ".pyenv"));
}

/** Interpreters of a version under pyenv's root, which are not on PATH under their own name. */
async function installedByPyenv(root: string | undefined, minor: string): Promise<string[]> {
  if (root === undefined) return [];
  const programs: string[] = [];
  try {
    for await (const entry of Deno.readDir(join(root, "versions"))) {
      if (entry.name.startsWith(`${minor}.`)) {
        programs.push(join(root, "versions", entry.name, "bin", "python3"));
      }
    }
  } catch {
    return [];
  }
  return programs.sort();
}
