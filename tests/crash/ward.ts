/**
 * One drydock in which services of every kind of remedy fall ill, again and again, and the deadly command line that
 * heals them. Each case has a data folder of its own; the world is compared as what it ended in, without names.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { z } from "zod";
import { run } from "../../process/run.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { createNpmRegistry } from "../helpers/npm_registry.ts";
import { gitIn } from "../repo/hostile.ts";
import { Daemon } from "../scenarios/daemon.ts";
import { assertIsForPeople, Stage } from "../scenarios/stage.ts";
import type { Patient } from "../scenarios/stage.ts";
import { startGitHub } from "./github.ts";
import type { Pull } from "./github.ts";
import { isBorn } from "./kinds.ts";
import type { Kind } from "./kinds.ts";
import type { Orders } from "./orders.ts";

const DEADLY_MAIN = fromFileUrl(new URL("./deadly_main.ts", import.meta.url));
const RUN_TIMEOUT_MS = 300_000;
const PACE = { stableFor: "400ms", interval: "1s", watchInterval: "100ms" };
const GITHUB_ADDRESS = "https://github.com/o/r";

/** How a run of the command line ended, and the lines of the journal that it passed. */
export interface Run {
  /** `null`: killed. */
  code: number | null;
  lines: string[];
  /** The line at which it died. */
  died: string | null;
  stdout: string;
  stderr: string;
}

/** Services under one data folder. */
export interface Case {
  patients: ReadonlyMap<Kind, Patient>;
  /** @param args on top of `once` */
  once(die: Orders["die"], args?: readonly string[]): Promise<Run>;
  /** What the world and the store have in the end. */
  end(kind: Kind): Promise<End>;
  readonly store: string;
}
export type End = Awaited<ReturnType<typeof endOf>>;

export class Ward implements AsyncDisposable {
  readonly #cleanup = new AsyncDisposableStack();
  #cases = 0;

  private constructor(
    readonly stage: Stage,
    private readonly github: ReturnType<typeof startGitHub>,
    private readonly registry: Readonly<Record<string, string>>,
  ) {}

  static async open(): Promise<Ward> {
    await using opening = new AsyncDisposableStack();
    const registry = opening.use(await createNpmRegistry([{ name: "tiny-ms", version: "2.1.3" }]));
    const github = opening.use(startGitHub());
    const stage = opening.use(
      await Stage.open({
        env: { npm_config_registry: registry.url, GITHUB_TOKEN: "canary-of-a-password" },
      }),
    );
    const ward = new Ward(stage, github, registry.env);
    ward.#cleanup.use(opening.move());
    return ward;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cleanup.disposeAsync();
  }

  /** Takes the services of a case away: each is a process. */
  async discharge({ patients }: Case): Promise<void> {
    for (const { berth } of patients.values()) {
      await this.stage.harbour.call("DELETE", `/services/${berth.id}`);
    }
  }

