/** Starts what Render runs: a deploy of the repair, a rollback, a restart; each once. */
import { z } from "zod";
import { EvenkeelError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { BAD_COMMITS_KEPT } from "../../state/records.ts";
import { deployResultSchema, settingResultSchema } from "./context.ts";
import type { EffectContext, EffectResult } from "./context.ts";

const restartIntentSchema = z.object({ known: z.array(z.string()).default([]) });
/** Newest restarts that are looked at to find ours. */
const RESTARTS_READ = 20;

export async function deploy(context: EffectContext): Promise<EffectResult> {
  const { attempt, seen } = context.request;
  const { api } = context.parts;
  const serviceId = seen.service.id;
  const diagnosed = seen.deploys.find((deploy) => deploy.id === attempt.diagnosedDeployId);
  const commit = attempt.commit ?? diagnosed?.commit ?? null;
  const clearCache = attempt.repair.kind === "redeploy" && attempt.repair.clearCache;
  const find = async (intended: Json) => {
    const deploy = await context.newDeploy(intended, (one) => one.commit === commit);
    return deploy === null ? null : { deployId: deploy.id };
  };
  const payload = { commit, known: context.knownDeploys() };
  let result: z.infer<typeof deployResultSchema> | undefined;
  await context.askDeployer("deploy", {
    "find-deploy": {
      input: z.unknown(),
      run: async () => {
        const found = attempt.commit === null ? null : await find(payload);
        if (found !== null) result = found;
        return found ?? { deployId: null };
      },
    },
    "start-deploy": {
      input: z.unknown(),
      run: async () =>
        result = await context.once(deployResultSchema, payload, {
          alreadyDone: find,
          perform: async () => {
            const deploy = await api.createDeploy(serviceId, {
              clearCache: clearCache ? "clear" : "do_not_clear",
              ...(commit === null ? {} : { commitId: commit }),
            }, context.signal);
            return { deployId: deploy?.id ?? null };
          },
        }),
    },
  });
  if (result === undefined) {
    throw new EvenkeelError("Cannot deploy the repair: the deployer did not ask for it");
  }
  const { deployId } = result;
  return context.done(deployId === null ? "Render queued a deploy" : `Started deploy ${deployId}`, {
    deployId,
    deployRequestedAt: context.parts.clock.now(),
  });
}

export async function rollBack(context: EffectContext): Promise<EffectResult> {
  const { attempt, incident, record, seen } = context.request;
  const { api, clock } = context.parts;
  if (attempt.repair.kind !== "rollback") throw new Error("The repair is not a rollback");
  const { toDeployId, toCommit, badCommit } = attempt.repair;
  const { deployId } = await context.once(deployResultSchema, { toDeployId, known: context.knownDeploys() }, {
    alreadyDone: async (intended) => {
      // A person may roll back too, to another commit.
      const found = await context.newDeploy(
        intended,
        ({ trigger, commit }) => trigger === "rollback" && (commit === null || commit === toCommit),
      );
      return found === null ? null : { deployId: found.id };
    },
    perform: async () => ({ deployId: (await api.rollback(seen.service.id, toDeployId, context.signal)).id }),
  });
  const at = clock.now();
  return context.done(`Rolling back to ${toCommit.slice(0, 9)} with deploy ${deployId}`, {
    deployId,
    deployRequestedAt: at,
  }, {
    hold: {
      incidentId: incident.id,
      badCommit,
      goodCommit: toCommit,
      autoDeployWas: await hasSwitchedAutodeployOff(context),
      at,
    },
    badCommits: [{ commit: badCommit, incidentId: incident.id, at }, ...record.badCommits].slice(
      0,
      BAD_COMMITS_KEPT,
    ),
  });
}

/** The journal knows, also after a kill that the attempt's own record missed. */
async function hasSwitchedAutodeployOff(context: EffectContext): Promise<boolean> {
  const { incident, attempt } = context.request;
  const entry = await context.parts.store.getJournalEntry(`${incident.id}/${attempt.number}/autodeploy-off`);
  return entry?.state === "done" && settingResultSchema.safeParse(entry.result).data?.inForce === true;
}

export async function restart(context: EffectContext): Promise<EffectResult> {
  const { api, clock } = context.parts;
  const serviceId = context.request.seen.service.id;
  // By name, not by time: Render's clock and ours need not agree.
  const restarts = async () => {
    const query = { type: "server_restarted", limit: RESTARTS_READ };
    return (await api.listEvents(serviceId, query, context.signal)).map((event) => event.id);
  };
  await context.once(z.object({ restarted: z.boolean() }), { known: await restarts() }, {
    alreadyDone: async (intended) => {
      const { known } = restartIntentSchema.parse(intended);
      return (await restarts()).some((id) => !known.includes(id)) ? { restarted: true } : null;
    },
    perform: async () => {
      await api.restartService(serviceId, context.signal);
      return { restarted: true };
    },
  });
  // What was seen before the restart says nothing about after it.
  return context.done("Restarted the service", { publishedAt: clock.now() }, {
    recentVerdicts: [],
    streak: null,
  });
}
