/**
 * Which step of the build belongs first or apart: the slowest that was measured, and system packages that stand
 * behind the sources. Without a measurement only the order in the Dockerfile is spoken of.
 */
import type { Advice } from "../../state/advice.ts";
import type { BuildFacts, InstallStep } from "../../state/build_facts.ts";
import type { AdviceHistory } from "../messages.ts";
import { figuresOf, isEndOf, isStep, stepTimes } from "./step_times.ts";
import type { StepTime } from "./step_times.ts";

type Builds = NonNullable<AdviceHistory["service"]>["builds"];

/** A package whose wheel takes this share of its install is worth a step of its own. */
const APART_SHARE_MIN = 0.5;
const WHEEL = /^Building wheel for (.+)$/;

export function buildOrderAdvice(facts: BuildFacts, builds: Builds): Advice[] {
  const times = stepTimes(builds);
  return [
    ...slowest(facts, times.filter(({ name }) => !WHEEL.test(name)), builds),
    ...apart(facts, times),
    ...system(facts, builds),
  ];
}

/** The install that took longest, against all that was measured. */
function slowest(facts: BuildFacts, times: readonly StepTime[], builds: Builds): Advice[] {
  const [slow] = times;
  const step = slow === undefined ? undefined : facts.installs.find((one) => isStep(slow, one));
  if (slow === undefined || step === undefined) return [];
  const total = round(times.reduce((sum, { seconds }) => sum + seconds, 0));
  const figures = [...figuresOf(step, builds), { name: "all steps measured", value: total, unit: "s" }];
  const share = `\`${step.text}\` is the slowest step: ${slow.seconds} of ${total} s`;
  if (step.line === null) {
    // Nothing follows: there is no order to keep.
    if (isEndOf(slow, step)) return [];
    return [{
      kind: "build-order",
      recommendation: "Keep the install first in the build command; it is one step with what follows it",
      isInPlace: facts.installs[0] === step,
      figures,
      because: [share],
    }];
  }
  const mayMove = step.sourcesLine !== null && (step.isSystem || facts.needsSources === null);
  return [{
    kind: "build-order",
    recommendation: mayMove
      ? `Run line ${step.line} of ${facts.file} first and in a layer of its own, before line ${step.sourcesLine}`
      : `Keep line ${step.line} of ${facts.file} where it is`,
    isInPlace: !mayMove,
    figures,
    because: [
      share,
      step.sourcesLine === null
        ? "It lies before the sources"
        : `Line ${step.sourcesLine} brings the sources before it`,
      ...(mayMove || step.sourcesLine === null || facts.needsSources === null
        ? []
        : [`It needs them: ${facts.needsSources}`]),
    ],
  }];
}

/** A package that is built from source and takes most of the install. */
function apart({ installs, file }: BuildFacts, times: readonly StepTime[]): Advice[] {
  const wheel = times.find(({ name }) => WHEEL.test(name));
  const name = WHEEL.exec(wheel?.name ?? "")?.[1];
  const step = installs.find(({ program, isSystem }) => program === "pip" && !isSystem);
  const install = step === undefined ? undefined : times.find((time) => isStep(time, step));
  if (wheel === undefined || name === undefined || step === undefined || install === undefined) return [];
  if (wheel.seconds < APART_SHARE_MIN * install.seconds) return [];
  const where = step.line === null ? "the build command" : `line ${step.line} of ${file}`;
  return [{
    kind: "build-order",
    recommendation:
      `Install ${name} in a step of its own before ${where}, so that it is kept apart from the rest`,
    isInPlace: false,
    figures: [
      { name: `wheel of ${name}`, value: wheel.seconds, unit: "s" },
      { name: "whole install", value: install.seconds, unit: "s" },
      { name: "measured", value: wheel.builds, unit: "builds" },
    ],
    because: [
      `${name} is built from source: ${wheel.seconds} of the ${install.seconds} s of \`${step.text}\``,
    ],
  }];
}

/** System packages need no file of the repository. */
function system({ installs, file }: BuildFacts, builds: Builds): Advice[] {
  const late = installs.find((step): step is InstallStep & { line: number; sourcesLine: number } =>
    step.isSystem && step.line !== null && step.sourcesLine !== null
  );
  if (late === undefined) return [];
  return [{
    kind: "build-order",
    recommendation: `Move line ${late.line} of ${file} before line ${late.sourcesLine}`,
    isInPlace: false,
    figures: figuresOf(late, builds),
    because: [
      `\`${late.text}\` needs no file of the repository and runs again with each change of one, because line ${late.sourcesLine} copies them first`,
    ],
  }];
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
