/**
 * The Python of a build: an interpreter chosen as Render chooses one (reference section 11) and a virtual
 * environment in the checkout's `.venv`, first on PATH for the build and for the running service.
 */
import { join } from "@std/path";
import { StageFailed } from "./failure.ts";
import { defaultInterpreter, findInterpreters } from "./interpreters.ts";
import type { Interpreter } from "./interpreters.ts";
import { readIfThere } from "./node.ts";
import type { ToolchainRequest } from "./node.ts";
import { makeVenv } from "./venv.ts";

const DEFAULT_SOURCE = "(default)";

/**
 * @param checkout the folder that gets `.venv`
 * @returns the variables that put the virtual environment first
 * @throws {StageFailed} when the version asked for is malformed or not installed
 */
export async function makeVirtualEnvironment(
  request: ToolchainRequest,
  checkout: string,
  given: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const { log } = request;
  const chosen = await choose(request, given);
  log(`==> Using Python version ${chosen.version} ${chosen.source}`);
  log("==> Docs on specifying a Python version: https://render.com/docs/python-version");
  const folder = join(checkout, ".venv");
  const { env, signal, confine } = request;
  const result = await makeVenv({ python: chosen.path, folder, env, signal, confine });
  if (result.kind !== "exited" || result.code !== 0) {
    if (request.signal.aborted) throw new StageFailed("build", {});
    for (const line of `${result.stdout}${result.stderr}`.trim().split("\n")) log(line);
    log(`==> Drydock: Python ${chosen.version} cannot make a virtual environment on this machine`);
    throw new StageFailed("build", { nonZeroExit: 1 });
  }
  return {
    VIRTUAL_ENV: folder,
    PATH: `${join(folder, "bin")}:${request.env["PATH"] ?? ""}`,
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
  };
}

async function choose(
  request: ToolchainRequest,
  given: Readonly<Record<string, string>>,
): Promise<Interpreter & { source: string }> {
  const { log } = request;
  const wanted = await pythonRequest(request);
  if (wanted === undefined) {
    const [first] = Object.entries(given);
    const fallback = first === undefined
      ? await defaultInterpreter(request.env)
      : { version: first[0], path: first[1] };
    if (fallback !== undefined) return { ...fallback, source: DEFAULT_SOURCE };
    log("==> Drydock: Python 3 is not installed on this machine, or not on PATH");
    throw new StageFailed("build", { nonZeroExit: 127 });
  }
  const installed = await findInterpreters(given, request.env);
  const exact = installed.find(({ version }) => version === wanted.version);
  if (exact !== undefined) return { ...exact, source: wanted.source };
  const minor = wanted.version.split(".").slice(0, 2).join(".");
  const near = installed.find(({ version }) => version.startsWith(`${minor}.`));
  if (near !== undefined) {
    if (wanted.version !== minor) {
      log(
        `==> Drydock: Python ${wanted.version} is not installed on this machine, so ${near.version} is used`,
      );
    }
    return { ...near, source: wanted.source };
  }
  const versions = installed.map(({ version }) => version).join(", ") || "none";
  log(`==> Drydock: Python ${wanted.version} is not installed on this machine (installed: ${versions})`);
  throw new StageFailed("build", { nonZeroExit: 1 });
}

async function pythonRequest(request: ToolchainRequest) {
  const variable = request.own.get("PYTHON_VERSION")?.trim();
  if (variable !== undefined) {
    if (!/^\d+\.\d+\.\d+$/.test(variable)) {
      request.log(
        "==> The PYTHON_VERSION must provide a major, minor, and patch version, e.g. 3.8.1. " +
          `You have requested ${variable}.`,
      );
      throw new StageFailed("build", { nonZeroExit: 1 });
    }
    return { version: variable, source: "via environment variable PYTHON_VERSION" };
  }
  const text = (await readIfThere(join(request.workDirectory, ".python-version")))?.trim().split("\n")[0];
  if (text && /^\d+\.\d+(\.\d+)?$/.test(text)) {
    return { version: text, source: "via /opt/render/project/src/.python-version" };
  }
  return undefined;
}
