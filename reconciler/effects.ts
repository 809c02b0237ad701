/**
 * Performs the effects of an attempt, each exactly once: the intent is in the journal before the world changes,
 * and after a crash the world is asked before anything is done again. Push and deploy go through the deployer
 * agent, which says when; what is done is held here.
 */
import { z } from "zod";
import { deployerAgent } from "../agents/deployer/agent.ts";
import type { Tool } from "../agents/agent.ts";
import { runInline } from "../agents/inline.ts";
import type { Json } from "../base/json.ts";
import { EvenkeelError, messageOf } from "../base/errors.ts";
import type { ServicePatch } from "../render/schemas.ts";
import type { Doubts } from "../state/doubts.ts";
import { isCertainRefusal, performOnce } from "../state/journal.ts";
import { BAD_COMMITS_KEPT } from "../state/records.ts";
import type { Attempt, EffectKind, Incident, ServiceRecord } from "../state/records.ts";
import type { Step } from "./action.ts";
import type { CheckoutCache } from "./checkouts.ts";
import { commitMessage, commitTitle } from "./message.ts";
import { DEPLOYS_READ, deployView, serviceView } from "./observe.ts";
import type { DeployView, Sighting } from "./observation.ts";
import type { AgentContext, Parts, PublishResult } from "./parts.ts";
import { commitRequest } from "./commit_request.ts";
import { isInForce } from "./setting.ts";
import type { ServiceSpec } from "./spec.ts";

/** What an effect changes in what we remember. */
export interface EffectResult {
  attempt: Partial<Attempt>;
  record: Partial<ServiceRecord>;
  message: string;
}

export interface EffectRequest {
  spec: ServiceSpec;
  seen: Sighting;
  incident: Incident;
  attempt: Attempt;
  step: Step;
  /** Why the effect is no longer wanted: it is only looked for. */
  onlyIfDone?: string;
  record: ServiceRecord;
  /** The writes of this process whose end is not known. */
  doubts: Doubts;
}

const publishedSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("published"), pullRequestUrl: z.string().nullable() }),
  z.object({ kind: z.literal("moved"), head: z.string() }),
  z.object({ kind: z.literal("refused"), why: z.string() }),
]);
const deployResultSchema = z.object({ deployId: z.string().nullable() });
const restartIntentSchema = z.object({ since: z.number() });
const deployIntentSchema = z.object({ known: z.array(z.string()) });
const settingResultSchema = z.object({ inForce: z.boolean() });

/** Effects that happen again when they are asked for again; a push or a setting does not. */
const HAPPENS_AGAIN: readonly Step[] = ["deploy", "rollback", "restart"];

const KINDS: Record<Step, EffectKind> = {
  push: "push",
  "pull-request": "pull-request",
  setting: "patch-service",
  deploy: "deploy",
  "autodeploy-off": "autodeploy-off",
  "autodeploy-on": "autodeploy-on",
  rollback: "rollback",
  restart: "restart",
};

/**
 * @throws {StillInDoubt} when an earlier try may still take effect
 * @throws {RenderUnreachable} when it is not known whether the effect happened: the next pass asks the world
 * @throws {RenderRefused} when Render is too busy to take it: to be tried again
 */
export async function performEffect(
  parts: Parts,
  checkouts: CheckoutCache,
  request: EffectRequest,
  signal: AbortSignal,
): Promise<EffectResult> {
  const effects = new Effects(parts, checkouts, request, signal);
  try {
    return await effects.perform();
  } catch (error) {
    if (error instanceof NotWanted) return effects.failed(error.message, "abandoned");
    if (!isCertainRefusal(error)) throw error;
    // Switching autodeploy off is a precaution; without it the service still has to come back.
    if (request.step === "autodeploy-off") return effects.withoutPrecaution(messageOf(error));
    return effects.failed(`Render refused: ${messageOf(error)}`);
  }
}

/** An effect that a crash left undone and that nobody wants any more. */
class NotWanted extends Error {
  override readonly name = "NotWanted";
}

class Effects {
  constructor(
    private readonly parts: Parts,
    private readonly checkouts: CheckoutCache,
    private readonly request: EffectRequest,
    private readonly signal: AbortSignal,
  ) {}

