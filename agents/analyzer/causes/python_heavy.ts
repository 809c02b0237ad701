/**
 * A build that large scientific packages make fail: built from source for want of a wheel, killed for memory or disk
 * while they were installed, or ended by the platform's time limit. Elsewhere the same lines mean other things:
 * what pip said it was doing decides.
 */
import { heavyDistribution } from "../../code/heavy_python.ts";
import { normalName, parseRequirements } from "../../code/requirements.ts";
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding, Verdict } from "../catalogue.ts";
import { BUILD, sign } from "./lines.ts";

/** Lines above a failure that are searched for what was being installed. */
const LINES_SEARCHED = 400;

/** pip's ways to say which package it could not build; the list form names several. */
const UNBUILT_SIGNS = [
  sign("Failed building wheel for", /Failed building wheel for (?<package>[A-Za-z0-9][\w.-]*)/, 0.88),
  sign(
    "Could not build wheels for",
    /Could not build wheels for (?<packages>[A-Za-z0-9][\w.,\s-]*?)(?:, which|$)/,
    0.88,
  ),
  sign(
    "Failed to build installable wheels",
    /Failed to build installable wheels for .{0,80}\((?<packages>[\w.,\s-]+)\)/,
    0.88,
  ),
  sign("Failed to build '", /Failed to build '(?<package>[A-Za-z0-9][\w.-]*?)(?:[=<>!~][^']*)?' when/, 0.88),
  sign(
    "Encountered error while generating package metadata",
    /Encountered error while generating package metadata/,
    0.8,
  ),
];
const KILLED_SIGNS = [
  sign("Killed", /(?:^|\s)Killed(?:\s+.{0,20}\bpip|\s*$)/, 0.85),
  sign("ut of memory (used over", /[Oo]ut of memory \(used over (?<limit>[\w.]+)\)/, 0.96),
  sign("No space left on device", /No space left on device/, 0.88),
  sign("status 137", /Exited with status 137/, 0.88),
];
/** What tools say of a program that was killed while they built, for want of memory as a rule. */
const KILLED_IN_BUILD =
  /exit (?:code|status):? -9\b|Killed signal terminated program|signal 9 \(SIGKILL\)|[Oo]ut of memory \(used over|^MemoryError|Cannot allocate memory|oomKilled/;
const TIMEOUT_SIGNS = [
  sign("Timed Out", /==> Timed Out/, 0.9),
  sign("timedOutSeconds", /build_ended: .{0,400}"timedOutSeconds":\s*(?<limit>\d+)/, 0.9),
];

/** What pip was at, above a line: the last steps first. */
function stepsAbove(finding: Finding, { lines }: Context): { step: string; name: string }[] {
  const steps: { step: string; name: string }[] = [];
  for (let at = finding.at; at >= Math.max(0, finding.at - LINES_SEARCHED); at--) {
    const found =
      /^\s*(?:#\d+ [\d.]+ )?\s*(Collecting|Building wheels? for|Downloading|Installing collected packages:|Preparing metadata|error: metadata-generation-failed)\s?([A-Za-z0-9][A-Za-z0-9._-]*)?/
        .exec(lines[at]!.slice(0, 500));
    if (found === null) continue;
    steps.push({ step: found[1]!, name: (found[2] ?? "").replace(/-\d[\w.]*-.*$/, "") });
  }
  return steps;
}

const heavyNames = (
  names: readonly string[],
) => [...new Set(names.map(normalName).filter((name) => heavyDistribution(name) !== undefined))];

/** The large packages that the commit's requirements files list. */
function listedHeavy({ repository }: Context): string[] {
  return heavyNames(
    Object.entries(repository?.files ?? {}).filter(([path]) =>
      /requirements[^/]*\.txt$|requirements\/[^/]*\.txt$/.test(path)
    )
      .flatMap(([, text]) => parseRequirements(text).map(({ name }) => name)),
  );
}

function decideHeavy(finding: Finding, context: Context): Verdict {
  const line = context.lines[finding.at] ?? "";
  const { package: name, packages } = finding.captures;
  const steps = stepsAbove(finding, context);
  const isUnbuilt = UNBUILT_SIGNS.some(({ literal }) => line.includes(literal));
  const named = [name ?? "", ...(packages ?? "").split(/[,\s]+/)].filter((each) => each !== "");
  if (isUnbuilt) {
    const failed = named.length > 0 ? named : [steps.find(({ step }) => step === "Collecting")?.name ?? ""];
    const heavy = heavyNames(failed);
    if (heavy.length === 0) return reject("what could not be built is no large package");
    const about = context.lines.slice(Math.max(0, finding.at - LINES_SEARCHED));
    const isKilled = about.some((each) => KILLED_IN_BUILD.test(each.slice(0, 500)));
    return accept(undefined, { packages: heavy.join(", "), why: isKilled ? "memory" : "source" });
  }
  if (steps.length === 0) return reject("no Python package was being installed");
  const seen = heavyNames(steps.map((step) => step.name));
  const heavy = seen.length > 0 ? seen : listedHeavy(context);
  if (heavy.length === 0) return reject("no large package was being installed");
  const isTimeout = TIMEOUT_SIGNS.some(({ literal }) => line.includes(literal));
  if (isTimeout) {
    // Only what is being built is known to take the time; anything else is a time-out like any other.
    const [last] = steps;
    const isBuilding = /^(?:Building|Preparing|Collecting|Downloading)/.test(last?.step ?? "") &&
      heavyNames(steps.slice(0, 2).map((step) => step.name)).length > 0;
    return isBuilding
      ? accept(0.92, { packages: heavy.join(", "), why: "time" })
      : reject("the packages were ready when the time was over");
  }
  return accept(undefined, {
    packages: heavy.slice(0, 6).join(", "),
    why: "memory",
  });
}

/** What `why` stands for. */
const WHYS: Readonly<Record<string, string>> = {
  source: "fails, for want of a wheel it starts from source",
  memory: "needs more memory or disk than there is",
  time: "takes longer than the platform allows",
};

export const pythonHeavyCauses: readonly Cause[] = [
  {
    slug: "heavy-dependencies",
    phases: BUILD,
    severity: "cause",
    redeployMayCure: false,
    signs: [...UNBUILT_SIGNS, ...KILLED_SIGNS, ...TIMEOUT_SIGNS],
    decide: decideHeavy,
    explain: ({ packages = "", why = "" }) => `The build of ${packages} ${WHYS[why] ?? "fails"}.`,
    identity: ["packages"],
    remedies: [
      "python/drop-unused",
      "python/use-wheels",
      "python/split-layers",
      "python/split-install",
      "python/smaller-set",
    ],
    examples: [
      "  ERROR: Failed building wheel for pandas",
      "ERROR: Could not build wheels for numpy, scipy, which is required to install pyproject.toml-based projects",
    ],
  },
  {
    slug: "build-timeout",
    phases: BUILD,
    severity: "cause",
    redeployMayCure: true,
    signs: TIMEOUT_SIGNS,
    decide: (finding, context) =>
      finding.phase === null && context.lines.some((line) => /running on|listening|No open ports/i.test(line))
        ? reject("the program was started already")
        : accept(),
    explain: () => "The build took longer than the platform allows.",
    identity: [],
    remedies: [
      "python/drop-unused",
      "python/use-wheels",
      "python/split-layers",
      "python/split-install",
      "python/smaller-set",
    ],
    examples: ["==> Timed Out", 'build_ended: {"failure":{"evicted":false,"timedOutSeconds":7200}}'],
  },
];
