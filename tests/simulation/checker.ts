/**
 * What must hold at every step, whatever happens. The checker sees the world, what the store keeps and what each
 * process was shown; it never asks the product what the product thinks. Whatever takes time is judged by the world's
 * own time, never by a date that the product wrote.
 */
import type { Json } from "../../base/json.ts";
import type {
  Attempt,
  EffectKind,
  Incident,
  JournalEntry,
  Outcome,
  StateEvent,
} from "../../state/records.ts";
import type { Change, Store } from "../../state/store.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import { LOOK_MS_MAX, lookAgeMaxMs } from "../../reconciler/look_age.ts";
import { gapMaxMs } from "../../reconciler/samples.ts";
import { DEPLOY_STUCK } from "../../reconciler/stuck_deploy.ts";
import { isUnderWay } from "./platform.ts";
import type { Platform, SimService } from "./platform.ts";
import type { WorldEffect } from "./render.ts";

export const INVARIANTS = {
  journal: "no effect without a journal line",
  twice: "no effect twice",
  real: "what is recorded as done is done in the world",
  commits: "never two commits for an attempt",
  foreign: "never a push over a foreign commit",
  attempts: "at most so many attempts",
  effects: "at most so many effects an hour and a day",
  autodeploy: "autodeploy off after a rollback until a later commit is proven",
  unknown: "unknown never acts",
  stale: "nothing is done by what was seen long ago",
  patience: "nothing is given up or done over before its time",
  healed: "healed means the whole quiet time of unbroken good samples",
  rollbacks: "at most one rollback an incident",
  samePatch: "the same patch never twice for a fingerprint once it failed",
  leftAlone: "what is suspended or in maintenance stays untouched",
  ends: "when faults stop, every service ends Ready or Stalled with a reason",
  repairs: "when faults stop, what can be repaired is",
  fenced: "what a leader writes is refused once there is a newer one",
  late: "only the newest leader sends what changes the world",
  mode:
    "nothing is changed unasked where the mode is to suggest, and no branch of a person's where it is to propose",
  wish: "a person who asks to go on is heard",
  busy: "nothing is asked again and again without a pause",
  defect: "no unexpected error",
} as const;
export type InvariantName = keyof typeof INVARIANTS;

export class Violation extends Error {
  override readonly name = "Violation";
  constructor(readonly invariant: InvariantName, readonly detail: string) {
    super(`${INVARIANTS[invariant]}: ${detail}`);
  }
}

interface Sample {
  at: number;
  process: string;
  liveId: string | null;
  verdict: "good" | "bad" | "unknown";
}

/** What one process was shown of a service in the pass under way. */
interface Shown {
  /** When the deploys were shown that it goes by; `null` before that. */
  lookedAt: number | null;
  suspended: boolean;
  inMaintenance: boolean;
  liveId: string | null;
  sample: Sample["verdict"] | null;
  isDatabaseDown: boolean;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Between a sample and the moment the product writes down its time, in milliseconds. */
const SLACK_MS = 20_000;
/** How far a time of day of Evenkeel's may be from the world's, in milliseconds: an answer's way, and what is slack. */
const CLOCK_MS = 20_000;
/** A person's change that came between our look and our act is nobody's fault, within this time. */
const RACE_MS = 10 * 60_000;
const SAMPLES_KEPT = 200;

const KINDS: Record<WorldEffect["kind"], readonly EffectKind[]> = {
  push: ["push"],
  "pull-request": ["pull-request"],
  deploy: ["deploy"],
  patch: ["patch-service", "autodeploy-off", "autodeploy-on"],
  rollback: ["rollback"],
  restart: ["restart"],
};

export class Checker {
  readonly violations: Violation[] = [];
  readonly incidents = new Map<string, Incident>();
  readonly services = new Map<string, NonNullable<Change["service"]>>();
  readonly #journal = new Map<string, JournalEntry>();
  readonly #performed = new Map<string, string>();
  readonly #commits = new Map<string, string>();
  readonly #rollbacks = new Map<string, number>();
  readonly #shown = new Map<string, Shown>();
  /** Keys that were intended before the newest pass began: a request of then may arrive late. */
  readonly #older = new Set<string>();
  readonly #samples = new Map<string, Sample[]>();
  /** Services that Evenkeel rolled back, with the commit that is not to come back. */
  readonly #held = new Map<string, { badCommit: string; goodCommit: string }>();
  /** Deploys that were good for the whole quiet time at some moment. */
  readonly #proven = new Set<string>();
  readonly #touched = new Map<string, number>();
  /** When each intent was written and each attempt and incident begun, in the world's time. */
  readonly #since = new Map<string, number>();
  /** When each attempt's commit was pushed. */
  readonly #pushedAt = new Map<string, number>();
  /** The fencing number of the newest leader. */
  #newest = 0;

