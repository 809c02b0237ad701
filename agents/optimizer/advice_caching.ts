/**
 * How the service's build could keep more of what it installed: the order of layers, cache mounts, a lockfile.
 * Every piece names the line of this repository that it is about.
 */
import type { Advice } from "../../state/advice.ts";
import type { BuildFacts, InstallStep } from "../../state/build_facts.ts";
import type { AdviceHistory } from "../messages.ts";
import { figuresOf } from "./step_times.ts";

type Builds = NonNullable<AdviceHistory["service"]>["builds"];

/** Where installers keep what they downloaded, for root in the usual images. */
const CACHES: Readonly<Record<string, string>> = {
  pip: "/root/.cache/pip",
  uv: "/root/.cache/uv",
  poetry: "/root/.cache/pypoetry",
  npm: "/root/.npm",
  yarn: "/usr/local/share/.cache/yarn",
  pnpm: "/root/.local/share/pnpm/store",
};
const LOCKED: Readonly<Record<string, string>> = {
  npm: "npm ci",
  yarn: "yarn install --frozen-lockfile",
  pnpm: "pnpm install --frozen-lockfile",
  uv: "uv sync --locked",
};
/** Pieces of advice about caching, the most useful first. */
const PIECES_MAX = 4;

/** @param builds steps of builds that were seen, newest first */
export function cachingAdvice(facts: BuildFacts, builds: Builds): Advice[] {
  const steps = facts.installs.filter(({ isSystem }) => !isSystem);
  const pieces = steps.flatMap((step) => [
    ...layerOrder(facts, step, builds),
    ...lockfile(facts, step, builds),
    ...cache(facts, step, builds),
  ]);
  const [first] = steps;
  if (pieces.length > 0 || first === undefined) return pieces.slice(0, PIECES_MAX);
  return [{
    kind: "caching",
    recommendation: `Keep how ${placeOf(facts, first)} installs`,
    isInPlace: true,
    figures: figuresOf(first, builds),
    because: [
      ...(first.line === null
        ? []
        : ["It lies before the sources, so that a change of them alone keeps its layer"]),
      ...(first.isLocked ? ["It installs what is locked"] : []),
      ...(first.hasCacheMount ? ["It has a cache mount"] : []),
      ...(first.line === null && !first.refusesCache
        ? ["Nothing in the build command turns the cache off"]
        : []),
    ],
  }];
}

/** The manifest is to be copied, and installed from, before the sources. */
function layerOrder(facts: BuildFacts, step: InstallStep, builds: Builds): Advice[] {
  if (step.line === null || step.sourcesLine === null || facts.needsSources !== null) return [];
  const files = [
    ...(facts.dependencies?.manifests ?? []),
    ...(facts.lockfile === null ? [] : [facts.lockfile]),
  ];
  return [{
    kind: "caching",
    recommendation: `In ${facts.file}, copy ${
      files.length === 0 ? "the manifest" : files.join(" and ")
    } and run line ${step.line} before line ${step.sourcesLine} copies the sources`,
    isInPlace: false,
    figures: figuresOf(step, builds),
    because: [
      `Line ${step.sourcesLine} copies the sources before \`${step.text}\`: each change of a source runs it again`,
      ...(facts.hasIgnoreFile === false
        ? ["There is no .dockerignore, so that every file of the repository counts as a source"]
        : []),
    ],
  }];
}

function lockfile(facts: BuildFacts, step: InstallStep, builds: Builds): Advice[] {
  const { dependencies: set } = facts;
  const figures = figuresOf(step, builds);
  const loose = set === null || set.loose === 0
    ? []
    : [{ name: "not pinned", value: set.loose, unit: `of ${set.packages} packages` }];
  if (step.isLocked) return [];
  if (facts.lockfile !== null) {
    const command = LOCKED[step.program];
    if (command === undefined) return [];
    return [{
      kind: "caching",
      recommendation: `In ${placeOf(facts, step)}, install by the lockfile first: \`${command}\``,
      isInPlace: false,
      figures: [...figures, ...loose],
      because: [`${facts.lockfile} is there, and \`${step.text}\` may install other versions than it names`],
    }];
  }
  if (loose.length === 0 || set === null) return [];
  const manifest = set.manifests.join(", ");
  return [{
    kind: "caching",
    recommendation: LOCKED[step.program] === undefined
      ? `Pin every package of ${manifest} exactly, so that the same file is the same install`
      : `Commit the lockfile of ${manifest} and install by it: \`${LOCKED[step.program]}\``,
    isInPlace: false,
    figures: [...figures, ...loose],
    because: [
      `There is no lockfile, and ${set.loose} of ${set.packages} packages allow more than one version, such as ${
        set.listed.find((one) => !/==|@=?v?\d/.test(one)) ?? set.listed[0] ?? "none"
      }`,
    ],
  }];
}

function cache(facts: BuildFacts, step: InstallStep, builds: Builds): Advice[] {
  const folder = CACHES[step.program];
  if (facts.recipe === "command") {
    if (!step.refusesCache) return [];
    return [{
      kind: "caching",
      recommendation: `In the build command, leave out what turns the cache of ${step.program} off`,
      isInPlace: false,
      figures: figuresOf(step, builds),
      because: [`\`${step.text}\` downloads everything again with each build`],
    }];
  }
  if (step.hasCacheMount || folder === undefined) return [];
  return [{
    kind: "caching",
    recommendation: `In ${placeOf(facts, step)}, mount a cache: \`RUN --mount=type=cache,target=${folder}\`${
      step.refusesCache ? ` and leave out what turns the cache of ${step.program} off` : ""
    }`,
    isInPlace: false,
    figures: figuresOf(step, builds),
    because: [
      `\`${step.text}\` has no cache mount${step.refusesCache ? " and keeps no cache" : ""}`,
      "It helps where the builder keeps mounts between builds; the order of layers does not depend on that",
    ],
  }];
}

function placeOf(facts: BuildFacts, { line }: InstallStep): string {
  return line === null ? "the build command" : `line ${line} of ${facts.file}`;
}
