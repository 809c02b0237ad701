/**
 * What one drydock keeps in a container engine: which engine it is, the images of each service, and their
 * removal. Nothing is asked of any engine before the first Dockerfile is built. With buildah all images and
 * containers of a service lie in its folder; docker and podman keep theirs, so each is removed by its name.
 */
import { join } from "@std/path";
import { z } from "zod";
import { EvenkeelError } from "../../../base/errors.ts";
import { run } from "../../../process/run.ts";
import { commandsOf } from "./commands.ts";
import type { CommandLine, Engine, EngineCommands } from "./commands.ts";
import { chooseEngine, isStore, ordinaryStores, thisMachine } from "./detect.ts";
import type { EngineChoice } from "./detect.ts";
import { engineEnvironment } from "./environment.ts";

export interface ContainersOptions {
  /** `auto`, `none`, or the name or path of docker, podman or buildah. */
  engine: string;
  /** A prepared store of the overlay kind that buildah takes base images from. */
  imageStore: string | undefined;
}

/** An engine at work for one service. */
export interface EngineUse {
  readonly engine: Engine;
  readonly commands: EngineCommands;
  readonly env: Readonly<Record<string, string>>;
}

/** Milliseconds one command that neither builds nor runs may take. */
const TOOL_TIMEOUT_MS = 60_000;
/** All containers that instances run in are named so; a build's own are not. */
const CONTAINER_PREFIX = "drydock-";
const listSchema = z.array(z.object({ containername: z.string() })).nullable();

export class Containers {
  readonly #folder: string;
  readonly #options: ContainersOptions;
  readonly #images = new Map<string, Set<string>>();
  #choice: Promise<EngineChoice> | undefined;

  private constructor(folder: string, options: ContainersOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /**
   * @param folder the folder of the services' folders
   * @throws {EvenkeelError} when the engine or the store that was asked for by name cannot be used
   */
  static async open(folder: string, options: ContainersOptions): Promise<Containers> {
    const { engine, imageStore } = options;
    if (imageStore !== undefined && !await isStore(imageStore)) {
      throw new EvenkeelError(`Cannot use the image store ${imageStore}: it has no folder overlay-images`, {
        hint: "Make one with: buildah --root DIR --storage-driver overlay bud -t NAME FOLDER",
      });
    }
    const containers = new Containers(folder, options);
    if (engine === "auto" || engine === "none") return containers;
    const choice = await containers.choice();
    if (choice.kind === "engine") return containers;
    throw new EvenkeelError(`Cannot use the container engine ${engine}: ${choice.why}`, {
      hint: "Choose auto, none, or the path of docker, podman or buildah",
    });
  }

  /** Which engine builds Dockerfiles here; found once. */
  choice(): Promise<EngineChoice> {
    return this.#choice ??= this.#choose();
  }

  /** @param engine the chosen one */
  async use(engine: Engine, serviceId: string): Promise<EngineUse> {
    const store = this.#store(serviceId);
    const scratch = join(store, "tmp");
    await Deno.mkdir(scratch, { recursive: true });
    return { engine, commands: commandsOf(engine, store), env: engineEnvironment(scratch) };
  }

  /** The name of a deploy's image, which is removed with the deploy's artifact from now on. */
  nameImage(serviceId: string, deployId: string): string {
    const image = `localhost/drydock/${serviceId}:${deployId}`;
    const images = this.#images.get(serviceId) ?? new Set();
    this.#images.set(serviceId, images.add(image));
    return image;
  }

  /** Removes a deploy's image, if it has one. */
  async removeImage(serviceId: string, deployId: string): Promise<void> {
    const image = `localhost/drydock/${serviceId}:${deployId}`;
    const choice = await this.#choice;
    if (choice?.kind !== "engine" || !this.#images.get(serviceId)?.delete(image)) return;
    const use = await this.use(choice.engine, serviceId);
    await runTool(use, use.commands.removeImage(image)).catch(() => {});
  }

  /** Removes all images of a service that runs no more, and their store. */
  async removeService(serviceId: string): Promise<void> {
    const images = this.#images.get(serviceId);
    const choice = await this.#choice;
    this.#images.delete(serviceId);
    if (choice?.kind !== "engine" || images === undefined) return;
    const use = await this.use(choice.engine, serviceId);
    const { commands, engine } = use;
    if (engine.kind !== "buildah") {
      for (const image of images) await runTool(use, commands.removeImage(image)).catch(() => {});
    } else if (commands.removeFolder !== undefined) {
      await runTool(use, commands.removeFolder(this.#store(serviceId))).catch(() => {});
    }
    await Deno.remove(this.#store(serviceId), { recursive: true }).catch(() => {});
  }

  /** The same for every service; all must have been closed. */
  async close(): Promise<void> {
    for (const serviceId of [...this.#images.keys()]) await this.removeService(serviceId);
  }

  #store(serviceId: string): string {
    return join(this.#folder, serviceId, "images");
  }

  async #choose(): Promise<EngineChoice> {
    const scratch = join(this.#folder, ".engine");
    const { engine, imageStore } = this.#options;
    const machine = thisMachine(scratch);
    const bases = await ordinaryStores((name) => Deno.env.get(name), machine.isRoot);
    if (imageStore !== undefined) bases.unshift(await Deno.realPath(imageStore));
    await Deno.mkdir(scratch, { recursive: true });
    try {
      return await chooseEngine({ engine, bases, scratch }, machine);
    } finally {
      await Deno.remove(scratch, { recursive: true }).catch(() => {});
    }
  }
}

/** The name of the container that an instance runs in. */
export function containerName(instanceId: string): string {
  return `${CONTAINER_PREFIX}${instanceId}`;
}

/** @returns what it printed @throws {Error} with the engine's own last line when it fails */
export async function runTool(use: EngineUse, command: CommandLine, signal?: AbortSignal): Promise<string> {
  const result = await run({
    command,
    cwd: "/",
    env: use.env,
    timeoutMs: TOOL_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.kind === "exited" && result.code === 0) return result.stdout;
  const said = result.stderr.trim().split("\n").at(-1) ?? "";
  throw new Error(said === "" ? `${use.engine.kind} was stopped` : said);
}

/** Removes the containers that a build which was killed has left. */
export async function sweep(use: EngineUse): Promise<void> {
  const { list, removeContainer } = use.commands;
  if (list === undefined) return;
  try {
    const all = listSchema.parse(JSON.parse(await runTool(use, list()))) ?? [];
    for (const { containername: name } of all) {
      if (!name.startsWith(CONTAINER_PREFIX)) await runTool(use, removeContainer(name));
    }
  } catch {
    // They go with the service's folder at the latest.
  }
}

/** The ids of a service's images and layers, the newest first; `null` where they cannot be told from those of others. */
export async function layersOf(use: EngineUse): Promise<string[] | null> {
  const { layers } = use.commands;
  if (layers === undefined) return null;
  const printed = await runTool(use, layers()).catch(() => null);
  return printed === null ? null : [...new Set(printed.split("\n").filter((id) => id !== ""))];
}

/** Removes the layers that a build which failed has made. @param before those that were there when it began */
export async function removeLayers(use: EngineUse, before: readonly string[] | null): Promise<void> {
  if (before === null) return;
  const made = (await layersOf(use) ?? []).filter((id) => !before.includes(id));
  if (made.length > 0) await runTool(use, use.commands.removeImage(...made)).catch(() => {});
}
