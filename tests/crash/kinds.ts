/** A service for each kind of remedy: what is wrong with it, and which effects heal it when nothing disturbs. */
import { until } from "../drydock/harbour.ts";
import { nodeApp } from "../scenarios/apps.ts";
import type { NodeApp } from "../scenarios/apps.ts";
import { begin } from "../scenarios/stage.ts";
import type { Patient, PatientOptions } from "../scenarios/stage.ts";
import type { Step } from "../../reconciler/action.ts";

/** What a kind may use that is made for one service. */
export interface Surroundings {
  /** A folder that the service's programs may write to. */
  folder: string;
  /** Variables that make npm ask a registry that has tiny-ms. */
  registry: Readonly<Record<string, string>>;
}

export interface Kind {
  name: string;
  /** The effects of an undisturbed run, in their order. */
  steps: readonly Step[];
  mode?: "push" | "pull-request";
  /** The quiet time; a restarted service has as long to come up. @default "400ms" */
  stableFor?: string;
  files: Readonly<Record<string, string>>;
  options(surroundings: Surroundings): PatientOptions;
  /** How the first deploy ends. */
  first: "live" | "update_failed" | "build_failed";
  /** Breaks what was proven good. */
  turnBad?(patient: Patient, surroundings: Surroundings): Promise<void>;
}

const noBuild = { buildCommand: "", startCommand: "node index.js" };
const wrongHost = nodeApp({ host: "127.0.0.1" });
const failing = (statement: string): NodeApp => ({
  health: `try { ${statement} } catch (error) { console.error(error); answer(500, { status: "error" }); }`,
});

export const KINDS: readonly Kind[] = [
  {
    name: "a patch that Render deploys by itself",
    steps: ["push"],
    files: wrongHost,
    options: () => ({ commands: noBuild }),
    first: "update_failed",
  },
  {
    name: "a patch where autodeploy is off",
    steps: ["push", "deploy"],
    files: wrongHost,
    options: () => ({ commands: noBuild, top: { autoDeploy: "no" } }),
    first: "update_failed",
  },
  {
    name: "a pull request",
    steps: ["pull-request"],
    mode: "pull-request",
    files: wrongHost,
    options: () => ({ commands: noBuild }),
    first: "update_failed",
  },
  {
    name: "a start command",
    steps: ["setting", "deploy"],
    files: nodeApp(),
    options: () => ({ commands: { ...noBuild, startCommand: "node sever.js" } }),
    first: "update_failed",
  },
  {
    name: "a health check path",
    steps: ["setting", "deploy"],
    files: nodeApp(),
    options: () => ({ commands: noBuild, details: { healthCheckPath: "/health" } }),
    first: "update_failed",
  },
  {
    name: "a root directory",
    steps: ["setting", "deploy"],
    files: Object.fromEntries(Object.entries(nodeApp()).map(([path, text]) => [`server/${path}`, text])),
    options: () => ({ top: { rootDir: "sever" } }),
    first: "build_failed",
  },
  {
    name: "a redeploy",
    steps: ["deploy"],
    files: nodeApp(),
    options: ({ folder }) => {
      const mark = `${folder}/has-failed-once`;
      const buildCommand = `if [ ! -e ${mark} ]; then touch ${mark}; echo "npm error code ECONNRESET"; ` +
        `echo "npm error network aborted"; exit 1; fi`;
      return { commands: { buildCommand } };
    },
    first: "build_failed",
  },
  {
    name: "a restart",
    steps: ["restart"],
    stableFor: "3s",
    files: nodeApp({
      imports: `import { existsSync, rmSync } from "node:fs";\nrmSync(process.env.MARK, { force: true });`,
      health:
        `existsSync(process.env.MARK) ? answer(500, { status: "stuck" }) : answer(200, { status: "ok" });`,
    }),
    options: ({ folder }) => ({ commands: noBuild, envVars: { MARK: `${folder}/is-stuck` } }),
    first: "live",
    turnBad: (_, { folder }) => Deno.writeTextFile(`${folder}/is-stuck`, ""),
  },
  {
    name: "a rollback, and autodeploy on again after the repair",
    steps: ["autodeploy-off", "rollback", "push", "deploy", "autodeploy-on"],
    files: nodeApp(),
    options: ({ registry }) => ({ envVars: registry }),
    first: "live",
    async turnBad({ repository, berth }) {
      const statement = `const { default: ms } = await import("tiny-ms"); answer(200, { status: "ok", ms });`;
      const bad = await repository.commit(nodeApp(failing(statement)), "Second version");
      await until(async () =>
        (await berth.deploys()).find(({ status, commit }) => status === "live" && commit?.id === bad)
      );
    },
  },
];

/** Waits for the first deploy to end as it must. */
export const isBorn = (kind: Kind, patient: Patient) => begin(patient, kind.first);
