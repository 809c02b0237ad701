/**
 * A small world in which every kind of effect can be performed by the real code, through the real client, store, gate of
 * the leader and journal. What changes in it is noted; what was changed last can be hidden from whoever looks.
 */
import { assert } from "@std/assert";
import { runInline } from "../../agents/inline.ts";
import { confirmedFetch, confirmedRepositories } from "../../cli/leading.ts";
import { CheckoutCache } from "../../reconciler/checkouts.ts";
import { performEffect } from "../../reconciler/effects.ts";
import type { Step } from "../../reconciler/action.ts";
import { addAttempt, newAttempt, openIncident } from "../../reconciler/incident.ts";
import type { Checkout, Parts, Repositories } from "../../reconciler/parts.ts";
import { WorkQueue } from "../../reconciler/queue.ts";
import { ServiceKeys } from "../../reconciler/service_keys.ts";
import { keepWebhook } from "../../reconciler/webhook_keeper.ts";
import { createRenderClient } from "../../render/client.ts";
import { Doubts, StillInDoubt } from "../../state/doubts.ts";
import { effectKinds } from "../../state/records.ts";
import type { EffectKind, Repair } from "../../state/records.ts";
import type { SharedStore, Store } from "../../state/store.ts";
import { BAD, deploy, ManualClock, NOW, sampled, service, sighting, spec } from "./world.ts";

const SERVICE = "srv-a";
const WEBHOOK = { id: "whk-1", name: "ours", secret: "whsec_x", url: "http://evenkeel.example/" };
const PATCH: Repair = { kind: "patch", edits: [], diff: "-a\n+b" };
const SETTING: Repair = {
  kind: "setting",
  patch: { serviceDetails: { envSpecificDetails: { startCommand: "node index.js" } } },
  diff: "-startCommand: npm start\n+startCommand: node index.js",
};
const ROLLBACK: Repair = {
  kind: "rollback",
  toDeployId: "dep-1",
  toCommit: "commit-dep-1",
  badCommit: "commit-dep-2",
};

interface Deed {
  step: Step;
  repair: Repair;
}
/** By which step of which repair an effect is performed; the webhook has a keeper of its own. */
const DEEDS: Readonly<Record<EffectKind, Deed | null>> = {
  "push": { step: "push", repair: PATCH },
  "pull-request": { step: "pull-request", repair: PATCH },
  "deploy": { step: "deploy", repair: { kind: "redeploy", clearCache: false } },
  "patch-service": { step: "setting", repair: SETTING },
  "autodeploy-off": { step: "autodeploy-off", repair: ROLLBACK },
  "autodeploy-on": { step: "autodeploy-on", repair: ROLLBACK },
  "rollback": { step: "rollback", repair: ROLLBACK },
  "restart": { step: "restart", repair: { kind: "restart" } },
  "webhook-on": null,
};
export { effectKinds };

/** What can be seen of the world. */
interface View {
  deploys: { id: string; trigger: string; commit: string }[];
  restarts: string[];
  startCommand: string;
  autoDeploy: string;
  head: string;
  pulls: string[];
  isWebhookOn: boolean;
}

export class World {
  #now: View;
  #before: View;
  /** Whether looking shows what was before the last change. */
  isBehind = false;
  /** How the world was changed; asking for what it is already changes nothing. */
  readonly changes: string[] = [];
  /** Awaited when a change has happened and who asked for it does not know. */
  afterChange: () => void | Promise<void> = () => {};

