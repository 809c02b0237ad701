/**
 * The rehearsals of this process: one build at a time, and no pass waits for it. A pass has one begun and ends; a later
 * pass over the same incident finds its answer. All of it lives in memory: what a restart loses is begun anew.
 */
import type { Rehearsal } from "../agents/tools/rehearsal.ts";
import { REHEARSAL_MARGIN_MS, REHEARSAL_MS } from "../agents/tools/rehearsal.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Incident } from "../state/records.ts";
import { sanitizeLine } from "../text/sanitize.ts";

/** The reason of a pass that waits for a rehearsal. */
export const REHEARSING = "Rehearsing";
/** Builds for one attempt, whatever is proposed anew meanwhile: the remedies that are tried on paper. */
export const REHEARSALS_MAX = 6;
/** The longest that a rehearsal may take with all that belongs to it, in milliseconds. */
export const REHEARSAL_OVER_MS = REHEARSAL_MS + REHEARSAL_MARGIN_MS;

/** For what is rehearsed: the deploy that was read, of the one open incident of a service. */
export interface Subject {
  serviceId: string;
  serviceName: string;
  incidentId: string;
  deployId: string;
  /** The newest one then: with another, the files or what they are built with are others. */
  newestDeployId: string | null;
}

export function subjectOf(
  { serviceId, serviceName, id }: Pick<Incident, "serviceId" | "serviceName" | "id">,
  deploy: { id: string },
  seen: { deploys: readonly { id: string }[] },
): Subject {
  const newestDeployId = seen.deploys[0]?.id ?? null;
  return { serviceId, serviceName, incidentId: id, deployId: deploy.id, newestDeployId };
}

/** What a rehearsal came to; `refused` once the validator has held it against the patch. */
export type Known = Rehearsal | { kind: "refused"; why: string };

export interface Build {
  /** Names what is built: the same files by the same command have the same key. */
  key: string;
  remedy: string;
  /** Gone when the build is over. */
  checkout: AsyncDisposable;
  run: (signal: AbortSignal) => Promise<Rehearsal>;
}

/** What is kept of one service, until an attempt begins or the incident is over. */
interface Story {
  subject: Subject;
  begun: number;
  known: Map<string, Known>;
}

interface Running {
  story: Story;
  key: string;
  message: string;
  stop: AbortController;
  /** It was told to stop for its time and goes on. */
  isLate: boolean;
  done: Promise<void>;
}

export class Rehearsals implements AsyncDisposable {
  readonly #clock: Pick<Clock, "sleep">;
  /** By service; only services that are looked after have one. */
  readonly #stories = new Map<string, Story>();
  /** Services whose repair waits for its turn, first come first. */
  readonly #line = new Set<string>();
  #running: Running | null = null;
  #isClosed = false;

  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  /** Why nothing need be prepared now; `null` when an answer is there, or it is this one's turn, or none was asked for. */
  waitingFor(subject: Subject): string | null {
    const story = this.#storyOf(subject);
    if (story === null) return null;
    const running = this.#running;
    if (running?.story === story && !story.known.has(running.key)) return running.message;
    const mustWait = this.#line.has(subject.serviceId) && running?.isLate !== true &&
      !this.#isFreeFor(subject);
    return mustWait ? this.#inLine() : null;
  }

  /** Of the incident's rehearsal that is running or waits for its turn, for people. */
  describe(serviceId: string, incidentId: string): string | null {
    const story = this.#stories.get(serviceId);
    return story?.subject.incidentId === incidentId ? this.waitingFor(story.subject) : null;
  }

