/** The reason of a pass that only looked because the disk refuses what would have to be written. */
export const OBSERVE_ONLY = "ObserveOnly";

/** What one pass over a service came to. Exactly one case, and each says when to look again. */
export type Outcome =
  /** In the desired state; nothing to do. */
  | { kind: "settled"; afterMs: number }
  /** Under way: a deploy runs, a proof is counted; `forPerson` when only a person can end it (suspended, paused). */
  | { kind: "waiting"; reason: string; message: string; afterMs: number; forPerson: boolean }
  /** Could not look or could not act; tried again with backoff. */
  | { kind: "retry"; reason: string; message: string }
  /** A person is needed; `resume` is the command that goes on. */
  | { kind: "stalled"; reason: string; message: string; resume: string; afterMs: number };
