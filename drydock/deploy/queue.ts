/**
 * One deploy at a time a service. Under `wait` a newer deploy waits for the running one and only the newest
 * waiting one runs; under `override` the running one is canceled (reference section 4).
 */
import type { OverlapPolicy } from "../platform.ts";
import type { DeployRecord } from "../records.ts";

/** Why a deploy was taken off before its end: a person, or the newer deploy with this id. */
export type CancelCause = { kind: "person" } | { kind: "superseded"; by: DeployRecord };

export interface DeployWork {
  /** Runs a deploy to its end; never rejects. The signal's reason is a `CancelCause`. */
  run(deploy: DeployRecord, signal: AbortSignal): Promise<void>;
  /** A waiting deploy that will never run. */
  skip(deploy: DeployRecord, cause: CancelCause): void;
  queue(deploy: DeployRecord): void;
}

export class DeployQueue {
  readonly #policy: OverlapPolicy;
  readonly #work: DeployWork;
  #running: { deploy: DeployRecord; abort: AbortController; done: Promise<void> } | undefined;
  #waiting: DeployRecord | undefined;

  constructor(policy: OverlapPolicy, work: DeployWork) {
    this.#policy = policy;
    this.#work = work;
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** @returns whether the deploy runs or waits for the running one */
  add(deploy: DeployRecord): "started" | "queued" {
    if (this.#running === undefined) {
      this.#start(deploy);
      return "started";
    }
    const cause: CancelCause = { kind: "superseded", by: deploy };
    if (this.#waiting !== undefined) this.#work.skip(this.#waiting, cause);
    this.#waiting = deploy;
    if (this.#policy === "override") {
      this.#running.abort.abort(cause);
      return "started";
    }
    this.#work.queue(deploy);
    return "queued";
  }

  /** @returns false when the deploy neither runs nor waits */
  async cancel(deployId: string): Promise<boolean> {
    if (this.#waiting?.id === deployId) {
      this.#work.skip(this.#waiting, { kind: "person" });
      this.#waiting = undefined;
      return true;
    }
    if (this.#running?.deploy.id !== deployId) return false;
    this.#running.abort.abort({ kind: "person" } satisfies CancelCause);
    await this.#running.done;
    return true;
  }

  /** Cancels everything and resolves when nothing runs. */
  async clear(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.#work.skip(waiting, { kind: "person" });
    this.#running?.abort.abort({ kind: "person" } satisfies CancelCause);
    await this.#running?.done;
  }

  #start(deploy: DeployRecord): void {
    const abort = new AbortController();
    const done = this.#work.run(deploy, abort.signal).then(() => {
      this.#running = undefined;
      const next = this.#waiting;
      this.#waiting = undefined;
      if (next !== undefined) this.#start(next);
    });
    this.#running = { deploy, abort, done };
  }
}
