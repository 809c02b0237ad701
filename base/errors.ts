/**
 * The one error a person is meant to read. Its message follows `Cannot <verb> <thing>: <why, with the value>`
 * and never holds a credential; `hint` is the command or step that helps. Anything else that reaches the
 * command line is a defect and is reported as one.
 */
export class EvenkeelError extends Error {
  override readonly name: string = "EvenkeelError";
  /** What to do next: one command or one step. */
  readonly hint: string | undefined;
  /** The exit code of the command that meets this error. */
  readonly exitCode: ExitCode;

  /**
   * @param message `Cannot <verb> <thing>: <why, with the value>`, without a full stop
   * @param options.hint what to do next
   * @param options.exitCode the command's exit code
   * @default options.exitCode EXIT.usage
   */
  constructor(message: string, options: { hint?: string; exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? EXIT.usage;
  }
}

/** Nothing was sent: it could not be made sure in time that it may be. No try at what was to be done. */
export class NotSent extends EvenkeelError {
  override readonly name = "NotSent";
}

/** Exit codes of every command; documented in docs/cli.md. */
export const EXIT = { ready: 0, notReady: 1, usage: 2, unobservable: 3 } as const;
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** The text of anything thrown, for a message of our own. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The text of anything thrown with what helps, for a place that has one line for both. */
export function messageWithHint(error: unknown): string {
  const hint = error instanceof EvenkeelError ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)}. ${hint}`;
}

/** Marks a switch as exhaustive: the compiler refuses a case that was forgotten. */
export function unreachable(value: never): never {
  throw new Error(`Unexpected value: ${JSON.stringify(value)}`);
}
