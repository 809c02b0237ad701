/** How long the steps of a service's builds took: the median of each over the builds in which it was seen. */
import type { Advice } from "../../state/advice.ts";
import type { InstallStep } from "../../state/build_facts.ts";
import type { AdviceHistory } from "../messages.ts";

type Builds = NonNullable<AdviceHistory["service"]>["builds"];

export interface StepTime {
  name: string;
  seconds: number;
  builds: number;
}

/** Slowest first. */
export function stepTimes(builds: Builds): StepTime[] {
  const times = Map.groupBy(builds.flat(), ({ name }) => name);
  return [...times].map(([name, group]) => ({
    name,
    seconds: median(group.map(({ seconds }) => seconds)),
    builds: group.length,
  })).toSorted((a, b) => b.seconds - a.seconds || (a.name < b.name ? -1 : 1));
}

/** Whether a measured step is this install; a log may cut a long instruction, or show all of a build command. */
export function isStep({ name }: StepTime, { text, line }: InstallStep): boolean {
  const measured = plain(name);
  const wanted = plain(text);
  if (line === null) return measured.startsWith("build command ") && measured.includes(wanted);
  return measured !== "" && (wanted.startsWith(measured) || measured.startsWith(wanted));
}

/** Whether an install in a build command is the end of it. */
export function isEndOf({ name }: StepTime, { text }: InstallStep): boolean {
  return plain(name).endsWith(plain(text));
}

/** What is known of a step's duration. */
export function figuresOf(step: InstallStep, builds: Builds): Advice["figures"] {
  const time = stepTimes(builds).find((one) => isStep(one, step));
  if (time === undefined) return [];
  return [
    { name: "median of the step", value: time.seconds, unit: "s" },
    { name: "measured", value: time.builds, unit: "builds" },
  ];
}

function plain(text: string): string {
  return text.replace(/\s+/g, " ").trim().toLowerCase();
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