  constructor(
    private readonly platform: Platform,
    private readonly specOf: (serviceId: string) => ServiceSpec,
    private readonly tell: (line: string) => void,
  ) {}

  #fail(invariant: InvariantName, detail: string): void {
    const violation = new Violation(invariant, detail);
    this.tell(`VIOLATION ${violation.message}`);
    this.violations.push(violation);
  }

  fail(invariant: InvariantName, detail: string): void {
    this.#fail(invariant, detail);
  }

  /**
   * Forgets what was over before a time, for a world that goes on for weeks.
   * @param beforeMs on the wall clock
   */
  forget(beforeMs: number): void {
    const isOver = (id: string) => {
      const incident = this.incidents.get(id);
      return incident === undefined || (incident.status === "healed" && incident.openedAt < beforeMs);
    };
    for (const [key, entry] of this.#journal) {
      const isOld = entry.state !== "intended" && entry.intendedAt < beforeMs;
      if (!isOld || !isOver(key.split("/")[0] ?? "")) continue;
      this.#journal.delete(key);
      this.#older.delete(key);
    }
    const timed = [this.#since, this.#pushedAt];
    for (const kept of [this.#performed, this.#commits, this.#rollbacks, this.incidents, ...timed]) {
      for (const key of kept.keys()) if (isOver(key.split("/")[0] ?? "")) kept.delete(key);
    }
    for (const key of this.#proven) {
      const [serviceId = "", deployId] = key.split("/");
      const deploys = this.platform.find(serviceId)?.deploys;
      if (!deploys?.some(({ id }) => id === deployId)) this.#proven.delete(key);
    }
  }

  active(serviceId: string): Incident | null {
    return [...this.incidents.values()].find((one) =>
      one.serviceId === serviceId && one.status !== "healed"
    ) ?? null;
  }

  /** The effects that the journal of a service shows, for a trace. */
  get effects(): number {
    return this.#performed.size;
  }

  // Who leads.

  leads(fencing: number): void {
    if (fencing <= this.#newest) this.#fail("fenced", `leader ${fencing} after leader ${this.#newest}`);
    this.#newest = Math.max(this.#newest, fencing);
  }

  /** @param fencing the number of the leader that sends it */
  sends(process: string, fencing: number, what: string): void {
    if (fencing !== this.#newest) {
      this.#fail("late", `${process}, leader ${fencing}, sends ${what}; leader ${this.#newest} leads`);
    }
  }

  /** @param fencing the number of the leader that has written */
  #wrote(fencing: number | null, what: string): void {
    if (fencing !== null && fencing !== this.#newest) {
      this.#fail("fenced", `leader ${fencing} wrote ${what}; leader ${this.#newest} leads`);
    }
  }

  // What processes are shown.

  passBegins(process: string, serviceId: string): void {
    for (const key of this.#journal.keys()) this.#older.add(key);
    this.#shown.set(`${process}/${serviceId}`, {
      lookedAt: null,
      suspended: false,
      inMaintenance: false,
      liveId: null,
      sample: null,
      isDatabaseDown: false,
    });
  }

  /** What the look of a pass showed; what is read later, to see whether an effect is there, is not looked at so. */
  saw(process: string, service: SimService, shown: Partial<Shown>): void {
    const known = this.#shown.get(`${process}/${service.id}`);
    if (known === undefined) return;
    const isLook = known.sample === null || shown.isDatabaseDown !== undefined;
    if (isLook) Object.assign(known, shown);
    if (shown.liveId !== undefined) known.lookedAt ??= this.#now;
  }

  /** A process asks for an effect; what befalls it from here on it can no longer know. */
  asks(process: string, serviceId: string, what: string): void {
    const lookedAt = this.#shown.get(`${process}/${serviceId}`)?.lookedAt ?? null;
    const ageMs = this.#now - (lookedAt ?? -Infinity);
    if (ageMs <= LOOK_MS_MAX + lookAgeMaxMs(this.specOf(serviceId)) + CLOCK_MS) return;
    this.#fail("stale", `${process} asks for ${what} of ${serviceId} by a look of ${ageMs / 1000} s ago`);
  }

  sampled(process: string, service: SimService, verdict: Sample["verdict"]): void {
    const shown = this.#shown.get(`${process}/${service.id}`);
    // Only the first look of a pass counts; others are taken to prepare an attempt.
    if (shown === undefined || shown.sample !== null) return;
    shown.sample = verdict;
    const samples = this.#samples.get(service.id) ?? [];
    samples.push({ at: this.platform.scheduler.now, process, liveId: shown.liveId, verdict });
    this.#samples.set(service.id, samples.slice(-SAMPLES_KEPT));
    if (this.#goodForMs(service.id, process) >= this.specOf(service.id).stableForMs - SLACK_MS) {
      this.#proven.add(`${service.id}/${shown.liveId}`);
    }
  }

  /** A person changed a service. */
  touched(service: SimService): void {
    this.#touched.set(service.id, this.platform.scheduler.now);
    // What a person undid may be done again.
    for (const [key, { serviceId, kind }] of this.#journal) {
      const isSetting = KINDS.patch.includes(kind) && serviceId === service.id;
      if (isSetting) this.#performed.delete(key.split("/").slice(0, 3).join("/"));
    }
  }

  personSetAutodeploy(service: SimService): void {
    this.#held.delete(service.id);
  }

  // What the world is made to do.

  effect(process: string, service: SimService, effect: WorldEffect): void {
    const entry = this.#entryOf(service, effect);
    this.tell(`${process} -> ${service.id}: ${describe(effect)} [${entry?.key ?? "no journal line"}]`);
    if (entry === null) {
      this.#fail("journal", `${describe(effect)} of ${service.id}`);
      return;
    }
    const [incidentId = "", attempt = ""] = entry.key.split("/");
    const key = entry.key.split("/").slice(0, 3).join("/");
    if (effect.kind !== "patch" || effect.changes) {
      const before = this.#performed.get(key);
      if (before !== undefined) this.#fail("twice", `${key}: ${before}, then ${describe(effect)}`);
      this.#performed.set(key, describe(effect));
    }
    const shown = this.#shown.get(`${process}/${service.id}`);
    if (shown?.suspended || shown?.inMaintenance) {
      this.#fail("leftAlone", `${key} on a service that was shown to be turned off`);
    }
    const touchesLive = effect.kind === "rollback" || effect.kind === "restart";
    if (touchesLive && !this.#older.has(entry.key) && (shown?.sample ?? "unknown") === "unknown") {
      this.#fail("unknown", `${key} while it was not known how the service is`);
    }
    const { mode } = this.specOf(service.id);
    if (mode === "suggest" || (mode === "pull-request" && effect.kind === "push")) {
      this.#fail("mode", `${describe(effect)} of ${service.id} in the mode ${mode}`);
    }
    switch (effect.kind) {
      case "pull-request":
        if (`${effect.incident}/${effect.attempt}` !== `${incidentId}/${attempt}`) {
          this.#fail("commits", `${key} proposes a commit of ${effect.incident}/${effect.attempt}`);
        }
        break;
      case "push": {
        const head = service.repository.head;
        if (effect.parent !== head) {
          this.#fail("foreign", `${effect.commit.slice(0, 7)} over ${head.slice(0, 7)} (${key})`);
        }
        const of = `${effect.incident}/${effect.attempt}`;
        if (of !== `${incidentId}/${attempt}`) this.#fail("commits", `${key} pushed a commit of ${of}`);
        const other = this.#commits.get(of);
        if (other !== undefined && other !== effect.commit) this.#fail("commits", `${of} pushed twice`);
        this.#commits.set(of, effect.commit);
        this.#pushedAt.set(of, this.#now);
        break;
      }
      case "deploy":
        this.#checkGrace(service, `${incidentId}/${attempt}`);
        break;
      case "rollback": {
        const count = (this.#rollbacks.get(incidentId) ?? 0) + 1;
        this.#rollbacks.set(incidentId, count);
        if (count > 1) this.#fail("rollbacks", `${incidentId} rolled back ${count} times`);
        if (service.autoDeploy && !this.#isTouched(service)) {
          this.#fail("autodeploy", `${key} while autodeploy is on`);
        }
        const target = service.deploys.find((deploy) => deploy.id === effect.toDeployId);
        this.#held.set(service.id, {
          badCommit: this.platform.live(service)?.commit ?? "",
          goodCommit: target?.commit ?? "",
        });
        break;
      }
      case "patch": {
        if (effect.patch.autoDeploy !== "yes") break;
        const held = this.#held.get(service.id);
        const deploy = this.platform.live(service);
        const live = deploy?.commit ?? null;
        if (held === undefined || this.#isTouched(service)) break;
        const isNewest = live === service.repository.head;
        // The commit that was rolled back may turn out good after all, by a setting or a database that is back.
        if (live === null || (live === held.goodCommit && !isNewest)) {
          this.#fail("autodeploy", `${key} while ${live?.slice(0, 7) ?? "nothing"} serves`);
        } else if (!this.#proven.has(`${service.id}/${deploy?.id}`)) {
          this.#fail("autodeploy", `${key} before ${live.slice(0, 7)} was proven`);
        }
        this.#held.delete(service.id);
        break;
      }
    }
  }

  // What the store keeps.

  /**
   * The store itself, watched: below whatever a planted bug does to it.
   * @param fencing the number of the leader that writes to it; `null` for who is none
   * @param onIntent told when an intent is written for the first time
   */
  watchStore(store: Store, fencing: number | null = null, onIntent: () => void = () => {}): Store {
    return new Proxy(store, {
      get: (target, key) => {
        switch (key) {
          case "record":
            return async (change: Change) => {
              await target.record(change);
              this.#wrote(fencing, change.incident?.id ?? "a sample");
              this.#recorded(change);
            };
          case "intend":
            return async (entry: Parameters<Store["intend"]>[0]) => {
              const result = await target.intend(entry);
              this.#wrote(fencing, entry.key);
              if (!this.#journal.has(entry.key)) onIntent();
              this.#intended(result);
              return result;
            };
          case "finish":
            return async (key: string, end: Parameters<Store["finish"]>[1]) => {
              await target.finish(key, end);
              this.#wrote(fencing, key);
              const entry = this.#journal.get(key);
              if (entry === undefined) return;
              this.#journal.set(key, { ...entry, ...end });
              if (end.state === "done") this.#checkDone(entry, end.result);
            };
          default: {
            const member: unknown = Reflect.get(target, key);
            return typeof member === "function" ? member.bind(target) : member;
          }
        }
      },
    });
  }

  #checkDone({ key, serviceId, kind, payload }: JournalEntry, result: Json): void {
    const service = this.platform.find(serviceId);
    if (service === undefined) return;
    if (kind === "pull-request" && fieldOf(result, "kind") === "published") {
      const commit = String(fieldOf(payload, "commit"));
      if (!service.repository.pulls.some((pull) => pull.commit === commit)) {
        this.#fail("real", `${key}: there is no pull request of ${commit.slice(0, 7)}`);
      }
    }
    if (kind === "push" && fieldOf(result, "kind") === "published") {
      const commit = String(fieldOf(payload, "commit"));
      if (!service.repository.has(commit)) {
        this.#fail("real", `${key}: ${commit.slice(0, 7)} is on no branch`);
      }
    }
    const deployId = fieldOf(result, "deployId");
    if (typeof deployId !== "string") return;
    const deploy = service.deploys.find(({ id }) => id === deployId);
    if (deploy === undefined) return this.#fail("real", `${key}: there is no deploy ${deployId}`);
    const commit = kind === "deploy" ? fieldOf(payload, "commit") : undefined;
    if (typeof commit === "string" && deploy.commit !== commit) {
      this.#fail("real", `${key}: ${deployId} is of ${deploy.commit.slice(0, 7)}, not ${commit.slice(0, 7)}`);
    }
  }

  /** Of a repair that is remembered as one that healed: that its deploy was proven, or brought another failure to light. */
  #checkLearned({ outcome, attempt: number }: Outcome, { id, serviceId, attempts }: Incident): void {
    const attempt = attempts.find((one) => one.number === number);
    if (outcome !== "healed" || attempt?.aftermath?.isAnother === true) return;
    const deployId = attempt?.deployId ?? null;
    const isProven = attempt?.status === "fixed" &&
      (deployId === null || this.#proven.has(`${serviceId}/${deployId}`));
    if (!isProven) this.#fail("healed", `${id}/${number} is learned from as healed: ${deployId}`);
  }

  #recorded({ service, incident, outcome }: Change): void {
    if (service !== undefined) this.services.set(service.serviceId, service);
    if (incident === undefined) return;
    const before = this.incidents.get(incident.id);
    this.incidents.set(incident.id, incident);
    const { policy } = this.specOf(incident.serviceId);
    const attempts = incident.attempts.length - incident.attemptsBefore;
    if (attempts > policy.attemptsMax) {
      this.#fail("attempts", `${incident.id} has ${attempts} of ${policy.attemptsMax}`);
    }
    if (before !== undefined && incident.attempts.length < before.attempts.length) {
      this.#fail("attempts", `${incident.id} lost an attempt`);
    }
    this.#checkPatience(incident, before);
    if (outcome !== undefined) this.#checkLearned(outcome, incident);
    const begun = incident.attempts.at(-1);
    if (begun !== undefined && incident.attempts.length > (before?.attempts.length ?? 0)) {
      this.#begun(incident, begun);
    }
  }

