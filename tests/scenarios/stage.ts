/**
 * A world for one scenario: a drydock with services in real repositories, and the real command line run against
 * it with an environment of its own. Everything lives in one folder, so that when the scenario is over nothing
 * that names this folder may run and no temp file may be left: disposing of the stage checks both.
 */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { z } from "zod";
import { findDenoDir } from "../../agents/sandbox.ts";
import type { DrydockOptions } from "../../drydock/mod.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import type { JournalEntry } from "../../state/records.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { type Berth, Harbour, until } from "../drydock/harbour.ts";
import { type BareRepository, createBareRepository } from "../helpers/repository.ts";
import { Daemon } from "./daemon.ts";
import { Gate } from "./gate.ts";
import { entriesOf, processesOf } from "./leftovers.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const RUN_TIMEOUT_MS = 240_000;
/** At this speed Render's fifteen minutes for opening a port are as short as drydock allows. */
const SPEED = 450;
/** Short enough for tests, long enough that several samples fall into it. */
const PACE = { stableFor: "1s", interval: "1s", watchInterval: "250ms" };

const attemptSchema = z.looseObject({
  status: z.string(),
  cause: z.string(),
  remedy: z.string(),
  kind: z.string(),
  diff: z.string().nullable(),
  commit: z.string().nullable(),
  deployId: z.string().nullable(),
  evidence: z.object({ line: z.number(), text: z.string() }).nullable(),
  error: z.string().nullable(),
});
const reportSchema = z.object({
  schemaVersion: z.literal(1),
  exitCode: z.number(),
  checkOnly: z.boolean(),
  session: z.string(),
  services: z.array(z.object({
    name: z.string(),
    verdict: z.enum(["ready", "not-ready", "unobserved"]),
    reason: z.string(),
    message: z.string(),
    resume: z.string().nullable(),
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string(), reason: z.string() })),
    incident: z.looseObject({
      id: z.string(),
      gap: z.string(),
      status: z.string(),
      stalled: z.looseObject({
        reason: z.string(),
        message: z.string(),
        evidence: z.array(z.object({ line: z.number(), text: z.string() })),
      }).nullable(),
      attempts: z.array(attemptSchema),
    }).nullable(),
    wouldDo: attemptSchema.nullable(),
  })),
});
export type Report = z.infer<typeof reportSchema>;

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
  durationMs: number;
}

export interface StageOptions {
  drydock?: DrydockOptions;
  /** Variables for Evenkeel on top of those that it needs; drydock's builds do not see them. */
  env?: Readonly<Record<string, string>>;
}

export interface PatientOptions {
  /** @default "my-api" */
  name?: string;
  /** What drydock is told instead of the repository's path. */
  address?: (repository: BareRepository) => string;
  /** On top of a Node service with `npm install` and `npm start`. */
  details?: Record<string, unknown>;
  commands?: Record<string, string>;
  envVars?: Readonly<Record<string, string>>;
  /** Other fields of the service. */
  top?: Record<string, unknown>;
}

/** A service under Evenkeel's care. */
export interface Patient {
  name: string;
  repository: BareRepository;
  berth: Berth;
}

export class Stage implements AsyncDisposable {
  readonly #cleanup = new AsyncDisposableStack();

  private constructor(
    readonly folder: string,
    readonly harbour: Harbour,
    readonly gate: Gate,
    readonly env: Record<string, string>,
  ) {}

  static async open(options: StageOptions = {}): Promise<Stage> {
    const folder = await Deno.makeTempDir({ prefix: "evenkeel-stage-" });
    for (const name of ["work", "tmp"]) await Deno.mkdir(join(folder, name));
    const drydock = { speed: SPEED, directory: join(folder, "drydock"), ...options.drydock };
    const harbour = await Harbour.open(drydock);
    const gate = new Gate(harbour.drydock.url);
    const stage = new Stage(folder, harbour, gate, {
      ...toolEnvironment(),
      HOME: Deno.env.get("HOME") ?? folder,
      DENO_DIR: await findDenoDir(Deno.execPath()),
      TMPDIR: join(folder, "tmp"),
      RENDER_API_KEY: harbour.drydock.apiKey,
      RENDER_API_URL: gate.url,
      EVENKEEL_DATA_DIR: join(folder, "data"),
      ...options.env,
    });
    stage.#cleanup.defer(() => Deno.remove(folder, { recursive: true }));
    stage.#cleanup.use(harbour);
    stage.#cleanup.use(gate);
    return stage;
  }

  /** Ends everything and checks that nothing of this stage runs any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync();
    assertEquals(await settled(() => processesOf(this.folder)), []);
  }

  /** Nothing that Evenkeel started runs, and its temp folders are empty; drydock may go on. */
  async assertEvenkeelIsGone(): Promise<void> {
    for (const name of ["work", "tmp", "data"]) {
      assertEquals(await settled(() => processesOf(join(this.folder, name))), []);
    }
    assertEquals(await entriesOf(join(this.folder, "tmp")), []);
    assertEquals(await entriesOf(join(this.dataDirectory, "scratch")), []);
  }

  get dataDirectory(): string {
    return this.env["EVENKEEL_DATA_DIR"] ?? "";
  }

