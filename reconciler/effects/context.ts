/**
 * What every effect shares: the journal around it, the deployer agent in front of it, the ways in which it ends, and
 * the questions to Render by which an effect that happened before a crash is found again.
 */
import { z } from "zod";
import { deployerAgent } from "../../agents/deployer/agent.ts";
import type { Tool } from "../../agents/agent.ts";
import { mayRunInline, runInline } from "../../agents/inline.ts";
import { EvenkeelError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { ServicePatch } from "../../render/schemas.ts";
import type { Doubts } from "../../state/doubts.ts";
import { isCertainRefusal, performOnce } from "../../state/journal.ts";
import type { Attempt, EffectKind, Incident, ServiceRecord } from "../../state/records.ts";
import type { Step } from "../action.ts";
import type { CheckoutCache } from "../checkouts.ts";
import { LookedLongAgo } from "../look_age.ts";
import type { DeployView, Sighting } from "../observation.ts";
import { DEPLOYS_READ, deployView, serviceView } from "../observe.ts";
import type { AgentContext, Parts } from "../parts.ts";
import { isInForce } from "../setting.ts";
import type { ServiceSpec } from "../spec.ts";

/** What an effect changes in what we remember. */
export interface EffectResult {
  attempt: Partial<Attempt>;
  record: Partial<ServiceRecord>;
  message: string;
  /** One CamelCase word for what came of it. */
  event: "EffectPerformed" | "EffectRefused" | "AttemptAbandoned";
  /** Why trying again is no use until a person did something. */
  stall?: { reason: string; message: string };
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
  /** @throws {LookedLongAgo} when `seen` is too old to change anything by it */
  assertRecent(): void;
}

const deployIntentSchema = z.object({ known: z.array(z.string()) });
export const deployResultSchema = z.object({ deployId: z.string().nullable() });
export const settingResultSchema = z.object({ inForce: z.boolean() });

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

/** An effect that a crash left undone and that nobody wants any more. */
export class NotWanted extends Error {
  override readonly name = "NotWanted";
}

export class EffectContext {
  constructor(
    readonly parts: Parts,
    readonly checkouts: CheckoutCache,
    readonly request: EffectRequest,
    readonly signal: AbortSignal,
  ) {}

  /** Ends the attempt: the effect was refused and nothing changed. */
  failed(message: string, status: "failed" | "abandoned" = "failed"): EffectResult {
    // It comes after the proof: the attempt is over and stays what it was, and asking for ever would not help.
    if (this.request.step === "autodeploy-on") {
      return {
        attempt: {},
        record: { hold: null },
        message: `${message}; switch autodeploy on by hand`,
        event: "EffectRefused",
      };
    }
    const attempt = { status, endedAt: this.parts.clock.now(), error: message };
    const event = status === "failed" ? "EffectRefused" : "AttemptAbandoned";
    return { attempt, record: {}, message, event };
  }

  /** The rollback goes on although autodeploy stays on, and says so. */
  withoutPrecaution(why: string): EffectResult {
    const message = `Autodeploy could not be switched off, so the next push is deployed as usual: ${why}`;
    return { ...this.done(message), event: "EffectRefused" };
  }

  done(message: string, attempt: Partial<Attempt> = {}, record: Partial<ServiceRecord> = {}): EffectResult {
    const { stepsDone } = this.request.attempt;
    return {
      attempt: { stepsDone: [...stepsDone, this.request.step], ...attempt },
      record,
      message,
      event: "EffectPerformed",
    };
  }

  async once<Result extends Json>(
    schema: z.ZodType<Result>,
    payload: Json,
    work: { alreadyDone: (intended: Json) => Promise<Result | null>; perform: () => Promise<Result> },
  ): Promise<Result> {
    const { incident, attempt, step, seen, onlyIfDone, assertRecent } = this.request;
    // Before the intent too: an intent counts.
    assertRecent();
    const perform = async () => {
      if (onlyIfDone !== undefined) throw new NotWanted(onlyIfDone);
      assertRecent();
      return await work.perform();
    };
    const { result } = await performOnce(this.parts.store, {
      key: `${incident.id}/${attempt.number}/${step}`,
      serviceId: seen.service.id,
      kind: KINDS[step],
      payload,
      clock: this.parts.clock,
      ...(HAPPENS_AGAIN.includes(step) ? { doubts: this.request.doubts } : {}),
    }, {
      alreadyDone: work.alreadyDone,
      perform,
      isCertain: (error) => error instanceof NotWanted || isCertainRefusal(error),
      isUnsent: (error) => error instanceof LookedLongAgo,
    });
    return schema.parse(result);
  }

  /** Runs one of the deployer's tasks; if the agent fails, the same task runs in this process. */
  async askDeployer(task: "publish" | "deploy", toolbox: Record<string, Tool>) {
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
    const { id: incidentId, serviceId, serviceName } = this.request.incident;
    let run = await this.parts.runAgent(deployerAgent, input, {
      toolbox: kept,
      signal: this.signal,
      occasion: { incidentId, serviceId, serviceName, attempt: this.request.attempt.number },
    });
    if (run.kind === "failed" && failure === undefined && mayRunInline(run.why)) {
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

  knownDeploys(): string[] {
    return this.request.seen.deploys.map((deploy) => deploy.id);
  }

  /** A deploy that is not among those known when the effect was intended: ours, made before a crash. */
  async newDeploy(intended: Json, isOurs: (deploy: DeployView) => boolean): Promise<DeployView | null> {
    const { known } = deployIntentSchema.parse(intended);
    const { api } = this.parts;
    const deploys = await api.listDeploys(this.request.seen.service.id, { limit: DEPLOYS_READ }, this.signal);
    return deploys.map(deployView).find((deploy) => !known.includes(deploy.id) && isOurs(deploy)) ?? null;
  }

  async patch(patch: ServicePatch): Promise<boolean> {
    const { api } = this.parts;
    const serviceId = this.request.seen.service.id;
    const isSet = async () =>
      isInForce(serviceView(await api.getService(serviceId, this.signal), this.request.spec), patch);
    // The patch is a plain object of strings, which is JSON; its type is only narrower.
    const result = await this.once(settingResultSchema, JSON.parse(JSON.stringify(patch)) as Json, {
      alreadyDone: async () => await isSet() ? { inForce: true } : null,
      perform: async () => {
        const patched = await api.patchService(serviceId, patch, this.signal);
        // A blueprint or a policy may keep the old value. A read so soon may show the old value too.
        return { inForce: isInForce(serviceView(patched, this.request.spec), patch) || await isSet() };
      },
    });
    return result.inForce;
  }
}
