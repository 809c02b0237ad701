/**
 * Planted bugs: each puts something false between the product and its world, as a defect of the product would. The
 * simulator is only worth what it finds, so a test plants them one at a time.
 */
import { RenderRefused, RenderUnreachable } from "../../render/api.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { instead, withApi, withIncident, withRecord, withStore } from "./planted.ts";
import type { PlantedBug } from "./planted.ts";
import { CLOCK_BUGS } from "./clock_bugs.ts";
import { REPLICA_BUGS } from "./replica_bugs.ts";
import { STORY_BUGS } from "./story_bugs.ts";

export const BUGS: Record<string, PlantedBug> = {
  ...CLOCK_BUGS,
  ...REPLICA_BUGS,
  ...STORY_BUGS,
  "acts before the intent is written": {
    breaks: ["journal"],
    ...withStore((store) => ({
      intend: (entry) =>
        store.getJournalEntry(entry.key).then((known) =>
          known ?? { ...entry, state: "intended", result: null, finishedAt: null }
        ),
      finish: () => Promise.resolve(),
    })),
  },
  "forgets what a crash left in the journal": {
    seed: 36,
    breaks: ["twice", "journal", "commits", "ends", "repairs", "rollbacks", "defect"],
    ...withStore((store) => ({
      intend: (entry) => store.intend({ ...entry, key: `${entry.key}/${entry.intendedAt}` }),
      listPending: () => Promise.resolve([]),
    })),
  },
  "takes a lost answer for a refusal": {
    seed: 62,
    breaks: ["twice", "journal"],
    ...withApi((api) => ({
      createDeploy: (id, body, signal) =>
        api.createDeploy(id, body, signal).catch((error) => {
          if (!(error instanceof RenderUnreachable)) throw error;
          throw new RenderRefused(error.message, 400, error.call, undefined);
        }),
    })),
  },
  "asks a list that does not show new deploys": {
    seed: 17,
    breaks: ["twice"],
    ...withApi((api) => ({
      listDeploys: (id, query, signal) =>
        api.listDeploys(id, query, signal).then((all) => all.filter((deploy) => deploy.trigger !== "api")),
    })),
  },
  "pushes by force over what came meanwhile": {
    seed: 410,
    breaks: ["foreign", "commits"],
    parts: (parts, sim) => ({
      ...parts,
      repositories: instead(parts.repositories, () => ({
        publish: (_, commit) => {
          sim.force(commit);
          return Promise.resolve({ kind: "published", pullRequestUrl: null });
        },
      })),
    }),
  },
  "makes the commit anew when it is pushed": {
    breaks: ["commits", "journal"],
    parts: (parts) => ({
      ...parts,
      repositories: instead(parts.repositories, (repositories) => ({
        contains: () => Promise.resolve(false),
        publish: async (checkout, commit, how, signal) => {
          const again = await repositories.clone({ url: urlOf(checkout.directory), branch: "main" }, signal);
          const made = await repositories.commit(again, {
            edits: [{ path: "src/anew", content: commit }],
            allowedPaths: [],
            deniedPaths: [],
            author: parts.author,
            message: `Again\n\nEvenkeel-Attempt: ${how.incident}/${how.attempt}`,
            atSeconds: parts.clock.now() / 1000,
          });
          return await repositories.publish(again, made.commit, how, signal);
        },
      })),
    }),
  },
  "measures the quiet time on the wall clock": {
    seed: 5,
    breaks: ["healed", "autodeploy"],
    parts: (parts) => ({
      ...parts,
      clock: { ...parts.clock, now: parts.clock.now, sleep: parts.clock.sleep, monotonic: parts.clock.now },
      epoch: "always",
    }),
  },
  "takes unknown for bad": {
    seed: 27,
    breaks: ["unknown"],
    parts: withProbe("unknown", "bad"),
  },
  "takes unknown for good": {
    seed: 27,
    breaks: ["healed", "autodeploy"],
    parts: withProbe("unknown", "good"),
  },
  "counts no effects": {
    seed: 6,
    breaks: ["effects"],
    ...withStore(() => ({ countEffects: () => Promise.resolve(0) })),
  },
  "counts no attempts": {
    seed: 6,
    breaks: ["attempts", "samePatch"],
    ...withStore((store) => ({
      getActiveIncident: async (id) => {
        const incident = await store.getActiveIncident(id);
        return incident === null ? null : { ...incident, attemptsBefore: incident.attempts.length };
      },
      record: (change) =>
        store.record(
          change.incident === undefined
            ? change
            : { ...change, incident: { ...change.incident, attemptsBefore: 0 } },
        ),
    })),
  },
  "does not see that a service is suspended": {
    seed: 71,
    breaks: ["leftAlone", "ends", "repairs"],
    ...withApi((api) => ({
      getService: async (id, signal) => ({
        ...await api.getService(id, signal),
        suspended: "not_suspended",
      }),
    })),
  },
  "leaves autodeploy on when it rolls back": {
    seed: 13,
    breaks: ["autodeploy"],
    ...withApi((api) => ({
      getService: async (id, signal) => ({ ...await api.getService(id, signal), autoDeploy: "no" }),
    })),
  },
  "forgets that it has rolled back": {
    seed: 65,
    breaks: ["rollbacks"],
    ...withIncident((incident) => ({
      ...incident,
      attempts: incident.attempts.map((attempt) =>
        attempt.repair.kind === "rollback" && attempt.status !== "running"
          ? { ...attempt, repair: { kind: "redeploy", clearCache: false }, stepsDone: [] }
          : attempt
      ),
    })),
  },
  "forgets which patch it tried": {
    seed: 350,
    breaks: ["samePatch", "attempts"],
    ...withIncident((incident) => ({
      ...incident,
      attempts: incident.attempts.map((attempt) => ({ ...attempt, repairHash: "forgotten" })),
    })),
  },
  "learns of every repair that it healed": {
    breaks: ["healed"],
    ...withRecord((written) =>
      written.outcome === undefined
        ? written
        : { ...written, outcome: { ...written.outcome, outcome: "healed" } }
    ),
  },
  "takes the newest deploy for the one that it asked for": {
    breaks: ["real"],
    parts: (parts) => {
      const newest = new Map<string, string>();
      const api = instead(parts.api, (api) => ({
        listDeploys: async (id, query, signal) => {
          const deploys = await api.listDeploys(id, query, signal);
          if (deploys[0] !== undefined) newest.set(id, deploys[0].id);
          return deploys;
        },
      }));
      const store = instead(parts.store, (store) => ({
        finish: async (key, end) => {
          const entry = await store.getJournalEntry(key);
          const deployId = newest.get(entry?.serviceId ?? "");
          const isTaken = entry?.kind === "deploy" && end.state === "done" && deployId !== undefined;
          await store.finish(key, isTaken ? { ...end, result: { deployId } } : end);
        },
      }));
      return { ...parts, api, store };
    },
  },
  "loses a key of the queue now and then": {
    breaks: ["ends"],
    queue: (queue, random) => {
      const done = queue.done.bind(queue);
      queue.done = (key, afterMs) => done(key, random() < 0.02 ? 2 ** 40 : afterMs);
      return queue;
    },
  },
  "believes that every commit is published": {
    breaks: ["real"],
    parts: (parts) => ({
      ...parts,
      repositories: instead(parts.repositories, () => ({ contains: () => Promise.resolve(true) })),
    }),
  },
};

function urlOf(directory: string): string {
  return `https://git.sim/${directory.split("/")[2]}`;
}

/** A monitor whose answer is taken for another. */
function withProbe(from: "unknown", to: "good" | "bad") {
  return (parts: Parts): Parts => ({
    ...parts,
    runAgent: async (agent, input, options) => {
      const run = await parts.runAgent(agent, input, options);
      if (agent.name !== "monitor" || run.kind === "failed") return run;
      const text = JSON.stringify(run.output).replaceAll(`"status":"${from}"`, `"status":"${to}"`);
      return { ...run, output: agent.output.parse(JSON.parse(text)) };
    },
  });
}
