/**
 * Makes a virtual environment in a fraction of the time `python -m venv` takes: the wheels that come with
 * Python (pip, and setuptools before 3.12) are unpacked instead of installed by pip. Where they are not found
 * it is `python -m venv` after all.
 */
import { run } from "../../process/run.ts";
import type { RunResult } from "../../process/run.ts";
import type { CommandInPlace } from "../platform.ts";

export interface VenvRequest {
  /** The interpreter. */
  python: string;
  /** Made here; may exist. */
  folder: string;
  env: Readonly<Record<string, string>>;
  signal: AbortSignal;
  /** The command as it is run, and where. @default as it is */
  confine?: (command: CommandInPlace["command"], cwd: string) => CommandInPlace;
}

const TIMEOUT_MS = 120_000;

const SCRIPT = `
import glob, os, subprocess, sys, venv, zipfile
folder = sys.argv[1]
wheels = {}
try:
    import ensurepip
    places = [os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"),
              getattr(ensurepip, "_WHEEL_PKG_DIR", None), "/usr/share/python-wheels"]
    names = ["pip"] if sys.version_info >= (3, 12) else ["pip", "setuptools"]
    for name in names:
        found = [p for place in places if place for p in glob.glob(os.path.join(str(place), name + "-*.whl"))]
        if found:
            wheels[name] = found[0]
except ImportError:
    pass
if "pip" not in wheels:
    sys.exit(subprocess.call([sys.executable, "-m", "venv", folder]))
venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
version = "%d.%d" % sys.version_info[:2]
site = os.path.join(folder, "lib", "python" + version, "site-packages")
for wheel in wheels.values():
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
python = os.path.join(folder, "bin", "python")
for name in ["pip", "pip3", "pip" + version]:
    path = os.path.join(folder, "bin", name)
    with open(path, "w") as script:
        # The kernel cuts long interpreter lines off; the shell does not.
        script.write("#!/bin/sh\\n'''exec' \\"%s\\" \\"$0\\" \\"$@\\"\\n' '''\\n" % python)
        script.write("import sys\\nfrom pip._internal.cli.main import main\\nsys.exit(main())\\n")
    os.chmod(path, 0o755)
`;

export function makeVenv(request: VenvRequest): Promise<RunResult> {
  const command: readonly [string, ...string[]] = [request.python, "-c", SCRIPT, request.folder];
  return run({
    ...(request.confine?.(command, "/") ?? { command, cwd: "/" }),
    env: request.env,
    timeoutMs: TIMEOUT_MS,
    signal: request.signal,
  });
}
