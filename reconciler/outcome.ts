/** What one pass over a service came to. Exactly one case, and each says when to look again. */
export type Outcome =
  /** In the desired state; nothing to do. */
  | { kind: "settled"; afterMs: number }
  /** Under way: a deploy runs, a proof is counted, a person turned it off. */
  | { kind: "waiting"; reason: string; message: string; afterMs: number }
  /** Could not look or could not act; tried again with backoff. */
  | { kind: "retry"; reason: string; message: string }
  /** A person is needed; `resume` is the command that goes on. */
  | { kind: "stalled"; reason: string; message: string; resume: string; afterMs: number };
