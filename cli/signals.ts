/**
 * SIGTERM and SIGINT: the first asks to finish the step and stop, the second leaves at once with exit code 1.
 */
import { EXIT } from "../base/errors.ts";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

export interface Stop extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
}

/** @param onFirst told of the first signal @param leave how to leave at the second @default Deno.exit */
export function stopOnSignals(
  onFirst: (name: Deno.Signal) => void = () => {},
  leave: (code: number) => void = (code) => Deno.exit(code),
): Stop {
  const controller = new AbortController();
  const handlers = SIGNALS.map((name) => {
    const handler = () => {
      if (controller.signal.aborted) return leave(EXIT.notReady);
      onFirst(name);
      controller.abort();
    };
    Deno.addSignalListener(name, handler);
    return { name, handler };
  });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const { name, handler } of handlers) Deno.removeSignalListener(name, handler);
    },
  };
}
