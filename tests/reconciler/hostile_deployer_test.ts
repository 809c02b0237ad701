/** A deployer that answers whatever it likes: it says when, never what, and what it says is not what is recorded. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { AskTool, RunAgent } from "../../agents/agent.ts";
import { runInline } from "../../agents/inline.ts";
import { EvenkeelError } from "../../base/errors.ts";
import type { Step } from "../../reconciler/action.ts";
import { CheckoutCache } from "../../reconciler/checkouts.ts";
import { performEffect } from "../../reconciler/effects.ts";
import { addAttempt, newAttempt, openIncident } from "../../reconciler/incident.ts";
import type { Checkout, Parts, Repositories } from "../../reconciler/parts.ts";
import { deploySchema } from "../../render/schemas.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { Doubts } from "../../state/doubts.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { deploy, ManualClock, NOW, sampled, sighting, spec } from "./world.ts";

type Lie = (ask: AskTool) => Promise<unknown> | unknown;

const TOOLS = ["publish", "find-deploy", "start-deploy"];
/** Inputs that want to say what is done. */
const INPUTS = [
  {},
  { commit: "evil", branch: "main", force: true, url: "https://evil.example/x.git" },
  { deployId: "dep-evil", clearCache: true, commitId: "evil" },
  "git push --force",
  null,
];
const ANSWERS: unknown[] = [
  { kind: "published", commit: "evil" },
  { kind: "deploying", deployId: "dep-evil" },
  { kind: "refused", why: "\u001b[2JEvenkeel-Attempt: inc_evil/1\n" },
  { kind: "merged" },
  "done",
  null,
];

/** Performs one step with a deployer that lies, and gives what was done in the world. */
async function deployBy(lie: Lie, step: Step) {
  await using store = await openSqliteStore(IN_MEMORY);
  await using checkouts = new CheckoutCache();
  const clock = new ManualClock();
  const seen = sighting([deploy("dep-2", "live")]);
  const facts = { gap: "unhealthy", message: "m", deployId: "dep-2", commit: "bad", sessionId: "s" } as const;
  const opened = openIncident(seen, facts, NOW);
  const incident = addAttempt(
    opened,
    newAttempt(opened, {
      ...{ diagnosedDeployId: "dep-2", cause: "c", summary: "s", remedy: "r", risk: "low" },
      ...{ commit: "ours", branch: "main", baseCommit: "bad" },
      repair: { kind: "patch", edits: [{ path: "a", content: "b" }], diff: "" },
    }, NOW),
  );
  const [attempt] = incident.attempts;
  assert(attempt !== undefined);
  const done: string[] = [];
  const checkout: Checkout = {
    directory: "/nowhere",
    branch: "main",
    head: "bad",
    paths: () => Promise.resolve(["a"]),
    read: () => Promise.resolve("x"),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await checkouts.put(incident.id, attempt.number, checkout);
  const repositories: Partial<Repositories> = {
    contains: () => Promise.resolve(false),
    publish: (_checkout, commit, { mode }) => {
      done.push(`${mode} ${commit}`);
      return Promise.resolve({ kind: "published", pullRequestUrl: null });
    },
  };
  const api: Partial<Parts["api"]> = {
    listDeploys: () => Promise.resolve([]),
    createDeploy: (_service, { commitId, clearCache }) => {
      done.push(`deploy ${commitId} ${clearCache}`);
      return Promise.resolve(deploySchema.parse({ id: "dep-3" }));
    },
  };
  const runAgent: RunAgent = (agent, input, options) =>
    // What is not of its type is what the test is about.
    runInline({ ...agent, answer: async (_input, ask) => await lie(ask) as never }, input, options);
  const onAgentOutput = () => Promise.resolve();
  // Of the parts, publishing and deploying take these.
  const parts = {
    ...{ store, clock, api, repositories, runAgent, runFallback: runAgent, onAgentOutput },
    author: { name: "Evenkeel", email: "evenkeel@example.com" },
  } as unknown as Parts;
  const doubts = new Doubts(clock);
  const record = sampled(seen, 3, spec());
  const request = {
    spec: { ...spec(), mode: "push" as const },
    seen,
    incident,
    attempt,
    step,
    record,
    doubts,
    assertRecent: () => {},
  };
  const signal = new AbortController().signal;
  try {
    return { done, result: await performEffect(parts, checkouts, request, signal) };
  } catch (error) {
    assert(error instanceof EvenkeelError, String(error));
    return { done, result: error };
  }
}

Deno.test("a deployer that only says that it has published or deployed has done nothing, and is not believed (promise 16)", async () => {
  for (const step of ["push", "deploy"] as const) {
    for (const answer of ANSWERS) {
      const { done, result } = await deployBy(() => answer, step);
      assert(result instanceof EvenkeelError, JSON.stringify(answer));
      assertEquals(done, []);
    }
  }
});

Deno.test("whatever a deployer asks and answers, the one commit of the attempt is published and deployed once (promise 16)", async () => {
  const expected = { push: ["push ours"], deploy: ["deploy ours do_not_clear"] };
  for (const step of ["push", "deploy"] as const) {
    for (const answer of ANSWERS) {
      const { done, result } = await deployBy(async (ask) => {
        for (const tool of [...TOOLS, ...TOOLS, "pip-versions", "git", "__proto__"]) {
          for (const input of INPUTS) await ask(tool, input).catch(() => {});
        }
        return answer;
      }, step);
      assertEquals(done, expected[step]);
      if (result instanceof EvenkeelError) continue;
      assertEquals(result.event, "EffectPerformed");
      const { deployId = null, commit = "ours" } = result.attempt;
      assertEquals([deployId, commit], [step === "deploy" ? "dep-3" : null, "ours"]);
    }
  }
  // One tool for the other's task is no tool at all.
  const { done } = await deployBy(async (ask) => {
    await assertRejects(() => ask("start-deploy", {}), Error, "there is no such tool here");
    return ANSWERS[0];
  }, "push");
  assertEquals(done, []);
});
