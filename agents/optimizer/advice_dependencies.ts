/** Which of the dependency sets that were deployed did best: by verified outcomes, then by seconds to live. */
import type { Advice } from "../../state/advice.ts";
import type { DependencySet } from "../../state/build_facts.ts";
import { interval } from "../../state/learning.ts";
import type { AdviceHistory } from "../messages.ts";

type MeasuredSet = NonNullable<AdviceHistory["service"]>["sets"][number];

/** Differences between two sets that are named. */
const DIFFERENCES_SHOWN = 8;
/** Packages of the best set that are named. */
const PACKAGES_SHOWN = 12;

/** @param current what the repository asks for now; `null` when it was not read */
export function dependencyAdvice(sets: readonly MeasuredSet[], current: DependencySet | null): Advice[] {
  const proven = sets.filter(({ healed }) => healed > 0).toSorted((a, b) =>
    interval(b.healed, b.failed).low - interval(a.healed, a.failed).low ||
    (a.seconds ?? Infinity) - (b.seconds ?? Infinity) || (a.hash < b.hash ? -1 : 1)
  );
  const [best] = proven;
  if (best === undefined) return [];
  const isInPlace = current === null || current.hash === best.hash;
  const others = sets.filter(({ hash }) => hash !== best.hash);
  const name = `set ${best.hash} of ${best.manifests.join(", ")} (${counted(best.packages, "package")})`;
  return [{
    kind: "dependency-set",
    recommendation: isInPlace
      ? `Keep ${name}`
      : `Go back to ${name}: ${difference(current.listed, best.listed)}`,
    isInPlace,
    figures: [
      { name: "healed", value: best.healed, unit: "attempts" },
      { name: "failed", value: best.failed, unit: "attempts" },
      ...(best.seconds === null ? [] : [{ name: "median to live", value: best.seconds, unit: "s" }]),
      { name: "measured", value: best.deploys, unit: "deploys" },
      { name: "compared", value: sets.length, unit: "sets" },
    ],
    because: [
      `It holds ${listed(best)}`,
      ...others.slice(0, DIFFERENCES_SHOWN).map((other) =>
        `Set ${other.hash} healed ${other.healed} of ${counted(other.healed + other.failed, "attempt")}` +
        `${other.seconds === null ? "" : `, ${other.seconds} s to live`}; there: ${
          difference(best.listed, other.listed)
        }`
      ),
    ],
  }];
}

/** What is to change in one set to have the other, as far as both are listed. */
function difference(from: readonly string[], to: readonly string[]): string {
  const added = to.filter((one) => !from.includes(one)).map((one) => `+${one}`);
  const removed = from.filter((one) => !to.includes(one)).map((one) => `-${one}`);
  const all = [...removed, ...added];
  const more = all.length > DIFFERENCES_SHOWN ? ` and ${all.length - DIFFERENCES_SHOWN} more` : "";
  return all.length === 0
    ? "nothing that is listed differs"
    : all.slice(0, DIFFERENCES_SHOWN).join(" ") + more;
}

/** A set in a few words. */
export function listed({ listed, packages }: DependencySet): string {
  if (packages === 0) return "no packages";
  const shown = listed.slice(0, PACKAGES_SHOWN);
  const more = packages > shown.length ? ` and ${packages - shown.length} more` : "";
  return shown.join(", ") + more;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