  /** Of whoever gives something up: that it took as long as the policy says. */
  #checkPatience(incident: Incident, before: Incident | undefined): void {
    const { id, serviceId, stalled } = incident;
    if (!this.#since.has(id)) this.#since.set(id, this.#now);
    const { databaseWaitMs, deployTimeoutMs } = this.specOf(serviceId).policy;
    const waited = (what: string, since: number | undefined, ms: number) => {
      const waitedMs = this.#now - (since ?? -Infinity);
      if (waitedMs < ms - CLOCK_MS) {
        this.#fail("patience", `${what} after ${waitedMs / 1000} s of ${ms / 1000} s`);
      }
    };
    const underWay = this.platform.find(serviceId)?.deploys.filter(isUnderWay) ?? [];
    if (stalled !== null && before?.stalled?.reason !== stalled.reason) {
      if (stalled.reason === "DatabaseDown") {
        // The look that opened the incident may have been long before it was written: the machine slept meanwhile.
        const service = this.platform.find(serviceId);
        const downAt = service?.databaseUp === false ? service.databaseWentDownAt : Infinity;
        const since = Math.min(this.#since.get(id) ?? this.#now, downAt);
        waited(`${id} waits no more for its database`, since, databaseWaitMs);
      }
      // What has ended meanwhile is not shown yet.
      if (stalled.reason === DEPLOY_STUCK && underWay.length > 0) {
        waited(`${id} is stuck`, Math.min(...underWay.map(({ createdAt }) => createdAt)), deployTimeoutMs);
      }
    }
    for (const { number, status, deployId } of incident.attempts) {
      const was = before?.attempts.find((one) => one.number === number)?.status;
      const deploy = underWay.find((one) => one.id === deployId);
      if (was !== "running" || status !== "failed" || deploy === undefined) continue;
      waited(`${id}/${number} gives up ${deploy.id}`, deploy.createdAt, deployTimeoutMs);
    }
  }

  /** Of whoever asks for a deploy of what was pushed: that Render had the time to begin it by itself. */
  #checkGrace(service: SimService, attempt: string): void {
    const pushedAt = this.#pushedAt.get(attempt);
    if (pushedAt === undefined || !service.autoDeploy || this.#isTouched(service)) return;
    const graceMs = this.specOf(service.id).policy.autodeployGraceMs;
    const waitedMs = this.#now - pushedAt;
    if (waitedMs < graceMs - CLOCK_MS) {
      this.#fail("patience", `${attempt} is deployed ${waitedMs / 1000} s after its push`);
    }
  }

  get #now(): number {
    return this.platform.scheduler.now;
  }