  perform(): Promise<EffectResult> {
    switch (this.request.step) {
      case "push":
      case "pull-request":
        return this.#publish();
      case "deploy":
        return this.#deploy();
      case "setting":
        return this.#setting();
      case "autodeploy-off":
        return this.#autodeploy("no");
      case "autodeploy-on":
        return this.#autodeploy("yes");
      case "rollback":
        return this.#rollback();
      case "restart":
        return this.#restart();
    }
  }

  /** Ends the attempt: the effect was refused and nothing changed. */
  failed(message: string, status: "failed" | "abandoned" = "failed"): EffectResult {
    // It comes after the proof: the attempt is over and stays what it was, and asking for ever would not help.
    if (this.request.step === "autodeploy-on") {
      return { attempt: {}, record: { hold: null }, message: `${message}; switch autodeploy on by hand` };
    }
    return { attempt: { status, endedAt: this.parts.clock.now(), error: message }, record: {}, message };
  }

  /** The rollback goes on although autodeploy stays on, and says so. */
  withoutPrecaution(why: string): EffectResult {
    return this.#done(`Autodeploy could not be switched off, so the next push is deployed as usual: ${why}`);
  }

  #done(message: string, attempt: Partial<Attempt> = {}, record: Partial<ServiceRecord> = {}): EffectResult {
    const { stepsDone } = this.request.attempt;
    return { attempt: { stepsDone: [...stepsDone, this.request.step], ...attempt }, record, message };
  }

  async #once<Result extends Json>(
    schema: z.ZodType<Result>,
    payload: Json,
    work: { alreadyDone: (intended: Json) => Promise<Result | null>; perform: () => Promise<Result> },
  ): Promise<Result> {
    const { incident, attempt, step, seen, onlyIfDone } = this.request;
    const { result } = await performOnce(this.parts.store, {
      key: `${incident.id}/${attempt.number}/${step}`,
      serviceId: seen.service.id,
      kind: KINDS[step],
      payload,
      clock: this.parts.clock,
      ...(HAPPENS_AGAIN.includes(step) ? { doubts: this.request.doubts } : {}),
    }, {
      alreadyDone: work.alreadyDone,
      perform: () => onlyIfDone === undefined ? work.perform() : Promise.reject(new NotWanted(onlyIfDone)),
      isCertain: (error) => error instanceof NotWanted || isCertainRefusal(error),
    });
    return schema.parse(result);
  }

  /** Runs one of the deployer's tasks; if the agent fails, the same task runs in this process. */
  async #askDeployer(task: "publish" | "deploy", toolbox: Record<string, Tool>) {
    const input = { task, commit: this.request.attempt.commit };
    let failure: unknown;
    // A tool's own error decides what happens next, so it must not be flattened into the agent's text.
    const keep = (tool: Tool): Tool => ({
      input: tool.input,
      run: (value, signal) =>
        tool.run(value, signal).catch((error) => {
          failure = error;
          throw error;
        }),
    });
    const kept = Object.fromEntries(Object.entries(toolbox).map(([name, tool]) => [name, keep(tool)]));
    let via: AgentContext["via"] = "swarm";
    let run = await this.parts.runAgent(deployerAgent, input, { toolbox: kept, signal: this.signal });
    if (run.kind === "failed" && failure === undefined) {
      via = "fallback";
      run = await (this.parts.runFallback ?? runInline)(deployerAgent, input, {
        toolbox: kept,
        signal: this.signal,
      });
    }
    if (failure !== undefined) throw failure;
    if (run.kind === "failed") {
      throw new EvenkeelError(`Cannot run the deployer: ${run.message} (${run.why})`);
    }
    await this.parts.onAgentOutput("deployer", run.output, {
      incident: this.request.incident,
      attempt: this.request.attempt.number,
      via,
      topology: null,
      durationMs: run.durationMs,
    });
  }

  async #publish(): Promise<EffectResult> {
    const { attempt, spec } = this.request;
    const { repair, commit, branch, baseCommit } = attempt;
    if (repair.kind !== "patch" || commit === null || branch === null) {
      throw new Error(`Attempt ${attempt.number} has nothing to publish`);
    }
    const url = this.request.seen.service.repo ?? "";
    let result: PublishResult | undefined;
    await this.#askDeployer("publish", {
      publish: {
        input: z.unknown(),
        run: async () => {
          result = await this.#once(publishedSchema, { branch, baseCommit, commit }, {
            alreadyDone: async (): Promise<PublishResult | null> => {
              // A pull request is looked for where it is opened.
              if (spec.mode !== "push") return null;
              const isThere = await this.parts.repositories.contains({ url, branch }, commit, this.signal);
              return isThere ? { kind: "published", pullRequestUrl: null } : null;
            },
            perform: () => this.#publishNow(url, branch, commit, repair.edits),
          });
          if (result.kind === "published") return { kind: "published", commit };
          const why = result.kind === "moved" ? `the branch moved to ${result.head}` : result.why;
          return { kind: "refused", why };
        },
      },
    });
    await this.checkouts.drop(this.request.incident.id, attempt.number);
    switch (result?.kind) {
      case "published":
        return this.#done(`Published ${commit.slice(0, 9)} on ${branch}`, {
          publishedAt: this.parts.clock.now(),
          pullRequestUrl: result.pullRequestUrl,
        });
      case "moved":
        return this.failed(
          `Somebody pushed ${result.head.slice(0, 9)} since; the fix is dropped`,
          "abandoned",
        );
      case "refused":
        return this.failed(`The repository refused the push: ${result.why}`);
      case undefined:
        throw new EvenkeelError("Cannot publish the repair: the deployer did not ask for it");
    }
  }

  async #publishNow(
    url: string,
    branch: string,
    commit: string,
    edits: Parameters<typeof commitRequest>[4],
  ): Promise<PublishResult> {
    const { incident, attempt, spec } = this.request;
    const { repositories } = this.parts;
    let checkout = this.checkouts.take(incident.id, attempt.number);
    try {
      if (checkout === null) {
        checkout = await repositories.clone({ url, branch }, this.signal);
        if (checkout.head !== attempt.baseCommit) return { kind: "moved", head: checkout.head };
        const again = await repositories.commit(
          checkout,
          commitRequest(this.parts, spec, incident, attempt, edits),
        );
        if (again.commit !== commit) {
          return { kind: "refused", why: `the commit came out as ${again.commit}, not ${commit}` };
        }
      }
      return await repositories.publish(checkout, commit, {
        mode: spec.mode === "pull-request" ? "pull-request" : "push",
        incident: incident.id,
        attempt: attempt.number,
        title: commitTitle(attempt),
        body: commitMessage(incident, attempt),
      }, this.signal);
    } finally {
      await checkout?.[Symbol.asyncDispose]();
    }
  }

  async #deploy(): Promise<EffectResult> {
    const { attempt, seen } = this.request;
    const { api } = this.parts;
    const serviceId = seen.service.id;
    const diagnosed = seen.deploys.find((deploy) => deploy.id === attempt.diagnosedDeployId);
    const commit = attempt.commit ?? diagnosed?.commit ?? null;
    const clearCache = attempt.repair.kind === "redeploy" && attempt.repair.clearCache;
    const find = async (intended: Json) => {
      const deploy = await this.#newDeploy(intended, (one) => one.commit === commit);
      return deploy === null ? null : { deployId: deploy.id };
    };
    const payload = { commit, known: this.#knownDeploys() };
    let result: z.infer<typeof deployResultSchema> | undefined;
    await this.#askDeployer("deploy", {
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
          result = await this.#once(deployResultSchema, payload, {
            alreadyDone: find,
            perform: async () => {
              const deploy = await api.createDeploy(serviceId, {
                clearCache: clearCache ? "clear" : "do_not_clear",
                ...(commit === null ? {} : { commitId: commit }),
              }, this.signal);
              return { deployId: deploy?.id ?? null };
            },
          }),
      },
    });
    if (result === undefined) {
      throw new EvenkeelError("Cannot deploy the repair: the deployer did not ask for it");
    }
    const { deployId } = result;
    return this.#done(deployId === null ? "Render queued a deploy" : `Started deploy ${deployId}`, {
      deployId,
      deployRequestedAt: this.parts.clock.now(),
    });
  }

  #knownDeploys(): string[] {
    return this.request.seen.deploys.map((deploy) => deploy.id);
  }

  /** A deploy that is not among those known when the effect was intended: ours, made before a crash. */
  async #newDeploy(intended: Json, isOurs: (deploy: DeployView) => boolean): Promise<DeployView | null> {
    const { known } = deployIntentSchema.parse(intended);
    const { api } = this.parts;
    const deploys = await api.listDeploys(this.request.seen.service.id, { limit: DEPLOYS_READ }, this.signal);
    return deploys.map(deployView).find((deploy) => !known.includes(deploy.id) && isOurs(deploy)) ?? null;
  }

  async #patch(patch: ServicePatch): Promise<boolean> {
    const { api } = this.parts;
    const serviceId = this.request.seen.service.id;
    const isSet = async () =>
      isInForce(serviceView(await api.getService(serviceId, this.signal), this.request.spec), patch);
    // The patch is a plain object of strings, which is JSON; its type is only narrower.
    const result = await this.#once(settingResultSchema, JSON.parse(JSON.stringify(patch)) as Json, {
      alreadyDone: async () => await isSet() ? { inForce: true } : null,
      perform: async () => {
        const patched = await api.patchService(serviceId, patch, this.signal);
        // A blueprint or a policy may keep the old value. A read so soon may show the old value too.
        return { inForce: isInForce(serviceView(patched, this.request.spec), patch) || await isSet() };
      },
    });
    return result.inForce;
  }

  async #setting(): Promise<EffectResult> {
    const { repair } = this.request.attempt;
    if (repair.kind !== "setting") throw new Error("The repair is not a setting");
    if (!await this.#patch(repair.patch)) return this.failed("Render took the setting and did not keep it");
    return this.#done(`Changed ${repair.diff.split("\n").at(-1)?.slice(1) ?? "a setting"}`, {
      publishedAt: this.parts.clock.now(),
    });
  }

  async #autodeploy(autoDeploy: "yes" | "no"): Promise<EffectResult> {
    if (!await this.#patch({ autoDeploy })) {
      const why = `Render did not keep autodeploy ${autoDeploy}`;
      return autoDeploy === "no" ? this.withoutPrecaution(why) : this.failed(why);
    }
    return autoDeploy === "no"
      ? this.#done("Switched autodeploy off, so that the bad commit does not come back")
      : this.#done("Switched autodeploy on again: a later commit is proven good", {}, { hold: null });
  }

  async #rollback(): Promise<EffectResult> {
    const { attempt, incident, record, seen } = this.request;
    const { api, clock } = this.parts;
    if (attempt.repair.kind !== "rollback") throw new Error("The repair is not a rollback");
    const { toDeployId, toCommit, badCommit } = attempt.repair;
    const { deployId } = await this.#once(deployResultSchema, { toDeployId, known: this.#knownDeploys() }, {
      alreadyDone: async (intended) => {
        const found = await this.#newDeploy(intended, (deploy) => deploy.trigger === "rollback");
        return found === null ? null : { deployId: found.id };
      },
      perform: async () => ({ deployId: (await api.rollback(seen.service.id, toDeployId, this.signal)).id }),
    });
    const at = clock.now();
    return this.#done(`Rolling back to ${toCommit.slice(0, 9)} with deploy ${deployId}`, {
      deployId,
      deployRequestedAt: at,
    }, {
      hold: {
        incidentId: incident.id,
        badCommit,
        goodCommit: toCommit,
        autoDeployWas: await this.#hasSwitchedAutodeployOff(),
        at,
      },
      badCommits: [{ commit: badCommit, incidentId: incident.id, at }, ...record.badCommits].slice(
        0,
        BAD_COMMITS_KEPT,
      ),
    });
  }

  /** The journal knows, also after a kill that the attempt's own record missed. */
  async #hasSwitchedAutodeployOff(): Promise<boolean> {
    const { incident, attempt } = this.request;
    const entry = await this.parts.store.getJournalEntry(`${incident.id}/${attempt.number}/autodeploy-off`);
    return entry?.state === "done" && settingResultSchema.safeParse(entry.result).data?.inForce === true;
  }

  async #restart(): Promise<EffectResult> {
    const { api, clock } = this.parts;
    const serviceId = this.request.seen.service.id;
    await this.#once(z.object({ restarted: z.boolean() }), { since: clock.now() }, {
      alreadyDone: async (intended) => {
        const startTime = new Date(restartIntentSchema.parse(intended).since).toISOString();
        const events = await api.listEvents(serviceId, { type: "server_restarted", startTime }, this.signal);
        return events.length === 0 ? null : { restarted: true };
      },
      perform: async () => {
        await api.restartService(serviceId, this.signal);
        return { restarted: true };
      },
    });
    // What was seen before the restart says nothing about after it.
    return this.#done("Restarted the service", { publishedAt: clock.now() }, {
      recentVerdicts: [],
      streak: null,
    });
  }
}
