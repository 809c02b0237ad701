/**
 * A base image for tests that build with buildah, made in a second or two without a network: this machine's
 * Node.js, a shell and a few tools with the libraries they are linked to, called as the official image is.
 */
import { dirname, join } from "@std/path";
import { chooseEngine, thisMachine } from "../../drydock/deploy/engine/detect.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";

export interface BaseImage extends AsyncDisposable {
  /** The store to give to drydock. */
  readonly imageStore: string;
}

const NAME = "docker.io/library/node:20-slim";
const PROGRAMS = ["node", "sh", "cat", "cp", "mkdir", "sleep"];
const TIMEOUT_MS = 60_000;

/** Why builds by buildah cannot be tested here, or `undefined` when they can. */
export async function whyNoBuildah(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "not run as root";
  const scratch = await Deno.makeTempDir({ prefix: "drydock-probe-" });
  try {
    const choice = await chooseEngine({ engine: "buildah", bases: [], scratch }, thisMachine(scratch));
    return choice.kind === "engine" ? undefined : choice.why;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

export async function makeBaseImage(): Promise<BaseImage> {
  const folder = await Deno.makeTempDir({ prefix: "drydock-base-" });
  const imageStore = join(folder, "store");
  const root = join(folder, "root");
  for (const path of ["usr/bin", "etc", "tmp", "root"]) {
    await Deno.mkdir(join(root, path), { recursive: true });
  }
  await Deno.symlink("usr/bin", join(root, "bin"));
  await Deno.writeTextFile(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  for (const name of PROGRAMS) {
    const program = await Deno.realPath((await call(folder, "sh", "-c", `command -v ${name}`)).trim());
    await Deno.copyFile(program, join(root, "usr/bin", name));
    for (const [library] of (await call(folder, "ldd", program)).matchAll(/\/\S+/g)) {
      await Deno.mkdir(join(root, dirname(library)), { recursive: true });
      await Deno.copyFile(await Deno.realPath(library), join(root, library));
    }
  }
  await Deno.writeTextFile(
    join(folder, "Dockerfile"),
    'FROM scratch\nCOPY root/ /\nENV PATH=/usr/bin NODE_VERSION=here\nCMD ["node"]\n',
  );
  const store = ["--root", imageStore, "--runroot", join(folder, "run"), "--storage-driver", "overlay"];
  await call(
    folder,
    ...[
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "buildah",
      ...store,
      "bud",
      "--isolation",
      "chroot",
    ],
    ...["--pull-never", "--tag", NAME, folder],
  );
  return { imageStore, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

async function call(cwd: string, program: string, ...args: string[]): Promise<string> {
  const result = await run({
    command: [program, ...args],
    cwd,
    env: { ...toolEnvironment(), HOME: cwd, TMPDIR: cwd },
    timeoutMs: TIMEOUT_MS,
  });
  if (result.kind === "exited" && result.code === 0) return result.stdout;
  throw new Error(`${program} ${args.join(" ")} failed: ${result.stderr}`);
}