  /** Makes a service of each kind and lets it fall ill. */
  async admit(kinds: readonly Kind[]): Promise<Case> {
    const { stage } = this;
    const number = this.#cases++;
    const folder = join(stage.folder, "work", `case-${number}`);
    const [data, bin, log] = [join(folder, "data"), join(folder, "bin"), join(folder, "lines.log")];
    await Deno.mkdir(bin, { recursive: true });
    const born = await Promise.all(kinds.map(async (kind, at) => {
      const around = { folder: join(folder, String(at)), registry: this.registry };
      await Deno.mkdir(around.folder);
      const name = `api-${number}-${at}`;
      const patient = await stage.patient(kind.files, { ...kind.options(around), name });
      await isBorn(kind, patient);
      return { kind, patient, around };
    }));
    const patients = new Map(born.map(({ kind, patient }) => [kind, patient]));
    const services = born.map(({ kind, patient }) => ({
      service: patient.name,
      ...PACE,
      ...(kind.stableFor === undefined ? {} : { stableFor: kind.stableFor }),
      mode: kind.mode ?? "push",
    }));
    const config = join(folder, "evenkeel.yaml");
    await Deno.writeTextFile(config, JSON.stringify({ services }));
    const viaGitHub = born.find(({ kind }) => kind.mode === "pull-request")?.patient.repository.url;
    if (viaGitHub !== undefined) await placeGit(bin, viaGitHub);
    const env = {
      ...stage.env,
      EVENKEEL_DATA_DIR: data,
      EVENKEEL_CONFIG: config,
      PATH: `${bin}:${stage.env["PATH"]}`,
    };
    const once: Case["once"] = async (die, args = []) => {
      const github = viaGitHub === undefined
        ? null
        : { api: this.github.url, address: GITHUB_ADDRESS, bare: viaGitHub };
      const orders: Orders = { log, die, github };
      await Deno.writeTextFile(log, "");
      const result = await run({
        command: [Deno.execPath(), "run", "-A", "--no-check", DEADLY_MAIN, "once", ...args],
        cwd: folder,
        env: { ...env, CRASH_ORDERS: JSON.stringify(orders) },
        timeoutMs: RUN_TIMEOUT_MS,
      });
      const lines = (await Deno.readTextFile(log)).split("\n").slice(0, -1);
      const died = lines.find((line) => line.startsWith("died "))?.slice(5) ?? null;
      const wasKilled = result.kind === "killed" && result.why === "SIGKILL";
      assert(result.kind === "exited" || wasKilled, `${result.kind}: ${result.stderr}`);
      assertEquals(wasKilled, died !== null, result.stderr);
      if (result.kind === "exited") assertIsForPeople(result.stderr);
      const { stdout, stderr } = result;
      const code = result.kind === "exited" ? result.code : null;
      return { code, lines: lines.map((line) => line.slice(line.indexOf(" ") + 1)), died, stdout, stderr };
    };
    const good = born.filter(({ kind }) => kind.turnBad !== undefined);
    if (good.length > 0) {
      const names = good.flatMap(({ patient }) => ["--service", patient.name]);
      const main = fromFileUrl(new URL("../../main.ts", import.meta.url));
      const command = [Deno.execPath(), "run", "-A", "--no-check", main, "reconcile", "--status-port", "0"];
      await using daemon = new Daemon([...command, ...names], folder, env);
      for (const { patient } of good) await daemon.says(new RegExp(`${patient.name} +ReadyTrue`));
      assertEquals(await daemon.stop(), 0);
      await Promise.all(good.map(({ kind, patient, around }) => kind.turnBad?.(patient, around)));
    }
    const store = join(data, "evenkeel.db");
    return {
      patients,
      once,
      store,
      end: (kind) => {
        const patient = patients.get(kind);
        assert(patient !== undefined);
        return endOf(stage, store, patient, this.github.pulls);
      },
    };
  }
}

/** Git that has the bare repository where GitHub's address leads. */
async function placeGit(bin: string, bare: string): Promise<void> {
  const git = join(bin, "git");
  const script =
    `#!/bin/sh\nPATH="\${PATH#*:}"\nexec git -c "url.${bare}.insteadOf=${GITHUB_ADDRESS}" "$@"\n`;
  await Deno.writeTextFile(git, script, { mode: 0o755 });
}

const serviceSchema = z.object({
  autoDeploy: z.string(),
  rootDir: z.string().optional(),
  suspended: z.string(),
  serviceDetails: z.object({
    healthCheckPath: z.string().optional(),
    envSpecificDetails: z.object({ startCommand: z.string() }),
  }),
});

/** Everything outside of Evenkeel that it could have changed, and what it remembers, without ids and times. */
async function endOf(
  stage: Stage,
  storePath: string,
  { repository, berth }: Patient,
  pulls: readonly Pull[],
) {
  await using store = await openSqliteStore(storePath);
  const journal = await store.listJournal({ serviceId: berth.id, limit: 1000 });
  const incidents = await store.listIncidents({ serviceId: berth.id });
  const outcomes = (await store.listOutcomes()).filter(({ serviceId }) => serviceId === berth.id);
  const record = await store.getService(berth.id);
  const deploys = await berth.deploys();
  const commits = await repository.log();
  const refs = await gitIn(repository.url, ["for-each-ref", "--format=%(refname:lstrip=2)"]);
  const branches = refs.trim().split("\n");
  return {
    commits: commits.map(({ message, files }) => [message.split("\n")[0], ...files]),
    branches: branches.map((name) => name.replace(/inc_\w+?-/, "inc-")),
    pulls: pulls.filter(({ head }) => branches.includes(head)).map(({ title, base }) => [title, base]),
    deploys: deploys.map(({ status, trigger, commit }) => [
      status,
      trigger,
      commits.findIndex(({ sha }) => sha === commit?.id),
    ]),
    writes: stage.gate.writes.filter((write) => write.includes(berth.id)).map((write) =>
      write.replace(berth.id, "ID")
    ),
    journal: journal.map(({ key, state }) => `${key.slice(key.indexOf("/") + 1)} ${state}`).reverse(),
    incidents: incidents.map(({ status, attempts }) => ({
      status,
      attempts: attempts.map(({ remedy, status, stepsDone }) => [remedy, status, ...stepsDone]),
    })),
    learned: outcomes.map(({ cause, remedy, outcome }) => [cause, remedy, outcome]),
    hold: record?.hold ?? null,
    badCommits: record?.badCommits.length,
    serves: deploys.findIndex(({ id }) => id === record?.liveDeployId),
    service: serviceSchema.parse(await stage.harbour.call("GET", `/services/${berth.id}`)),
  };
}
