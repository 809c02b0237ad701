/** What is rehearsed, and when a failed rehearsal is proof. */
import { assertEquals, assertMatch } from "@std/assert";
import { diagnose } from "../../agents/analyzer/agent.ts";
import type { RehearsalRequest } from "../../agents/tools/rehearsal.ts";
import type { Edit } from "../../state/records.ts";
import { DEFAULT_POLICY } from "../../reconciler/policy.ts";
import { planRehearsal } from "../../reconciler/rehearsal.ts";
import type { Occasion } from "../../reconciler/rehearsal.ts";
import { Rehearsals } from "../../reconciler/rehearsals.ts";
import { RenderRefused } from "../../render/api.ts";
import { SETTINGS } from "../agents/sample_project.ts";
import { deploy, ManualClock, sighting, spec } from "./world.ts";

const settings = { ...SETTINGS, runtime: "python", buildCommand: "pip install -r requirements.txt" };
const view = { paths: ["requirements.txt"], files: {} };
const log = "==> Using Python version 3.12.1 (default)\nERROR: Failed building wheel for numpy\n";
const diagnosis = diagnose({ log, phase: "build", settings, repository: view, platformReason: null });
const REFUSED = new RenderRefused("no", 403, "GET /services/srv-a/env-vars", undefined);

interface Case {
  policy?: Partial<typeof DEFAULT_POLICY>;
  variables?: readonly string[] | null;
  /** Names of what its groups and secret files hold. */
  given?: readonly string[] | null;
  /** Whether Render shows all of these. */
  isWhole?: boolean;
  buildCommand?: string;
  hasLinks?: boolean;
  isAtHand?: boolean;
  edits?: Edit[];
  head?: string;
  commit?: string;
  error?: Error;
}

async function namesOf(names: readonly string[] | null) {
  if (names === null) throw REFUSED;
  return names;
}

