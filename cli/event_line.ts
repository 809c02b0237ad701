/** What happens, as lines for people while it happens: one line a transition, and signs of life while waiting. */
import type { Clock } from "../base/clock.ts";
import type { Outcome } from "../reconciler/outcome.ts";
import type { EventContext } from "../reconciler/parts.ts";
import { isUnread } from "../reconciler/aftermath.ts";
import type { Attempt, StateEvent } from "../state/records.ts";
import { createPainter, safe, terminalColumns, whole, wrap } from "./output.ts";
import type { Style } from "./output.ts";

const COLOURS: readonly [RegExp, Style][] = [
  [/^(IncidentHealed|AttemptSucceeded|AttemptFixed|HealthyTrue|ReadyTrue)$/, "green"],
  [/(Denied|Failed|Stalled|False|NotHealed)$/, "red"],
  [/^(IncidentOpened|AttemptBegun|EffectPerformed)$/, "bold"],
];
/** Changes of conditions that only mirror what another line says, and measurements. */
const MIRRORED =
  /^(Reconciling|Stalled)(True|False|Unknown)$|^(Ready|BuildClean)Unknown$|^(SwarmRan|TopologySwitched|RehearsalBegun)$/;
/** While an incident is open, its own beginning, attempts and end say these. */
const TOLD_BY_INCIDENT = /^(ReadyTrue|BuildCleanFalse)$/;
/** Columns that a message needs on a terminal to be wrapped beside its labels. */
const MESSAGE_COLUMNS_MIN = 30;
/** Waiting without news is mentioned again after this long, in milliseconds. */
const SIGN_OF_LIFE_MS = 30_000;
const TYPE_WIDTH = 20;

/** How the end of an attempt is called where a person reads of it: in the words of the report. */
const ENDS: Partial<Record<Attempt["status"], string>> = {
  abandoned: "AttemptAbandoned",
  no_effect: "AttemptNoEffect",
};

/**
 * What an event is called in its line. When a deploy fails it is not known yet whether the attempt has failed: its own
 * failure may be gone and another one have come to light, which only the log tells.
 */
function labelOf(type: string, { incident }: EventContext): string {
  switch (type) {
    case "AttemptFailed": {
      const attempt = incident?.attempts.findLast(({ endedAt }) => endedAt !== null);
      if (attempt === undefined) return type;
      return isUnread(attempt) ? "NotHealed" : ENDS[attempt.status] ?? type;
    }
    case "CauseGone":
      return "AttemptFixed";
    case "FailureRead":
      return "AttemptFailed";
    default:
      return type;
  }
}

export interface Narrator {
  event(event: StateEvent, about: EventContext): void;
  /** Called for every outcome; speaks when it is news or when nothing was said for long. */
  outcome(serviceName: string, outcome: Outcome): void;
  /** A line of the narrator's own. */
  say(text: string): void;
}

/**
 * @param print takes one line
 * @param isTerminal whether the lines go to one
 * @param names of services that are known from the start, so that the columns stay where they are
 */
export function createNarrator(
  print: (line: string) => void,
  clock: Clock,
  isTerminal: boolean,
  names: readonly string[] = [],
): Narrator {
  const { paint } = createPainter({ isTerminal });
  const last = new Map<string, { reason: string; message: string; at: number }>();
  let nameWidth = Math.max(
    0,
    ...names.filter((name) => !/^srv-/.test(name)).map((name) => safe(name, 60).length),
  );
  const line = (service: string, type: string, message: string, style?: Style) => {
    const time = new Date(clock.now()).toISOString().slice(11, 19);
    const label = type.padEnd(TYPE_WIDTH);
    const painted = style === undefined ? label : paint(style, label);
    const name = safe(service, 60);
    nameWidth = Math.max(nameWidth, name.length);
    const room = terminalColumns() - (time.length + nameWidth + TYPE_WIDTH + 3 * 2);
    const text = isTerminal && room >= MESSAGE_COLUMNS_MIN
      // What goes on below stands under its beginning; a file has one line an event.
      ? wrap(whole(message), room).replaceAll("\n", `\n${" ".repeat(terminalColumns() - room)}`)
      : whole(message);
    print(`${paint("dim", time)}  ${name.padEnd(nameWidth)}  ${painted}  ${text}`);
  };
  return {
    event({ type, message }, about) {
      if (MIRRORED.test(type) || (TOLD_BY_INCIDENT.test(type) && about.incident?.status === "open")) return;
      const label = labelOf(type, about);
      line(about.serviceName, label, message, COLOURS.find(([pattern]) => pattern.test(label))?.[1]);
    },
    outcome(serviceName, outcome) {
      if (
        outcome.kind === "settled" || outcome.kind === "stalled" ||
        ["Acted", "Prepared", "OnlyLooked"].includes(outcome.reason)
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
