/** Events as lines for people: one line a transition, with its time, service and what happened. */
import type { StateEvent } from "../state/records.ts";
import { createPainter, safe } from "./output.ts";
import type { Style } from "./output.ts";

const COLOURS: readonly [RegExp, Style][] = [
  [/^(IncidentHealed|AttemptSucceeded|HealthyTrue|ReadyTrue)$/, "green"],
  [/(Failed|Stalled|False)$/, "red"],
  [/^(IncidentOpened|AttemptBegun|EffectPerformed)$/, "bold"],
];
/** Changes of conditions that only mirror what another event says. */
const MIRRORED = /^(Reconciling|Stalled)(True|False|Unknown)$/;

/** @param print takes one line @param names service ids to names, filled by the caller */
export function createEventPrinter(
  print: (line: string) => void,
  nameOf: (serviceId: string) => string = (id) => id,
): (event: StateEvent) => void {
  const { paint } = createPainter({ isTerminal: Deno.stderr.isTerminal() });
  return (event) => {
    if (MIRRORED.test(event.type)) return;
    const time = new Date(event.at).toISOString().slice(11, 19);
    const colour = COLOURS.find(([pattern]) => pattern.test(event.type))?.[1];
    const type = colour === undefined ? event.type : paint(colour, event.type);
    const service = event.serviceId === null ? "" : `${safe(nameOf(event.serviceId), 60)}  `;
    print(`${paint("dim", time)}  ${service}${type}  ${safe(event.message)}`);
  };
}
