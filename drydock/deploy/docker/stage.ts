/** One stage of a Dockerfile being followed: its scratch root, variables, working directory and command. */
import { join } from "@std/path";
import { run } from "../../../process/run.ts";
import type { BuildPlatform } from "../../platform.ts";
import type { StartCommand } from "../../records.ts";
import { BeyondLimit, isBeyondLimit } from "../build_limits.ts";
import { defaultInterpreter, findInterpreters } from "../interpreters.ts";
import { runLogged } from "../shell.ts";
import { makeVenv } from "../venv.ts";
import { copyFiles, ignoredNames } from "./copy.ts";
import { DockerfileError, parseCommand } from "./parse.ts";
import type { Command, Instruction, Stage } from "./parse.ts";
import { writeShims } from "./shims.ts";
import { imagePath, inScratch, pairs, rewritePaths, splitWords, substitute } from "./words.ts";

export interface StageContext {
  platform: BuildPlatform;
  context: string;
  /** The variables that programs of this machine need. */
  tools: Readonly<Record<string, string>>;
  /** What build arguments may be given as: the service's variables. */
  args: ReadonlyMap<string, string>;
  /** The same and the ARG instructions before the first FROM. */
  globals: ReadonlyMap<string, string>;
  log: (line: string) => void;
  signal: AbortSignal;
  /** When the time of the build is over, by the platform's monotonic clock. */
  endsAt: number;
  /** The stages before this one, each perhaps still being built. */
  stages: { name: string; built: Promise<ImageStage> }[];
}

const TOOL_TIMEOUT_MS = 120_000;
/** Larger programs are none that pip wrote. */
const SCRIPT_BYTES_MAX = 64 * 1024;
const IGNORED = new Set(["EXPOSE", "LABEL", "VOLUME", "HEALTHCHECK", "STOPSIGNAL", "MAINTAINER", "ONBUILD"]);

export class ImageStage {
  readonly #context: StageContext;
  #env = new Map<string, string>();
  readonly #args = new Map<string, string>();
  #workDirectory = "/";
  #shell: readonly [string, ...string[]] = ["/bin/sh", "-c"];
  #entrypoint: Command | undefined;
  #cmd: Command | undefined;

  private constructor(context: StageContext, readonly root: string) {
    this.#context = context;
  }

  /**
   * @param root made here
   * @param title shown in the log, such as `1/2`
   * @throws {DockerfileError} @throws {BeyondLimit}
   */
  static async build(context: StageContext, stage: Stage, root: string, title: string): Promise<ImageStage> {
    const image = await ImageStage.#from(context, stage, root, title);
    for (const instruction of stage.instructions) {
      if (IGNORED.has(instruction.name)) continue;
      context.log(`[${title}] ${instruction.name} ${instruction.rest}`);
      await image.#follow(instruction);
    }
    return image;
  }