  /** What is known of a build; `null` when it is to be begun. */
  known(subject: Subject, key: string): Known | null {
    const story = this.#storyOf(subject);
    const known = story?.known.get(key);
    if (known !== undefined) return known;
    if (story !== null && story.begun >= REHEARSALS_MAX) {
      return { kind: "unknown", why: `${REHEARSALS_MAX} rehearsals are enough for one attempt` };
    }
    if (this.#running?.isLate) return { kind: "unknown", why: "the rehearsal before it does not end" };
    return null;
  }

  /** Remembers that what a build showed was held against its patch, so that it is judged once. */
  refuse(subject: Subject, key: string, why: string): void {
    this.#storyOf(subject)?.known.set(key, { kind: "refused", why });
  }

  /**
   * Begins a build, or waits in line for one.
   * @returns `hasBegun`: the checkout is disposed of here; what to tell people
   */
  begin(subject: Subject, build: Build): { hasBegun: boolean; message: string } {
    const { serviceId } = subject;
    const story = this.#storyOf(subject) ?? { subject, begun: 0, known: new Map() };
    this.#stories.set(serviceId, story);
    if (this.#isClosed || !this.#isFreeFor(subject)) {
      this.#line.add(serviceId);
      return { hasBegun: false, message: this.#inLine() };
    }
    this.#line.delete(serviceId);
    story.begun++;
    const message = `${build.remedy} is being built in drydock, before it is published`;
    const { key } = build;
    const running: Running = {
      ...{ story, key, message },
      ...{ stop: new AbortController(), isLate: false, done: Promise.resolve() },
    };
    this.#running = running;
    running.done = this.#follow(running, build);
    return { hasBegun: true, message };
  }

  /**
   * To be called after each pass over a service.
   * @param waits whether it ended with waiting for a rehearsal: whoever does not has no place in line
   * @param mayNeed whether its incident may still need what is known; what runs for it is stopped otherwise
   * @param newestDeployId as it was seen; `null` where nothing was
   */
  passed(
    serviceId: string,
    { waits, mayNeed, newestDeployId }: { waits: boolean; mayNeed: boolean; newestDeployId: string | null },
  ): void {
    const before = this.#stories.get(serviceId)?.subject.newestDeployId;
    const isAnother = newestDeployId !== null && before !== newestDeployId;
    if (!mayNeed || isAnother) this.#forget(serviceId);
    else if (!waits) this.#line.delete(serviceId);
  }

  /** Stops what runs and waits until nothing of it is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const serviceId of [...this.#stories.keys()]) this.#forget(serviceId);
    this.#running?.stop.abort();
    await this.#running?.done;
  }

  /** What is kept for this subject; what was kept for an earlier incident or deploy of its service goes. */
  #storyOf({ serviceId, incidentId, deployId, newestDeployId }: Subject): Story | null {
    const story = this.#stories.get(serviceId);
    if (story === undefined) return null;
    const { subject } = story;
    const isSame = subject.incidentId === incidentId && subject.deployId === deployId &&
      subject.newestDeployId === newestDeployId;
    if (isSame) return story;
    this.#forget(serviceId);
    return null;
  }

  #forget(serviceId: string): void {
    const story = this.#stories.get(serviceId);
    if (story !== undefined && this.#running?.story === story) this.#running.stop.abort();
    this.#stories.delete(serviceId);
    this.#line.delete(serviceId);
  }

  #isFreeFor({ serviceId }: Subject): boolean {
    const [first = serviceId] = this.#line;
    return this.#running === null && first === serviceId;
  }

  #inLine(): string {
    const other = this.#running?.story.subject.serviceName;
    return `It waits for its turn to be built in drydock${other === undefined ? "" : `: ${other} has it`}`;
  }

  async #follow(running: Running, { checkout, run }: Build): Promise<void> {
    const { story, key, stop } = running;
    const over = new AbortController();
    const answer = (known: Rehearsal) => {
      if (!story.known.has(key)) story.known.set(key, known);
    };
    this.#clock.sleep(REHEARSAL_OVER_MS, over.signal).then(() => {
      if (over.signal.aborted) return;
      running.isLate = true;
      answer({ kind: "unknown", why: `it took over ${REHEARSAL_OVER_MS / 60_000} minutes` });
      stop.abort();
    });
    try {
      answer(await run(stop.signal));
    } catch (error) {
      answer({ kind: "unknown", why: sanitizeLine(messageOf(error)) });
    } finally {
      over.abort();
      // What is left of it goes with the folder it lies in.
      await Promise.resolve(checkout[Symbol.asyncDispose]()).catch(() => {});
      if (this.#running === running) this.#running = null;
    }
  }
}
