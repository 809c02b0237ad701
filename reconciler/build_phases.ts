/**
 * How long the steps of a build took, from its log: by the durations that BuildKit prints, else by the times of
 * the lines that begin a step. Pure. A step that the log does not see ending has no duration.
 */
import { FACT_CHARS_MAX, STEPS_KEPT } from "../state/build_facts.ts";
import type { BuildPhase } from "../state/build_facts.ts";

/** BuildKit's `#12 [stage 3/5] RUN ...`. */
const KIT_STEP = /^#(\d+) \[(?!internal\b|auth\b)[^\]]*\d+\/\d+\]\s+(\S.*)/;
const KIT_DONE = /^#(\d+) DONE (\d+(?:\.\d+)?)s/;
/** The classic builder's and buildah's `Step 3/5 : RUN ...`, drydock's `[1/2] RUN ...`. */
const STEP =
  /^(?:(?:\[\d+\/\d+\] )?(?:Step|STEP) \d+(?:\/\d+)? ?: ?|\[\d+\/\d+\] )((?:RUN|COPY|ADD|FROM|WORKDIR|ENV|ARG|USER|EXPOSE|CMD|ENTRYPOINT|LABEL|SHELL|COMMIT)\b.*)/;
const COMMAND = /^==> Running build command '(.*)'/;
const WHEEL = /^\s*Building wheel for ([\w.-]+)\b.*: (started|finished)/;
/** What follows the last step of a build. */
const END =
  /^==> (?:Upload|Build |Exited|Deploying|Pushing|Running '|Timed)|^Pushing image|^Successfully (?:tagged|built)|^COMMIT\b/;
/** Steps that take time; the others only set words. */
const LASTING = /^(?:RUN|COPY|ADD|FROM|Building wheel|Build command)\b/;

/**
 * @param lines oldest first, each cleaned; a time that cannot be read counts as none
 * @returns in the order in which they ended
 */
export function buildPhases(lines: readonly { timestamp: string; message: string }[]): BuildPhase[] {
  const phases: BuildPhase[] = [];
  const names = new Map<string, string>();
  const wheels = new Map<string, number>();
  let open: { name: string; at: number } | null = null;
  const add = (name: string, ms: number) => {
    if (!LASTING.test(name) || !Number.isFinite(ms) || ms < 0) return;
    phases.push({ name: name.slice(0, FACT_CHARS_MAX), seconds: Math.round(ms) / 1000 });
  };
  for (const { timestamp, message } of lines) {
    const at = Date.parse(timestamp);
    const kit = KIT_STEP.exec(message);
    if (kit !== null) names.set(kit[1]!, kit[2]!);
    const done = KIT_DONE.exec(message);
    const name = done === null ? undefined : names.get(done[1]!);
    if (done !== null && name !== undefined) add(name, Number(done[2]) * 1000);
    const wheel = WHEEL.exec(message);
    if (wheel?.[2] === "started") wheels.set(wheel[1]!, at);
    else if (wheel !== null) add(`Building wheel for ${wheel[1]}`, at - (wheels.get(wheel[1]!) ?? NaN));
    const step = STEP.exec(message)?.[1];
    const command = COMMAND.exec(message)?.[1];
    const next = step ?? (command === undefined ? undefined : `Build command ${command}`);
    if (next === undefined && !END.test(message)) continue;
    if (open !== null) add(open.name, at - open.at);
    open = next === undefined ? null : { name: next, at };
  }
  return phases.slice(-STEPS_KEPT);
}