  #begun(incident: Incident, begun: Attempt): void {
    this.#since.set(`${incident.id}/${begun.number}`, this.#now);
    if (begun.repair.kind === "rollback" || begun.repair.kind === "restart") return;
    const earlier = [...this.incidents.values()]
      .filter((one) => one.serviceId === incident.serviceId)
      .flatMap(({ id, attempts }) => attempts.map((one) => ({ ...one, key: `${id}/${one.number}` })))
      .filter((one) => one.key !== `${incident.id}/${begun.number}` && one.fingerprint === begun.fingerprint);
    const content = contentOf(begun);
    const failed = earlier.find((one) =>
      (one.status === "failed" || one.status === "no_effect") && contentOf(one) === content
    );
    if (failed !== undefined && begun.repair.kind !== "redeploy") {
      this.#fail("samePatch", `${incident.id}/${begun.number} repeats attempt ${failed.number}: ${content}`);
    }
    const counted = earlier.filter((one) =>
      one.status !== "abandoned" && (one.status !== "fixed" || one.aftermath?.isAnother === true) &&
      one.repair.kind !== "rollback" &&
      one.repair.kind !== "restart" && this.#now - (this.#since.get(one.key) ?? -Infinity) < DAY_MS - CLOCK_MS
    );
    const max = this.specOf(incident.serviceId).policy.attemptsPerFingerprintMax;
    if (counted.length >= max) {
      this.#fail("attempts", `${counted.length + 1} of ${max} for one fingerprint within a day`);
    }
  }

  #intended(entry: JournalEntry): void {
    if (this.#journal.has(entry.key)) return;
    this.#journal.set(entry.key, entry);
    this.#since.set(entry.key, this.#now);
    const { effectsPerHourMax, effectsPerDayMax } = this.specOf(entry.serviceId).policy;
    const all = [...this.#journal.values()].filter((one) => one.serviceId === entry.serviceId);
    for (const [withinMs, max] of [[HOUR_MS, effectsPerHourMax], [DAY_MS, effectsPerDayMax]] as const) {
      const since = this.#now - withinMs + CLOCK_MS;
      const recent = all.filter(({ key }) => (this.#since.get(key) ?? -Infinity) > since);
      if (recent.length > max) this.#fail("effects", `${entry.key} is number ${recent.length} of ${max}`);
    }
  }

  // What a process says that it did.

  event(process: string, event: StateEvent, attempt: Attempt | null): void {
    const serviceId = event.serviceId ?? "";
    const shown = this.#shown.get(`${process}/${serviceId}`);
    this.tell(`${process} ${serviceId}: ${event.type} ${event.message.slice(0, 100)}`);
    if (event.type === "IncidentOpened" || event.type === "AttemptBegun") {
      const isKnown = shown?.liveId === null || shown?.isDatabaseDown;
      if (!isKnown && (shown?.sample ?? "unknown") === "unknown") {
        this.#fail("unknown", `${event.type} after a sample that was unknown`);
      }
    }
    const isHealed = event.type === "IncidentHealed" ||
      (event.type === "AttemptSucceeded" && attempt?.status === "fixed");
    if (isHealed) {
      const goodForMs = this.#goodForMs(serviceId, process);
      const { stableForMs } = this.specOf(serviceId);
      if (goodForMs < stableForMs - SLACK_MS) {
        this.#fail("healed", `${event.type} after ${goodForMs / 1000} s of ${stableForMs / 1000} s`);
      }
    }
  }

  /** How long a process's newest samples are good without a break, by what was really answered and when. */
  #goodForMs(serviceId: string, process: string): number {
    const samples = (this.#samples.get(serviceId) ?? []).filter((sample) => sample.process === process);
    const last = samples.at(-1);
    if (last === undefined) return 0;
    const gapMs = gapMaxMs(this.specOf(serviceId)) + SLACK_MS;
    let first = last.at;
    for (const sample of samples.toReversed()) {
      const isUnbroken = sample.verdict === "good" &&
        sample.liveId === last.liveId && first - sample.at <= gapMs;
      if (!isUnbroken) break;
      first = sample.at;
    }
    return last.at - first;
  }

  #isTouched(service: SimService): boolean {
    return this.platform.scheduler.now - (this.#touched.get(service.id) ?? -Infinity) < RACE_MS;
  }

  #entryOf(service: SimService, effect: WorldEffect): JournalEntry | null {
    const entries = [...this.#journal.values()].filter((entry) =>
      entry.serviceId === service.id && KINDS[effect.kind].includes(entry.kind) && isFor(entry, effect)
    );
    // A setting that is set again to what it is has no effect; it may come late.
    const isIdle = effect.kind === "patch" && !effect.changes;
    return entries.find((entry) => entry.state === "intended") ?? (isIdle ? entries[0] ?? null : null);
  }
}

function fieldOf(value: Json, name: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

function isFor({ payload }: JournalEntry, effect: WorldEffect): boolean {
  const field = (name: string) => fieldOf(payload, name);
  switch (effect.kind) {
    case "push":
    case "pull-request":
    case "deploy":
      return field("commit") === effect.commit;
    case "patch":
      return JSON.stringify(payload) === JSON.stringify(effect.patch);
    case "rollback":
      return field("toDeployId") === effect.toDeployId;
    case "restart":
      return true;
  }
}

function contentOf({ repair }: Attempt): string {
  switch (repair.kind) {
    case "patch":
      return JSON.stringify(repair.edits);
    case "setting":
      return JSON.stringify(repair.patch);
    default:
      return repair.kind;
  }
}

function describe(effect: WorldEffect): string {
  switch (effect.kind) {
    case "push":
      return `push ${effect.commit.slice(0, 7)} on ${effect.parent?.slice(0, 7)}`;
    case "pull-request":
      return `pull request of ${effect.commit.slice(0, 7)}`;
    case "deploy":
      return `deploy ${effect.commit?.slice(0, 7) ?? "the head"}`;
    case "patch":
      return `patch ${JSON.stringify(effect.patch)}${effect.changes ? "" : " (as it is)"}`;
    case "rollback":
      return `rollback to ${effect.toDeployId}`;
    case "restart":
      return "restart";
  }
}
