/**
 * What is made of a view that does not show our own last write yet: each is waited for or built upon, never repeated
 * and never taken for somebody else's.
 */
import { assert, assertEquals } from "@std/assert";
import type { Action, Step } from "../../reconciler/action.ts";
import { addAttempt, changeAttempt, newAttempt, openIncident } from "../../reconciler/incident.ts";
import type { DeployView, ServiceView, Sighting } from "../../reconciler/observation.ts";
import { plan } from "../../reconciler/plan.ts";
import type { Attempt, Repair, ServiceRecord } from "../../state/records.ts";
import { inFull } from "../helpers/full.ts";
import { run } from "./broken_twice.ts";
import { BAD, deploy, memory, NOW, observation, sampled, service, sighting, spec } from "./world.ts";

const PATCH: Repair = { kind: "patch", edits: [], diff: "" };
const SETTING: Repair = {
  kind: "setting",
  patch: { serviceDetails: { envSpecificDetails: { startCommand: "node index.js" } } },
  diff: "",
};
const ROLLBACK: Repair = {
  kind: "rollback",
  toDeployId: "dep-1",
  toCommit: "commit-dep-1",
  badCommit: "commit-dep-2",
};
const HOLD = {
  incidentId: "i",
  badCommit: "commit-dep-2",
  goodCommit: "commit-dep-1",
  autoDeployWas: true,
  at: NOW,
};

interface Case {
  /** What was written and is not shown. */
  unseen: string;
  repair: Repair;
  done: readonly Step[];
  attempt?: Partial<Attempt>;
  service?: Partial<ServiceView>;
  record?: Partial<ServiceRecord>;
  /** What comes next meanwhile. */
  next: string;
}

const CASES: readonly Case[] = [
  {
    unseen: "the deploy that Render makes of a push",
    repair: PATCH,
    done: ["push"],
    attempt: { commit: "fix", branch: "main", baseCommit: "commit-dep-2" },
    next: "wait WaitingForAutodeploy",
  },
  {
    unseen: "the deploy of a push that was asked for",
    repair: PATCH,
    done: ["push", "deploy"],
    attempt: { commit: "fix", branch: "main", baseCommit: "commit-dep-2", deployId: "dep-3" },
    service: { autoDeploy: false },
    next: "wait DeployNotListed",
  },
  {
    unseen: "a deploy that Render queued without an answer",
    repair: { kind: "redeploy", clearCache: false },
    done: ["deploy"],
    next: "wait DeployQueued",
  },
  {
    unseen: "a redeploy",
    repair: { kind: "redeploy", clearCache: false },
    done: ["deploy"],
    attempt: { deployId: "dep-3" },
    next: "wait DeployNotListed",
  },
  { unseen: "a setting", repair: SETTING, done: ["setting"], next: "effect deploy" },
  {
    unseen: "a setting and the deploy of it",
    repair: SETTING,
    done: ["setting", "deploy"],
    attempt: { deployId: "dep-3" },
    next: "wait DeployNotListed",
  },
  {
    unseen: "that autodeploy is off",
    repair: ROLLBACK,
    done: ["autodeploy-off"],
    next: "effect rollback",
  },
  {
    unseen: "a rollback, and that autodeploy is off",
    repair: ROLLBACK,
    done: ["autodeploy-off", "rollback"],
    attempt: { deployId: "dep-3" },
    record: { hold: HOLD },
    next: "wait DeployNotListed",
  },
  {
    unseen: "a restart",
    repair: { kind: "restart" },
    done: ["restart"],
    record: { recentVerdicts: [], streak: null },
    next: "wait Proving",
  },
];

function nameOf(action: Action): string {
  switch (action.kind) {
    case "wait":
      return `wait ${action.reason}`;
    case "effect":
      return `effect ${action.step}`;
    case "record":
      return `record ${action.event.type}`;
    default:
      return action.kind;
  }
}

/** An incident with one attempt that has done some of its steps. */
function incidentWith(
  seen: Sighting,
  { repair, done, attempt = {} }: Pick<Case, "repair" | "done" | "attempt">,
) {
  const facts = { gap: "unhealthy", message: "m", deployId: "dep-2", commit: "bad", sessionId: "s" } as const;
  const opened = openIncident(seen, facts, NOW);
  const fields = { diagnosedDeployId: "dep-2", cause: "c", summary: "s", remedy: "r", risk: "low" } as const;
  const times = { publishedAt: NOW, ...(done.includes("deploy") ? { deployRequestedAt: NOW } : {}) };
  const newest = { newestDeployId: "dep-2", stepsDone: [...done], ...times };
  return addAttempt(opened, newAttempt(opened, { ...fields, repair, ...newest, ...attempt }, NOW));
}

for (const one of CASES) {
  Deno.test(`${one.unseen}, not shown yet, is neither repeated nor taken for somebody else's (promise 7)`, () => {
    const before: DeployView[] = [deploy("dep-2", "live"), deploy("dep-1", "deactivated")];
    const seen = sighting(before, { service: service(one.service), health: BAD });
    const incident = incidentWith(seen, one);
    const record = { ...sampled(seen, 3, spec()), ...one.record };
    for (const afterMs of [0, 1_000, 10_000]) {
      const action = plan(spec(), observation(seen), incident, memory(record), NOW + afterMs);
      assertEquals(nameOf(action), one.next, `after ${afterMs} ms`);
    }
  });
}

Deno.test("autodeploy that was given back and is shown as off still is not given back again, and the incident ends (promise 7)", () => {
  const seen = sighting([deploy("dep-4", "live", { commit: "fix" }), deploy("dep-1", "deactivated")], {
    service: service({ autoDeploy: false }),
  });
  const rolledBack = incidentWith(seen, { repair: ROLLBACK, done: ["autodeploy-off", "rollback"] });
  const ended = changeAttempt(rolledBack, 1, { status: "rolled_back", endedAt: NOW });
  const record = { ...sampled(seen, 30, spec()), hold: HOLD };
  const first = plan(spec(), observation(seen), ended, memory(record), NOW);
  assertEquals(nameOf(first), "effect autodeploy-on");
  // As the effect leaves it, while the service is shown as it was.
  const given = changeAttempt(ended, 1, { stepsDone: ["autodeploy-off", "rollback", "autodeploy-on"] });
  const next = plan(spec(), observation(seen), given, memory({ ...record, hold: null }), NOW);
  assertEquals(nameOf(next), "record IncidentHealed");
  assert(next.kind === "record" && next.incident.status === "healed");
});

Deno.test("a world that shows each change up to half a minute late ends, by the same effects, as one that shows it at once (promise 7)", async () => {
  for (let seed = 1; seed <= inFull(200, 4); seed++) {
    const prompt = await run(seed, () => {});
    assertEquals(prompt.end.incidents.map(({ status }) => status), ["healed", "healed"]);
    const late = await run(seed, () => {}, { staleMs: 30_000 });
    assertEquals(late.effects, prompt.effects, `seed ${seed}`);
    assertEquals(late.end, prompt.end, `seed ${seed}`);
  }
});
