/**
 * Defects that the simulator found in the product once, planted again: each as it was, in a part between the product
 * and its world or around the plan. Those that it would find in one seed of many hundreds only are held by tests of
 * their own, in tests/reconciler.
 */
import { liveDeploy } from "../../reconciler/observation.ts";
import { verdictOf } from "../../reconciler/samples.ts";
import { withIncident, withPlan, withRecord } from "./planted.ts";
import type { PlantedBug } from "./planted.ts";

export const STORY_BUGS: Record<string, PlantedBug> = {
  "asks for room for effects only before an attempt begins": {
    seed: 6,
    breaks: ["effects"],
    ...withPlan((plan, spec, observation, incident, memory, now) => {
      const free = plan(
        spec,
        observation,
        incident,
        { ...memory, effects: { lastHour: 0, lastDay: 0 } },
        now,
      );
      return free.kind === "effect" ? free : plan(spec, observation, incident, memory, now);
    }),
  },
  "switches autodeploy off where there is no room for the rollback": {
    seed: 332,
    breaks: ["effects"],
    ...withPlan((plan, spec, observation, incident, memory, now) => {
      const { lastHour, lastDay } = memory.effects;
      const effects = { lastHour: lastHour - 1, lastDay: lastDay - 1 };
      const nearly = plan(spec, observation, incident, { ...memory, effects }, now);
      return nearly.kind === "effect" && nearly.step === "autodeploy-off"
        ? nearly
        : plan(spec, observation, incident, memory, now);
    }),
  },
  "looks again for ever after a rollback that the database spoiled": {
    seed: 414,
    breaks: ["ends"],
    ...withPlan((plan, spec, observation, incident, memory, now) => {
      const action = plan(spec, observation, incident, memory, now);
      const isRead = action.kind === "diagnose" && action.phase === "run" &&
        action.incident.gap === "unhealthy";
      const isWell = verdictOf(observation.seen) === "good" &&
        !incident?.attempts.some(({ status }) => status === "rolled_back");
      if (!isRead || !isWell) return action;
      const message = "Looking again";
      return { kind: "wait", reason: "Changed", message, afterMs: spec.watchIntervalMs, forPerson: false };
    }),
  },
  "is overtaken by a deploy that was there before its attempt": {
    seed: 4,
    breaks: ["repairs"],
    ...withIncident((incident) => ({
      ...incident,
      attempts: incident.attempts.map((attempt) => ({ ...attempt, newestDeployId: null })),
    })),
    ...withPlan((plan, spec, observation, incident, memory, now) => {
      const action = plan(spec, observation, incident, memory, now);
      const { seen } = observation;
      const live = seen === null ? null : liveDeploy(seen.deploys);
      if (action.kind !== "diagnose" || live === null || verdictOf(seen) !== "bad") return action;
      return { ...action, deploy: live, phase: "run" };
    }),
  },
  "does not see that the machine slept": {
    seed: 832,
    breaks: ["healed"],
    ...withRecord((written) => {
      const { service } = written;
      if (service === undefined || service.streak === null) return written;
      const { lastAt: _, ...streak } = service.streak;
      return { ...written, service: { ...service, streak } };
    }),
  },
};
