/**
 * The command lines of the container engines in one table, as pure functions. Only buildah's were run; those of
 * docker and podman are written by their manuals. Containers share this machine's network, so PORT and the
 * port scan mean the same as for native services.
 */

export type EngineKind = "docker" | "podman" | "buildah";
export type CommandLine = readonly [string, ...string[]];

export interface Engine {
  readonly kind: EngineKind;
  /** Absolute path. */
  readonly program: string;
  readonly version: string;
  /** True when we run as root. */
  readonly isRoot: boolean;
  /** Image stores that base images may come from; buildah only, the others have their own. */
  readonly bases: readonly string[];
}

export interface ImageBuild {
  dockerfile: string;
  context: string;
  /** The image's name. */
  image: string;
  args: Readonly<Record<string, string>>;
  withoutCache: boolean;
}

export interface ContainerRun {
  name: string;
  image: string;
  env: Readonly<Record<string, string>>;
  /** The whole command; the image's ENTRYPOINT and CMD are part of it already. */
  argv: CommandLine;
}

export interface EngineCommands {
  /** Prints something and succeeds when the engine works. */
  probe(): CommandLine;
  build(build: ImageBuild): CommandLine;
  /** Prints the image's settings as JSON. */
  inspect(image: string): CommandLine;
  /** Makes the container that `run` runs in; absent where `run` makes it. */
  create?(name: string, image: string): CommandLine;
  run(run: ContainerRun): CommandLine;
  removeContainer(name: string): CommandLine;
  /** Removes images by name or id. */
  removeImage(...images: string[]): CommandLine;
  /** Prints the ids of all images and layers, the newest first; absent where they are not ours alone. */
  layers?(): CommandLine;
  /** Prints the containers as JSON, those of builds that were killed among them; absent where none stay. */
  list?(): CommandLine;
  /** Removes a folder whose files belong to users that only the engine can act as; absent where we can. */
  removeFolder?(folder: string): CommandLine;
}

/** On every image and container of docker and podman, so that a person can find what kill -9 left. */
export const LABEL = "evenkeel.drydock";

/** @param store where buildah keeps images and containers; nothing of them is anywhere else */
export function commandsOf(engine: Engine, store: string): EngineCommands {
  return engine.kind === "buildah" ? buildah(engine, store) : withService(engine);
}

function withService(engine: Engine): EngineCommands {
  const { program } = engine;
  const isPodman = engine.kind === "podman";
  return {
    probe: () => [program, "info", "--format", isPodman ? "{{.Version.Version}}" : "{{.ServerVersion}}"],
    build: (build) => [
      program,
      "build",
      ...(isPodman ? ["--layers", "--pull=missing"] : []),
      ...["--label", LABEL],
      ...buildFlags(build),
    ],
    inspect: (image) => [program, "image", "inspect", image],
    run: ({ name, image, env, argv: [first, ...rest] }) => [
      program,
      "run",
      "--rm",
      "--pull=never",
      ...["--name", name, "--label", LABEL, "--network", "host"],
      ...variables(env),
      ...["--entrypoint", first, image, ...rest],
    ],
    removeContainer: (name) => [program, "rm", "--force", "--volumes", name],
    removeImage: (...images) => [program, "rmi", "--force", ...images],
  };
}

function buildah(engine: Engine, store: string): EngineCommands {
  const { program, isRoot } = engine;
  // In a mount namespace of its own nothing stays mounted after the process, not even after kill -9. Without
  // root buildah makes such a namespace itself.
  const inNamespace = isRoot ? ["unshare", "--mount", "--propagation", "private", program] : [program];
  const own = ["--root", `${store}/storage`, "--runroot", `${store}/run`, "--storage-driver", "overlay"];
  const bases = engine.bases.flatMap((base) => ["--storage-opt", `overlay.imagestore=${base}`]);
  const command = (...args: string[]): CommandLine => {
    const [first = program, ...rest] = inNamespace;
    return [first, ...rest, ...own, ...bases, ...args];
  };
  const isolation = ["--isolation", "chroot"];
  return {
    probe: () => command("info"),
    // Stages that do not need one another are built at the same time, as BuildKit does on Render.
    build: (build) =>
      command(
        "bud",
        ...isolation,
        ...["--layers", "--force-rm", "--pull=missing", "--jobs", "0"],
        ...buildFlags(build),
      ),
    inspect: (image) => command("inspect", "--type", "image", image),
    create: (name, image) => command("from", "--pull=never", "--name", name, image),
    run: ({ name, env, argv }) => command("run", ...isolation, ...variables(env), name, "--", ...argv),
    removeContainer: (name) => command("rm", name),
    removeImage: (...images) => command("rmi", "--force", ...images),
    layers: () => command("images", "--all", "--quiet", "--no-trunc"),
    list: () => command("containers", "--json"),
    ...(isRoot
      ? {}
      : { removeFolder: (folder): CommandLine => [program, "unshare", "rm", "-rf", "--", folder] }),
  };
}

function buildFlags({ dockerfile, context, image, args, withoutCache }: ImageBuild): string[] {
  return [
    ...["--file", dockerfile, "--tag", image],
    ...(withoutCache ? ["--no-cache"] : []),
    ...Object.entries(args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    context,
  ];
}

function variables(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
}
