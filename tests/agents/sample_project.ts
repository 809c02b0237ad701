/**
 * A small real project in a temp folder: commands run in it as the platform would run them, its log is
 * diagnosed, and what the fixer proposes is applied, so that the same command can be run again.
 */
import { dirname, join, relative } from "@std/path";
import { diagnose } from "../../agents/analyzer/agent.ts";
import type { AskTool } from "../../agents/agent.ts";
import { propose } from "../../agents/fixer/agent.ts";
import type {
  AnalyzerInput,
  Diagnosis,
  FixerInput,
  Phase,
  Proposal,
  Settings,
} from "../../agents/messages.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run, type RunResult } from "../../process/run.ts";

const RUN_TIMEOUT_MS = 60_000;

export const SETTINGS: Settings = {
  runtime: "node",
  plan: null,
  rootDir: "",
  buildCommand: "npm install",
  startCommand: "node index.js",
  preDeployCommand: "",
  dockerfilePath: "",
  healthCheckPath: "",
  healthPath: "/healthz",
};

export interface Project extends AsyncDisposable {
  readonly directory: string;
  settings: Settings;
  /** Runs a command line as the platform does. @returns what it printed, both streams */
  shell(
    command: string,
    options?: { timeoutMs?: number; env?: Record<string, string> },
  ): Promise<{ log: string; result: RunResult }>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  read(path: string): Promise<string>;
  paths(): Promise<string[]>;
  diagnose(log: string, phase?: Phase | null, more?: Partial<AnalyzerInput>): Promise<Diagnosis>;
  /** What a remedy proposes; the diagnosis' first remedy that proposes something, unless one is named. */
  propose(
    diagnosis: Diagnosis,
    ask?: AskTool,
    remedy?: string,
    more?: Partial<FixerInput>,
  ): Promise<Proposal>;
  /** Applies a proposal to the folder or to `settings`. @returns the paths of changed files */
  apply(proposal: Proposal): Promise<string[]>;
}

export const noTools: AskTool = (tool) => Promise.reject(new Error(`${tool} is not at hand in this test`));

export async function createProject(
  files: Readonly<Record<string, string>>,
  settings: Partial<Settings> = {},
): Promise<Project> {
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "evenkeel-project-" }));
  const project: Project = {
    directory,
    settings: { ...SETTINGS, ...settings },
    async shell(command, options = {}) {
      const result = await run({
        command: ["bash", "-c", command],
        cwd: join(directory, project.settings.rootDir),
        env: {
          ...toolEnvironment(),
          HOME: directory,
          npm_config_update_notifier: "false",
          npm_config_cache: join(directory, ".cache"),
          ...options.env,
        },
        timeoutMs: options.timeoutMs ?? RUN_TIMEOUT_MS,
      });
      return { log: `${result.stdout}${result.stderr}`, result };
    },
    async write(more) {
      for (const [path, text] of Object.entries(more)) {
        await Deno.mkdir(dirname(join(directory, path)), { recursive: true });
        await Deno.writeTextFile(join(directory, path), text);
      }
    },
    read: (path) => Deno.readTextFile(join(directory, path)),
    async paths() {
      const found: string[] = [];
      for await (const path of walk(directory)) found.push(relative(directory, path));
      return found.sort();
    },
    async diagnose(log, phase = null, more = {}) {
      const texts: Record<string, string> = {};
      const paths = await project.paths();
      for (const path of paths) texts[path] = await project.read(path);
      return diagnose({
        log,
        phase,
        settings: project.settings,
        repository: { paths, files: texts },
        platformReason: null,
        ...more,
      });
    },
    async propose(diagnosis, ask, remedy, more = {}) {
      const input = {
        diagnosis,
        settings: project.settings,
        directory,
        paths: await project.paths(),
        ...more,
      };
      let answer: Proposal = { kind: "none", why: "the diagnosis names no remedy" };
      for (const id of remedy === undefined ? diagnosis.remedies : [remedy]) {
        answer = await propose({ ...input, remedy: id }, ask ?? noTools);
        if (answer.kind !== "none") return answer;
      }
      return answer;
    },
    async apply(proposal) {
      switch (proposal.kind) {
        case "none":
          throw new Error(`Nothing was proposed: ${proposal.why}`);
        case "redeploy":
          return [];
        case "setting": {
          const { rootDir, serviceDetails } = proposal.patch;
          project.settings = {
            ...project.settings,
            ...(rootDir === undefined ? {} : { rootDir }),
            ...(serviceDetails?.healthCheckPath === undefined
              ? {}
              : { healthCheckPath: serviceDetails.healthCheckPath }),
            buildCommand: serviceDetails?.envSpecificDetails?.buildCommand ?? project.settings.buildCommand,
            startCommand: serviceDetails?.envSpecificDetails?.startCommand ?? project.settings.startCommand,
          };
          return [];
        }
        case "patch":
          for (const { path, content } of proposal.edits) await project.write({ [path]: content ?? "" });
          return proposal.edits.map(({ path }) => path);
      }
    },
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
  await project.write(files);
  return project;
}

/** The files a commit would hold: no caches, no installed packages. */
async function* walk(directory: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(directory)) {
    const path = join(directory, entry.name);
    if (
      [".cache", ".npm", "node_modules", "deps", "build", "__pycache__"].includes(entry.name) ||
      entry.name.endsWith(".egg-info")
    ) continue;
    if (entry.isDirectory) yield* walk(path);
    else if (entry.isFile) yield path;
  }
}