  static async #from(context: StageContext, stage: Stage, root: string, title: string): Promise<ImageStage> {
    await Deno.mkdir(root, { recursive: true });
    const baseName = substitute(stage.base, context.globals);
    const base = await context.stages.findLast(({ name }) => name !== "" && name === baseName.toLowerCase())
      ?.built;
    const image = new ImageStage(context, root);
    context.log(`[${title}] FROM ${baseName}`);
    if (base !== undefined) {
      await copyTree(base.root, root, context);
      await moveScripts(join(root, "usr/local/bin"), base.root, root);
      image.#inherit(base);
    } else {
      await image.#prepare(stage, baseName);
    }
    return image;
  }

  environment(): Record<string, string> {
    return Object.fromEntries(this.#env);
  }

  /** The working directory, as a path of this machine. */
  directory(): string {
    return inScratch(this.root, this.#workDirectory);
  }

  /** What starts the service. @param override Render's dockerCommand, which takes CMD's place */
  command(override: string): StartCommand | undefined {
    const cmd: Command | undefined = override.trim() === ""
      ? this.#cmd
      : { form: "exec", argv: nonEmpty(splitWords(override)) };
    const main = this.#entrypoint ?? cmd;
    if (main === undefined) return undefined;
    const words = this.#argv(main);
    const rest = this.#entrypoint?.form === "exec" && cmd !== undefined ? this.#argv(cmd) : [];
    const shown = [this.#entrypoint, cmd].filter((each) => each !== undefined)
      .map((each) => each.form === "shell" ? each.text : each.argv.join(" ")).join(" ");
    const argv: [string, ...string[]] = [...words, ...rest];
    // The program is looked for on the PATH it will have, which the kernel does not do with ours.
    return { argv: ["/bin/sh", "-c", 'exec "$@"', "sh", ...argv], shown };
  }

  #argv(command: Command): [string, ...string[]] {
    if (command.form === "shell") return [...this.#shell, rewritePaths(command.text, this.root)];
    const [first, ...rest] = command.argv;
    return [rewritePaths(first, this.root), ...rest.map((word) => rewritePaths(word, this.root))];
  }

  #inherit(base: ImageStage): void {
    this.#env = new Map([...base.#env].map(([key, value]) => [key, value.replaceAll(base.root, this.root)]));
    this.#workDirectory = base.#workDirectory;
    this.#shell = base.#shell;
    this.#entrypoint = base.#entrypoint;
    this.#cmd = base.#cmd;
  }

  async #prepare(stage: Stage, baseName: string): Promise<void> {
    const { tools, log, signal } = this.#context;
    for (const folder of ["tmp", "usr/local/bin", "root"]) {
      await Deno.mkdir(join(this.root, folder), { recursive: true });
    }
    const shims = await writeShims(join(this.root, ".drydock"));
    const path = [shims, join(this.root, "usr/local/bin"), tools["PATH"] ?? "/usr/bin:/bin"].join(":");
    this.#env.set("PATH", path);
    this.#env.set("npm_config_prefix", join(this.root, "usr/local"));
    const text = [baseName, ...stage.instructions.map(({ rest }) => rest)].join("\n");
    if (!/\b(?:python|pip|uv)\d?\b/.test(text)) return;
    // A virtual environment where an image has its Python: pip cannot reach this machine's own packages.
    const wanted = /(?:^|\/)python:(\d+\.\d+)/.exec(baseName)?.[1];
    const installed = await findInterpreters(this.#context.platform.pythonVersions, tools);
    const match = installed.find(({ version }) => wanted !== undefined && version.startsWith(`${wanted}.`));
    const python = match ?? await defaultInterpreter(tools) ?? installed[0];
    if (python === undefined) throw new DockerfileError("Python is not installed on this machine");
    const note = match === undefined && wanted !== undefined ? ` (${wanted} is not installed here)` : "";
    log(`==> Drydock: ${baseName} stands for Python ${python.version} of this machine${note}`);
    this.#env.set("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    const folder = join(this.root, "usr/local");
    const result = await makeVenv({ python: python.path, folder, env: tools, signal });
    if (result.kind !== "exited" || result.code !== 0) {
      throw new DockerfileError("Python cannot make a virtual environment");
    }
  }

  async #follow(instruction: Instruction): Promise<void> {
    const { name, rest } = instruction;
    switch (name) {
      case "ENV":
        for (const [key, value] of pairs(rest)) {
          this.#env.set(key, rewritePaths(substitute(value ?? "", this.#values()), this.root));
        }
        return;
      case "ARG":
        for (const [key, value] of pairs(rest)) {
          const given = this.#context.args.get(key) ??
            (value === undefined ? this.#context.globals.get(key) : undefined);
          this.#args.set(key, given ?? substitute(value ?? "", this.#values()));
        }
        return;
      case "WORKDIR":
        this.#workDirectory = imagePath(
          substitute(splitWords(rest).join(" "), this.#values()),
          this.#workDirectory,
        );
        await Deno.mkdir(this.directory(), { recursive: true });
        return;
      case "COPY":
      case "ADD":
        return await this.#copy(instruction);
      case "RUN":
        return await this.#run(rest);
      case "SHELL": {
        const command = parseCommand(rest);
        if (command.form === "exec") this.#shell = command.argv;
        return;
      }
      case "CMD":
        this.#cmd = parseCommand(rest);
        return;
      case "ENTRYPOINT":
        this.#entrypoint = parseCommand(rest);
        this.#cmd = undefined;
        return;
      case "USER":
        this.#context.log(`==> Drydock: USER ${rest} is passed over`);
        return;
      default:
        throw new DockerfileError(`unknown instruction: ${name}`);
    }
  }

  /** What `$NAME` means: ENV wins over ARG. */
  #values(): Map<string, string> {
    return new Map([...this.#args, ...this.#env]);
  }

  async #copy(instruction: Instruction): Promise<void> {
    const parsed = parseCommand(substitute(instruction.rest, this.#values()));
    const words = parsed.form === "exec" ? parsed.argv : splitWords(parsed.text);
    const target = words.at(-1);
    if (target === undefined || words.length < 2) {
      throw new DockerfileError(`${instruction.name} requires at least two arguments`);
    }
    if (words.some((word) => /^https?:|^git@/.test(word))) {
      throw new DockerfileError("ADD of an address is not followed");
    }
    const from = instruction.flags.get("from");
    const stage = from === undefined ? undefined : await this.#stageNamed(from);
    await copyFiles({
      from: stage?.root ?? this.#context.context,
      sources: words.slice(0, -1),
      to: inScratch(this.root, target, this.#workDirectory),
      intoFolder: /(^|\/)\.?$/.test(target),
      ignored: stage === undefined ? await ignoredNames(this.#context.context) : new Set(),
    });
  }

  #stageNamed(name: string): Promise<ImageStage> {
    const { stages } = this.#context;
    const stage = stages.findLast((each) => each.name === name.toLowerCase()) ??
      (/^\d+$/.test(name) ? stages[Number(name)] : undefined);
    if (stage === undefined) {
      throw new DockerfileError(`--from=${name}: images other than stages cannot be had here`);
    }
    return stage.built;
  }

  async #run(rest: string): Promise<void> {
    const { platform, tools, log, signal, endsAt } = this.#context;
    const result = await runLogged({
      command: this.#argv(parseCommand(rest)),
      cwd: this.directory(),
      env: { ...tools, ...Object.fromEntries(this.#args), ...this.environment() },
      onLine: log,
      timeoutMs: Math.max(0, endsAt - platform.clock.monotonic()),
      clock: platform.clock,
      signal,
      memoryMiB: platform.buildMemoryMiB,
    });
    if (result.kind === "exited" && result.code === 0) return;
    if (isBeyondLimit(result)) throw new BeyondLimit(result);
    const why = result.kind === "exited" ? `exit code: ${result.code}` : "it was stopped";
    throw new DockerfileError(`process "/bin/sh -c ${rest}" did not complete successfully: ${why}`);
  }
}

async function copyTree(from: string, to: string, context: StageContext): Promise<void> {
  const result = await run({
    command: ["cp", "-a", `${from}/.`, to],
    cwd: from,
    env: { ...context.tools },
    timeoutMs: TOOL_TIMEOUT_MS,
    signal: context.signal,
  });
  if (result.kind !== "exited" || result.code !== 0) throw new DockerfileError("a stage cannot be copied");
}

/** Lets the programs that pip wrote run this stage's Python: their first lines name the stage they came from. */
async function moveScripts(folder: string, from: string, to: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (!isFile || (await Deno.stat(path)).size > SCRIPT_BYTES_MAX) continue;
    const text = await Deno.readTextFile(path);
    if (text.startsWith("#!") && text.includes(from)) {
      await Deno.writeTextFile(path, text.replaceAll(from, to));
    }
  }
}

function nonEmpty(words: string[]): [string, ...string[]] {
  const [first = "", ...rest] = words;
  return [first, ...rest];
}
