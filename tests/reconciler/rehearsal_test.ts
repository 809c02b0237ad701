/** What is rehearsed, and when a failed rehearsal is proof. */
import { assertEquals, assertMatch } from "@std/assert";
import { diagnose } from "../../agents/analyzer/agent.ts";
import { rehearsalSchema } from "../../agents/tools/rehearsal.ts";
import type { RehearsalRequest } from "../../agents/tools/rehearsal.ts";
import { validatorAgent } from "../../agents/validator/agent.ts";
import { DEFAULT_POLICY } from "../../reconciler/policy.ts";
import { planRehearsal } from "../../reconciler/rehearsal.ts";
import type { Occasion } from "../../reconciler/rehearsal.ts";
import { RenderRefused } from "../../render/api.ts";
import { SETTINGS } from "../agents/sample_project.ts";
import { deploy, sighting, spec } from "./world.ts";

const settings = { ...SETTINGS, runtime: "python", buildCommand: "pip install -r requirements.txt" };
const view = { paths: ["requirements.txt"], files: {} };
const log = "==> Using Python version 3.12.1 (default)\nERROR: Failed building wheel for numpy\n";
const diagnosis = diagnose({ log, phase: "build", settings, repository: view, platformReason: null });
const REFUSED = new RenderRefused("no", 403, "GET /services/srv-a/env-vars", undefined);

interface Case {
  policy?: Partial<typeof DEFAULT_POLICY>;
  variables?: readonly string[] | null;
  buildCommand?: string;
  hasLinks?: boolean;
  isAtHand?: boolean;
}

/** Plans a rehearsal and asks for it; gives what was planned, answered and built. */
async function plan({ policy, variables = [], hasLinks = false, isAtHand = true, ...changed }: Case) {
  const built: RehearsalRequest[] = [];
  const occasion: Occasion = {
    parts: {
      api: {
        listEnvVars: () =>
          variables === null
            ? Promise.reject(REFUSED)
            : Promise.resolve(variables.map((key) => ({ key, value: "" }))),
      },
      ...(isAtHand
        ? {
          rehearse: (request: RehearsalRequest) => {
            built.push(request);
            return Promise.resolve({ kind: "built", seconds: 1 } as const);
          },
        }
        : {}),
    },
    question: {
      spec: spec({ policy: { ...DEFAULT_POLICY, rehearse: "build", ...policy } }),
      seen: sighting([deploy("dep-a", "build_failed")]),
    },
    diagnosis,
    checkout: { directory: "/checkout", branch: "main", hasLinks: () => hasLinks },
    settings: { ...settings, ...changed },
    log: { redact: (text) => text },
  };
  const planned = await planRehearsal(occasion, { edits: [], commit: "c0ffee", view });
  const tool = planned.tools["rehearse"];
  const answer = tool === undefined
    ? null
    : rehearsalSchema.parse(await tool.run({}, new AbortController().signal));
  return { planned, answer, built };
}

Deno.test("nothing is rehearsed unless the policy asks for it", async () => {
  const { planned } = await plan({ policy: { rehearse: DEFAULT_POLICY.rehearse } });
  assertEquals(planned, { agent: validatorAgent, input: {}, tools: {} });
});

Deno.test("the patch is rehearsed by the service's own command, on the Python that its failed build had", async () => {
  const { planned, answer, built } = await plan({ variables: ["DATABASE_URL", "PYTHON_VERSION", "TOKEN"] });
  assertEquals(answer, { kind: "built", seconds: 1 });
  assertEquals(planned.input.rehearsal?.doubt, null);
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

Deno.test("a failure is no proof where variables of the service steer its builds, or may", async () => {
  for (const key of ["PIP_INDEX_URL", "NODE_ENV", "npm_config_registry", "CFLAGS", "UV_FROZEN"]) {
    const { planned } = await plan({ variables: ["TOKEN", key] });
    assertEquals(planned.input.rehearsal?.doubt, `without the service's own ${key}`);
  }
  const { planned } = await plan({ variables: null });
  assertMatch(planned.input.rehearsal?.doubt ?? "", /cannot be read/);
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
