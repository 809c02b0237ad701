/** A machine that sleeps while a repair is cloned and committed anew: what was made is kept, and nothing is pushed. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { runInline } from "../../agents/inline.ts";
import { CheckoutCache } from "../../reconciler/checkouts.ts";
import { performEffect } from "../../reconciler/effects.ts";
import { addAttempt, newAttempt, openIncident } from "../../reconciler/incident.ts";
import { LookedLongAgo } from "../../reconciler/look_age.ts";
import type { Checkout, Parts, Repositories } from "../../reconciler/parts.ts";
import { IN_MEMORY } from "../../state/database.ts";
import { Doubts } from "../../state/doubts.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { deploy, ManualClock, NOW, sampled, sighting, spec } from "./world.ts";

Deno.test("a machine that slept while a repair was cloned pushes nothing before it has looked again, and clones no second time (promise 4) (promise 25)", async () => {
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
  let isOld = false;
  const checkout: Checkout = {
    directory: "/nowhere",
    branch: "main",
    head: "bad",
    paths: () => Promise.resolve(["a"]),
    read: () => Promise.resolve("x"),
    [Symbol.asyncDispose]: () => Promise.resolve(void done.push("removed")),
  };
  const repositories: Partial<Repositories> = {
    contains: () => Promise.resolve(false),
    clone() {
      done.push("cloned");
      isOld = true;
      return Promise.resolve(checkout);
    },
    commit: () => Promise.resolve({ commit: "ours", diff: "" }),
    publish() {
      done.push("pushed");
      return Promise.resolve({ kind: "published", pullRequestUrl: null });
    },
  };
  // Of the parts, publishing takes these.
  const parts = {
    ...{ store, clock, repositories, runAgent: runInline, onAgentOutput: () => Promise.resolve() },
    author: { name: "Evenkeel", email: "evenkeel@example.com" },
  } as unknown as Parts;
  const push = () =>
    performEffect(parts, checkouts, {
      spec: { ...spec(), mode: "push" as const },
      seen,
      incident,
      attempt,
      step: "push",
      record: sampled(seen, 3, spec()),
      doubts: new Doubts(clock),
      assertRecent() {
        if (isOld) throw new LookedLongAgo("too old");
      },
    }, new AbortController().signal);

  const key = `${incident.id}/1/push`;
  isOld = true;
  await assertRejects(push, LookedLongAgo);
  assertEquals([done, await store.getJournalEntry(key)], [[], null]);

  isOld = false;
  await assertRejects(push, LookedLongAgo);
  assertEquals(done, ["cloned"]);
  assertEquals((await store.getJournalEntry(key))?.state, "intended");

  isOld = false;
  const { event } = await push();
  assertEquals(event, "EffectPerformed");
  assertEquals(done, ["cloned", "pushed", "removed"]);
  assertEquals((await store.getJournalEntry(key))?.state, "done");
});