/** Plans a rehearsal and has it; gives what was planned, answered and built. */
async function plan(
  { policy, variables = [], given = [], isWhole = true, isAtHand = true, edits = [], ...changed }: Case,
  rehearsals = new Rehearsals(new ManualClock()),
) {
  const built: RehearsalRequest[] = [];
  const asked: (AbortSignal | undefined)[] = [];
  const { signal } = new AbortController();
  const seen = sighting([deploy("dep-a", "build_failed")]);
  const occasion: Occasion = {
    parts: {
      api: {
        async listEnvVars(_id, signal) {
          asked.push(signal);
          return (await namesOf(variables)).map((key) => ({ key, value: "" }));
        },
        async listGivenSecrets(_service, signal, onLeftOut) {
          asked.push(signal);
          if (!isWhole) onLeftOut?.();
          return (await namesOf(given)).map((name) => ({ name, value: "" }));
        },
      },
      ...(isAtHand
        ? {
          rehearse: async (request: RehearsalRequest) => {
            built.push(request);
            if (changed.error !== undefined) throw changed.error;
            return { kind: "built", seconds: 1 } as const;
          },
        }
        : {}),
    },
    question: {
      spec: spec({ policy: { ...DEFAULT_POLICY, rehearse: "build", ...policy } }),
      ...{ seen, deploy: seen.deploys[0]!, rehearsals },
      incident: { id: "inc-1", serviceId: "srv-a", serviceName: "my-api" },
    },
    diagnosis,
    checkout: {
      ...{ directory: "/checkout", branch: "main", head: changed.head ?? "head" },
      hasLinks: () => changed.hasLinks ?? false,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    settings: { ...settings, buildCommand: changed.buildCommand ?? settings.buildCommand },
    log: { redact: (text) => text },
    signal,
  };
  const planned = await planRehearsal(occasion, { remedy: "r", edits, commit: changed.commit ?? "c0ffee" });
  for (const each of asked) assertEquals(each, signal);
  if (planned !== null && planned.known() === null) {
    planned.begin();
    while (planned.known() === null) await Promise.resolve();
  }
  return { planned, answer: planned?.known() ?? null, built };
}

Deno.test("nothing is rehearsed unless the policy asks for it", async () => {
  const { planned } = await plan({ policy: { rehearse: DEFAULT_POLICY.rehearse } });
  assertEquals(planned, null);
});

Deno.test("the patch is rehearsed by the service's own command, on the Python that its failed build had", async () => {
  const { planned, answer, built } = await plan({ variables: ["DATABASE_URL", "PYTHON_VERSION", "TOKEN"] });
  assertEquals(answer, { kind: "built", seconds: 1 });
  assertEquals(planned?.doubt, null);
  assertEquals(built, [{
    ...{
      directory: "/checkout",
      edits: [],
      commit: "c0ffee",
      branch: "main",
      runtime: "python",
      rootDir: "",
    },
    ...{ buildCommand: settings.buildCommand, python: { version: "3.12.1", from: "default" }, node: null },
  }]);
});

Deno.test("the same files by the same command are built once, whatever the commit is called, and others anew", async () => {
  const rehearsals = new Rehearsals(new ManualClock());
  const builds = async (given: Case) => {
    const { built } = await plan(given, rehearsals);
    // The build is over, and its place is free, a few steps after its answer is there.
    await new Promise((resolve) => setTimeout(resolve));
    return built.length;
  };
  assertEquals(await builds({}), 1);
  assertEquals(await builds({ commit: "beef" }), 0);
  assertEquals(await builds({ edits: [{ path: "requirements.txt", content: "" }] }), 1);
  assertEquals(await builds({ head: "moved" }), 1);
  assertEquals(await builds({ buildCommand: "pip install numpy" }), 1);
  assertEquals(await builds({}), 0);
});

Deno.test("a failure is no proof where variables, groups or secret files of the service steer its builds, or may", async () => {
  const doubtOf = async (given: Case) => (await plan(given)).planned?.doubt ?? "";
  for (const key of ["PIP_INDEX_URL", "NODE_ENV", "npm_config_registry", "CFLAGS", "UV_FROZEN"]) {
    assertEquals(await doubtOf({ variables: ["TOKEN", key] }), `without the service's own ${key}`);
  }
  const files = [".npmrc", ".yarnrc", ".yarnrc.yml", "pip.conf", ".netrc", "uv.toml", ".pypirc"];
  for (const name of ["PIP_EXTRA_INDEX_URL", ...files]) {
    assertEquals(await doubtOf({ given: ["key.pem", name] }), `without the service's own ${name}`);
  }
  const buildCommand = "pip install -r requirements.txt -c /etc/secrets/pins.txt";
  assertEquals(await doubtOf({ given: ["pins.txt"], buildCommand }), "without the service's own pins.txt");
  assertEquals(await doubtOf({ given: ["key.pem", "s.txt", "SHARED"], buildCommand }), "");
  for (const given of [{ variables: null }, { given: null }, { isWhole: false }]) {
    assertMatch(await doubtOf(given), /cannot (?:all )?be read/);
  }
});

Deno.test("a rehearsal that breaks down shows nothing", async () => {
  const { answer } = await plan({ error: new Error("drydock sank") });
  assertEquals(answer, { kind: "unknown", why: "drydock sank" });
});

Deno.test("what cannot be rehearsed as it is builds nothing, and says why", async () => {
  const cases: [Case, RegExp][] = [
    [{ buildCommand: "pip install --index-url https://me:[redacted]@x/" }, /holds a secret/],
    [{ hasLinks: true }, /links or submodules/],
    [{ isAtHand: false }, /drydock is not at hand/],
  ];
  for (const [given, why] of cases) {
    const { answer, built } = await plan(given);
    assertEquals(built, []);
    assertMatch(answer?.kind === "unknown" ? answer.why : "", why);
  }
});
