/**
 * Of the versions with which everything resolves, the nearest above an old pin. pip takes the newest of a range, so
 * it is asked whether the range up to a version holds any that fits: that is true from the wanted version on, and
 * can be bisected. The ranges of pip's report only say where to look first; pip proves each step.
 */
import { allowsVersion, compareVersions } from "../../code/python_versions.ts";
import { versionIn } from "../tools.ts";
import type { Resolution, Resolved } from "../tools.ts";

export interface Nearing {
  name: string;
  /** The old pin; undefined for a range, which stays as found: a build takes the newest of it anyway. */
  pin: string | undefined;
  /** What other projects ask this one to be, such as `>=0.21.2`. */
  ranges: readonly string[];
  /** Every version of the project that can be installed. */
  versions(): Promise<readonly string[]>;
  /** pip's answer with this specifier for the project; undefined when no question is left. */
  resolve(specifier: string): Promise<Resolution | undefined>;
}

/**
 * @param found a resolution with a newer version than the pin; one with an older one is given back, since pip
 * takes the newest and that is the nearest below
 * @returns the nearest resolution that was proven before the questions ran out or pip gave no answer
 */
export async function nearest(found: Resolved, nearing: Nearing): Promise<Resolved> {
  const { name, pin } = nearing;
  let best = versionIn(found, name);
  if (pin === undefined || best === undefined || compareVersions(best, pin) <= 0) return found;
  // What resolves is worth more than what is nearer: a question without an answer ends the search, not the repair.
  const listed = await nearing.versions().catch((): string[] => []);
  // Pre-releases are not what a pin moves to by itself.
  const versions = listed.filter((version) => /^\d+(?:\.\d+)*$/.test(version)).sort(compareVersions);
  let below = pin;
  let { ranges } = nearing;
  for (let isFirst = true;; isFirst = false) {
    const limit: string = best;
    const between = versions.filter((version) =>
      compareVersions(version, below) > 0 && compareVersions(version, limit) < 0
    );
    const allowed = between.filter((version) => ranges.every((range) => allowsVersion(range, version)));
    const upTo = allowed.length === 0 ? between.at(-1) : allowed[isFirst ? 0 : allowed.length >> 1];
    if (upTo === undefined) return found;
    const answer = await nearing.resolve(`>=${below},<=${upTo}`).catch(() => undefined);
    if (answer === undefined) return found;
    const version = answer.ok ? versionIn(answer, name) : undefined;
    if (!answer.ok || version === undefined || compareVersions(version, below) <= 0) {
      below = upTo;
      continue;
    }
    found = answer;
    best = version;
    // The report was not the whole story.
    if (allowed.length === 0) ranges = [];
  }
}
