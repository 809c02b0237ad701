/** What happens, as lines for people while it happens: one line a transition, and signs of life while waiting. */
import type { Clock } from "../base/clock.ts";
import type { Outcome } from "../reconciler/outcome.ts";
import type { EventContext } from "../reconciler/parts.ts";
import type { StateEvent } from "../state/records.ts";
import { createPainter, safe } from "./output.ts";
import type { Style } from "./output.ts";

const COLOURS: readonly [RegExp, Style][] = [
  [/^(IncidentHealed|AttemptSucceeded|HealthyTrue|ReadyTrue)$/, "green"],
  [/(Denied|Failed|Stalled|False)$/, "red"],
  [/^(IncidentOpened|AttemptBegun|EffectPerformed)$/, "bold"],
];
/** Changes of conditions that only mirror what another event says, and measurements. */
const MIRRORED = /^(Reconciling|Stalled)(True|False|Unknown)$|^ReadyUnknown$|^(SwarmRan|TopologySwitched)$/;
/** Waiting without news is mentioned again after this long, in milliseconds. */
const SIGN_OF_LIFE_MS = 30_000;
const TYPE_WIDTH = 20;

export interface Narrator {
  event(event: StateEvent, about: EventContext): void;
  /** Called for every outcome; speaks when it is news or when nothing was said for long. */
  outcome(serviceName: string, outcome: Outcome): void;
  /** A line of the narrator's own. */
  say(text: string): void;
}

/** @param print takes one line @param isTerminal whether the lines go to one */
export function createNarrator(print: (line: string) => void, clock: Clock, isTerminal: boolean): Narrator {
  const { paint } = createPainter({ isTerminal });
  const last = new Map<string, { reason: string; message: string; at: number }>();
  let nameWidth = 0;
  const line = (service: string, type: string, message: string, style?: Style) => {
    const time = new Date(clock.now()).toISOString().slice(11, 19);
    const label = type.padEnd(TYPE_WIDTH);
    const painted = style === undefined ? label : paint(style, label);
    const name = safe(service, 60);
    nameWidth = Math.max(nameWidth, name.length);
    print(`${paint("dim", time)}  ${name.padEnd(nameWidth)}  ${painted}  ${safe(message)}`);
  };
  return {
    event({ type, message }, { serviceName }) {
      if (MIRRORED.test(type)) return;
      line(serviceName, type, message, COLOURS.find(([pattern]) => pattern.test(type))?.[1]);
    },
    outcome(serviceName, outcome) {
      if (
        outcome.kind === "settled" || outcome.kind === "stalled" || outcome.reason === "Acted" ||
        outcome.reason === "Prepared"
      ) {
        last.delete(serviceName);
        return;
      }
      const { reason, message } = outcome;
      const before = last.get(serviceName);
      const at = clock.monotonic();
      // A proof counts up in its message: that alone is no news.
      const isNews = before?.reason !== reason || (reason !== "Proving" && before.message !== message);
      if (!isNews && at - before.at < SIGN_OF_LIFE_MS) return;
      last.set(serviceName, { reason, message, at });
      line(serviceName, reason, message, outcome.kind === "retry" ? "yellow" : "dim");
    },
    say(text) {
      print(`${paint("dim", new Date(clock.now()).toISOString().slice(11, 19))}  ${safe(text)}`);
    },
  };
}