  constructor(readonly kind: EffectKind) {
    const known = ["dep-2", "dep-1"].map((id) => ({ id, trigger: "new_commit", commit: `commit-${id}` }));
    this.#now = {
      deploys: known,
      restarts: [],
      startCommand: "npm start",
      autoDeploy: kind === "autodeploy-on" ? "no" : "yes",
      head: "base",
      pulls: [],
      isWebhookOn: false,
    };
    this.#before = this.#now;
  }

  get seen(): View {
    return this.isBehind ? this.#before : this.#now;
  }

  async change(what: string, change: Partial<View>): Promise<void> {
    const next = { ...this.#now, ...change };
    if (JSON.stringify(next) === JSON.stringify(this.#now)) return;
    this.#before = this.#now;
    this.#now = next;
    this.changes.push(what);
    await this.afterChange();
  }

  /** As Render answers. */
  async answer(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname.replace(/^\/v1/, "");
    const text = await request.text();
    const input = text === "" ? {} : JSON.parse(text);
    const list = (name: string, items: unknown[]) =>
      Response.json(items.map((item) => ({ cursor: "c", [name]: item })));
    const deployOf = ({ id, trigger, commit }: View["deploys"][number]) => ({
      id,
      trigger,
      status: "live",
      commit: { id: commit },
    });
    const serviceOf = ({ autoDeploy, startCommand }: View) => ({
      id: SERVICE,
      autoDeploy,
      serviceDetails: { envSpecificDetails: { startCommand } },
    });
    const webhookOf = ({ isWebhookOn }: View) => ({ ...WEBHOOK, enabled: isWebhookOn, eventFilter: [] });
    const begin = async (what: string, trigger: string, commit: string) => {
      const begun = { id: `dep-${this.#now.deploys.length + 1}`, trigger, commit };
      await this.change(what, { deploys: [begun, ...this.#now.deploys] });
      return Response.json(deployOf(begun), { status: 201 });
    };
    switch (`${request.method} ${path}`) {
      case `GET /services/${SERVICE}`:
        return Response.json(serviceOf(this.seen));
      case `PATCH /services/${SERVICE}`: {
        const startCommand = input.serviceDetails?.envSpecificDetails?.startCommand ?? this.#now.startCommand;
        await this.change("patch", { startCommand, autoDeploy: input.autoDeploy ?? this.#now.autoDeploy });
        return Response.json(serviceOf(this.#now));
      }
      case `GET /services/${SERVICE}/deploys`:
        return list("deploy", this.seen.deploys.map(deployOf));
      case `POST /services/${SERVICE}/deploys`:
        return await begin("deploy", "api", input.commitId ?? "commit-dep-2");
      case `POST /services/${SERVICE}/rollback`:
        return await begin("rollback", "rollback", "commit-dep-1");
      case `POST /services/${SERVICE}/restart`:
        await this.change("restart", {
          restarts: [`evt-${this.#now.restarts.length}`, ...this.#now.restarts],
        });
        return new Response(null, { status: 200 });
      case `GET /services/${SERVICE}/events`:
        return list("event", this.seen.restarts.map((id) => ({ id, type: "server_restarted", details: {} })));
      case "GET /webhooks":
        return list("webhook", [webhookOf(this.seen)]);
      case `GET /webhooks/${WEBHOOK.id}`:
        return Response.json(webhookOf(this.seen));
      case `PATCH /webhooks/${WEBHOOK.id}`:
        await this.change("webhook", { isWebhookOn: input.enabled });
        return Response.json(webhookOf(this.#now));
      case `GET /webhooks/${WEBHOOK.id}/events`: {
        const sentAt = new Date(NOW - 60_000).toISOString();
        const failed = { eventId: "evt-1", eventType: "deploy_ended", sentAt, statusCode: 500 };
        return list("webhookEvent", Array.from({ length: 8 }, (_, at) => ({ id: `whe-${at}`, ...failed })));
      }
      default:
        throw new Error(`Nobody asks ${request.method} ${path}`);
    }
  }

  /** As the remote of Git and GitHub: the same commit or branch again changes nothing. */
  get repositories(): Repositories {
    const checkout = (): Checkout => ({
      directory: "/nowhere",
      branch: "main",
      head: this.seen.head === "fix" ? "fix" : "base",
      paths: () => Promise.resolve([]),
      read: () => Promise.resolve(null),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
    return {
      clone: () => Promise.resolve(checkout()),
      commit: () => Promise.resolve({ commit: "fix", diff: "" }),
      publish: async (_, commit, { mode, incident }) => {
        if (mode === "push") await this.change("push", { head: commit });
        else await this.change("pull", { pulls: [incident] });
        return { kind: "published", pullRequestUrl: mode === "push" ? null : incident };
      },
      findPullRequest: () => Promise.resolve(this.seen.pulls[0] ?? null),
      contains: () => Promise.resolve(this.seen.head === "fix"),
    };
  }
}

/** One process that leads, and performs one effect whenever it is told to. */
export class Leader {
  readonly clock = new ManualClock();
  readonly #doubts = new Doubts(this.clock);

  private constructor(
    private readonly world: World,
    private readonly store: Store,
    private readonly confirm: () => Promise<void>,
  ) {}

  /** @param around puts something between the process and its store */
  static async of(
    world: World,
    store: SharedStore,
    around = (store: Store): Store => store,
  ): Promise<Leader> {
    const fencing = await store.takeLease("pid 1", await store.getLease(), true);
    assert(fencing !== null);
    return new Leader(world, around(store.under(fencing)), () => store.renewLease(fencing, true));
  }

  async perform(): Promise<void> {
    const { world, clock, store, confirm } = this;
    const answer: typeof fetch = (input, init) => world.answer(new Request(input, init));
    const send = confirmedFetch(confirm, answer);
    const api = createRenderClient({ apiKey: "k", baseUrl: "http://127.0.0.1/v1", fetch: send, clock });
    const repositories = confirmedRepositories(confirm, world.repositories);
    const author = { name: "Evenkeel", email: "evenkeel@localhost" };
    const rest = {
      author,
      random: () => 0,
      runAgent: runInline,
      onEvent() {},
      onAgentOutput: () => Promise.resolve(),
    };
    // Of the parts, effects take these.
    const parts = { api, store, clock, repositories, toolbox: {}, ...rest } as unknown as Parts;
    const deed = DEEDS[world.kind];
    if (deed === null) return await keepOnce(parts);
    const mode = world.kind === "pull-request" ? "pull-request" : "push";
    const seen = sighting([deploy("dep-2", "live"), deploy("dep-1", "deactivated")], {
      service: service({ id: SERVICE, autoDeploy: world.seen.autoDeploy === "yes" }),
      health: BAD,
    });
    const facts = {
      gap: "unhealthy",
      message: "m",
      deployId: "dep-2",
      commit: "bad",
      sessionId: "s",
    } as const;
    const opened = openIncident(seen, facts, NOW);
    const published = deed.repair.kind === "patch"
      ? { commit: "fix", branch: "main", baseCommit: "base" }
      : {};
    const fields = {
      diagnosedDeployId: "dep-2",
      cause: "c",
      summary: "s",
      remedy: "r",
      risk: "low",
    } as const;
    const attempt = newAttempt(opened, { ...fields, repair: deed.repair, ...published }, NOW);
    const incident = addAttempt(opened, attempt);
    const record = sampled(seen, 3, spec());
    const request = {
      spec: spec({ mode }),
      seen,
      incident,
      attempt,
      step: deed.step,
      record,
      doubts: this.#doubts,
      assertRecent: () => {},
    };
    await using checkouts = new CheckoutCache();
    await performEffect(parts, checkouts, request, new AbortController().signal);
  }

  /** Performs it however long the world has to be waited for. @returns how often it had to wait */
  async performPatiently(onWait: () => void = () => {}): Promise<number> {
    for (let waits = 0; waits < 10; waits++) {
      try {
        await this.perform();
        return waits;
      } catch (error) {
        if (!(error instanceof StillInDoubt)) throw error;
        // Once too early, to see that it is still waited for.
        await this.clock.advance(waits === 0 ? error.waitMs / 2 : error.waitMs);
        onWait();
      }
    }
    throw new Error("It waits without end");
  }
}

/** One look of the keeper; what stops it is in its log. */
async function keepOnce(parts: Parts): Promise<void> {
  const over = new AbortController();
  const specs = [spec({ service: SERVICE })];
  const clock = {
    ...parts.clock,
    now: () => NOW,
    monotonic: () => 0,
    sleep: () => Promise.resolve(over.abort()),
  };
  const queue = new WorkQueue(parts);
  await keepWebhook({ ...parts, clock }, {
    id: WEBHOOK.id,
    secrets: [],
    specs,
    keys: new ServiceKeys(specs),
    queue,
    signal: over.signal,
  });
  queue.close();
}