  /** Creates a repository and a service on it; its first deploy begins. */
  async patient(files: Readonly<Record<string, string>>, options: PatientOptions = {}): Promise<Patient> {
    const repository = this.#cleanup.use(await createBareRepository(files));
    const name = options.name ?? "my-api";
    const berth = await this.harbour.create(repository, {
      name,
      branch: repository.branch,
      repo: options.address?.(repository) ?? repository.url,
      commands: { buildCommand: "npm install", startCommand: "npm start", ...options.commands },
      details: { plan: "starter", ...options.details },
      envVars: Object.entries(options.envVars ?? {}).map(([key, value]) => ({ key, value })),
      ...options.top,
    });
    return { name, repository, berth };
  }

  /** Writes evenkeel.yaml for services, each at the pace of tests. */
  async configure(patients: readonly Patient[], settings: Record<string, unknown> = {}): Promise<void> {
    const services = patients.map(({ name }) => ({ service: name, ...PACE, ...settings }));
    // JSON is YAML.
    await Deno.writeTextFile(join(this.folder, "work", "evenkeel.yaml"), JSON.stringify({ services }));
  }

  /** Runs the command line to its end and checks that it left nothing behind. */
  async evenkeel(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const result = await this.evenkeelBeside(args, env);
    await this.assertEvenkeelIsGone();
    return result;
  }

  /** Runs the command line to its end while another one runs. */
  async evenkeelBeside(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const result = await run({
      command: [Deno.execPath(), "run", "-A", "--no-check", MAIN, ...args],
      cwd: join(this.folder, "work"),
      env: { ...this.env, ...env },
      timeoutMs: RUN_TIMEOUT_MS,
    });
    assert(result.kind === "exited", `${args.join(" ")} was killed (${result.kind}): ${result.stderr}`);
    assertIsForPeople(result.stderr);
    return result;
  }

  /** `once -o json`, parsed. */
  async once(
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Ran & { report: Report; only: Report["services"][number] }> {
    const ran = await this.evenkeel(["once", "-o", "json", ...args], env);
    const parsed = reportSchema.safeParse(parseJson(ran.stdout));
    if (!parsed.success) throw new Error(`once printed no report: ${ran.stdout}\n${ran.stderr}`);
    const [only] = parsed.data.services;
    assert(only !== undefined, "the report is about no service");
    assertEquals(parsed.data.exitCode, ran.code);
    return { ...ran, report: parsed.data, only };
  }

  /** Starts `reconcile`, which runs until it is stopped or killed. */
  reconcile(args: readonly string[] = []): Daemon {
    const command = [Deno.execPath(), "run", "-A", "--no-check", MAIN, "reconcile", "--status-port", "0"];
    // A limit on the size of files is to be an error of the write, not the end of the process.
    const shell = ["/bin/sh", "-c", 'trap "" XFSZ; exec "$@"', "sh"];
    return new Daemon([...shell, ...command, ...args], join(this.folder, "work"), this.env);
  }

  /** Everything outside of Evenkeel that it could have changed. */
  async world({ repository, berth }: Patient) {
    return {
      commits: await repository.log(),
      deploys: await berth.deploys(),
      service: await this.harbour.call("GET", `/services/${berth.id}`),
      writes: [...this.gate.writes],
    };
  }

  async journal(): Promise<JournalEntry[]> {
    await using store = await openSqliteStore(join(this.dataDirectory, "evenkeel.db"));
    return await store.listJournal({});
  }
}

/** Waits for the first deploy to end in one of the given ways. */
export async function begin(patient: Patient, ...statuses: string[]): Promise<void> {
  await patient.berth.reaches(patient.berth.firstDeployId, ...statuses);
}

/** What the service's health path answers. */
export async function health(
  { berth }: Patient,
  path = "/healthz",
): Promise<{ status: number; body: string }> {
  const response = await fetch(`${berth.url}${path}`);
  return { status: response.status, body: await response.text() };
}

/** A message for people: no stack, no "Uncaught". */
export function assertIsForPeople(text: string): void {
  const odd = text.split("\n").find((line) =>
    /^\s+at .*[:(]|\bUncaught\b|\[object |Unexpected error/.test(line)
  );
  assertEquals(odd, undefined, text);
}

/** Exactly one commit of Evenkeel's lies on top of the first one; gives it. */
export async function theFix({ repository }: Patient) {
  const [fix, ...before] = await repository.log();
  assert(fix !== undefined);
  assertEquals(before.filter(({ message }) => message.includes("Evenkeel-Attempt")), []);
  const [, incident, attempt] =
    /^Evenkeel-Incident: (inc_\w+)\nEvenkeel-Attempt: (\S+)$/m.exec(fix.message) ?? [];
  assert(incident !== undefined && attempt?.startsWith(`${incident}/`), `no trailers: ${fix.message}`);
  return { ...fix, attempt, before };
}

/** Asks until the answer is an empty list, for a moment: killed processes take one to go. */
async function settled(ask: () => Promise<string[]>): Promise<string[]> {
  const giveUpAt = performance.now() + 30_000;
  return await until(async () => {
    const found = await ask();
    return found.length === 0 || performance.now() > giveUpAt ? found : undefined;
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
