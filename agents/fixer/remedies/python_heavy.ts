/**
 * Repairs of a build that large scientific packages make fail: take out those that nothing imports, move the rest to
 * versions that have a wheel for this Python, and propose a smaller set only then. What the code imports stays;
 * what another package may use without our seeing it stays too.
 */
import { HEAVY, heavyDistribution } from "../../code/heavy_python.ts";
import { compareVersions, versionNumbers } from "../../code/python_versions.ts";
import {
  normalName,
  parseRequirements,
  pinOf,
  withoutRequirements,
  withSpecifier,
} from "../../code/requirements.ts";
import type { Requirement } from "../../code/requirements.ts";
import type { Proposal } from "../../messages.ts";
import { leftOutOf, leftOutText, resolveLines } from "../python_constraints.ts";
import { pythonVersionOf, requirementFiles, requirementLines } from "../python_project.ts";
import { placesOf, usageOf } from "../python_usage.ts";
import { none, patch } from "../remedy.ts";
import type { FixContext, Remedy } from "../remedy.ts";
import { pipVersions } from "../tools.ts";
import type { Resolved } from "../tools.ts";

/** Heavy requirements looked at. */
const HEAVY_MAX = 30;

/** Extras that serve those who develop a package, not those who run it. */
const DEVELOPERS_EXTRA =
  /^(?:tests?|testing|dev|develop|development|docs?|documentation|lint|linting|typing|types|mypy|bench|benchmarks?|ci|qa|style|quality|build|release)$/i;

/** What packages load when it is there, whether or not their metadata says so. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  "dask": ["numpy", "pandas", "pyarrow"],
  "keras": ["tensorflow", "tensorflow-cpu", "torch", "jax"],
  "networkx": ["matplotlib", "numpy", "pandas", "scipy"],
  "pandas": ["matplotlib", "numba", "pyarrow", "scipy", "tables"],
  "polars": ["numpy", "pandas", "pyarrow"],
  "scikit-learn": ["matplotlib", "pandas"],
  "sentence-transformers": ["onnxruntime", "torch"],
  "spacy": ["torch"],
  "transformers": ["jax", "numpy", "onnxruntime", "tensorflow", "tensorflow-cpu", "torch"],
};

interface Heavy {
  path: string;
  requirement: Requirement;
  name: string;
  modules: readonly string[];
}

async function heavyRequirements(context: FixContext, files: readonly string[]): Promise<Heavy[]> {
  const found: Heavy[] = [];
  for (const path of files) {
    for (const requirement of parseRequirements(await context.view.read(path) ?? "")) {
      const name = normalName(requirement.name);
      const modules = heavyDistribution(name)?.modules;
      if (modules !== undefined) found.push({ path, requirement, name, modules });
    }
  }
  return found.slice(0, HEAVY_MAX);
}

const listOf = (all: readonly Heavy[]) => all.map(({ requirement }) => requirement.name).join(", ");

/** The files with some requirements taken out, beginning from texts that were changed before. */
async function without(
  context: FixContext,
  dropped: readonly Heavy[],
  texts: ReadonlyMap<string, string> = new Map(),
) {
  const edits = [];
  for (const path of new Set([...texts.keys(), ...dropped.map((each) => each.path)])) {
    const text = texts.get(path) ?? await context.view.read(path) ?? "";
    const gone = dropped.filter((each) => each.path === path).map((each) => each.requirement);
    edits.push({ path, content: withoutRequirements(text, gone) });
  }
  return edits;
}

/** The requirement lines that are left when some names are taken out. */
function linesWithout(lines: readonly string[], names: ReadonlySet<string>): string[] {
  return lines.filter((line) => !parseRequirements(line).some(({ name }) => names.has(normalName(name))));
}

async function dropUnused(context: FixContext): Promise<Proposal> {
  const files = await requirementFiles(context);
  const heavy = await heavyRequirements(context, files);
  if (heavy.length === 0) return none("no large package is among the requirements");
  const usage = await usageOf(context);
  if (usage.blind !== null) return none(`what is imported cannot be known: ${usage.blind}`);
  const kept: string[] = [];
  const unused = heavy.filter(({ name, modules }) => {
    const sites = usage.importsOf(modules);
    const place = sites.length > 0 ? placesOf(sites, 1) : usage.namedIn([...modules, name]);
    if (place !== undefined) kept.push(`${name} is used in ${place}`);
    return place === undefined;
  });
  if (unused.length === 0) return none(`every large package is used: ${kept.join("; ")}`);

  const python = await pythonVersionOf(context);
  const lines = await requirementLines(context, files);
  const names = new Set(unused.map(({ name }) => name));
  const rest = linesWithout(lines, names);
  const used = heavy.filter(({ name }) => !names.has(name));
  // What stays may itself have no wheel: it moves in the same change, for neither half heals alone.
  const first = await installable(context, rest, used, python, [...names]);
  if (first === null) return none("the other requirements cannot be installed together");
  const listed = new Set(parseRequirements(rest.join("\n")).map(({ name }) => normalName(name)));
  const dropped = unused.filter(({ name }) => {
    const mention = first.resolution.mentions.find(({ of, extra }) =>
      of === name && (extra === null || !DEVELOPERS_EXTRA.test(extra))
    );
    const companion = Object.entries(COMPANIONS).find(([by, all]) => listed.has(by) && all.includes(name));
    const by = mention?.by ?? companion?.[0];
    if (by !== undefined) kept.push(`${by} may use ${name}`);
    return by === undefined;
  });
  if (dropped.length === 0) return none(`no large package can be told to be unused: ${kept.join("; ")}`);
  let { moved } = first;
  if (moved.length > 0 && dropped.length < unused.length) {
    const gone = new Set(dropped.map(({ name }) => name));
    const staying = heavy.filter(({ name }) => !gone.has(name));
    const second = await installable(context, linesWithout(lines, gone), staying, python);
    if (second === null) return none("the other requirements cannot be installed together");
    moved = second.moved;
  }
  const texts = await movedTexts(context, moved);
  const taken = `Take out ${
    listOf(dropped)
  }, which no file of the repository imports and no other requirement mentions`;
  return patch(
    await without(context, dropped, texts),
    (moved.length === 0 ? taken : `${taken}; ${movesText(moved, python).replace(/^M/, "m")}`) +
      leftOutText(await leftOutOf(context, files)),
    "medium",
  );
}

interface Moved {
  heavy: Heavy;
  pin: string;
  version: string;
}

type Wheels = { kind: "moved"; moved: Moved[]; resolution: Resolved } | { kind: "none"; why: string };

/** How some requirements can be installed: with the large pins that have no wheel moved, else as they are. */
async function installable(
  context: FixContext,
  lines: readonly string[],
  heavy: readonly Heavy[],
  python: string | null,
  mentionsOf: readonly string[] = [],
): Promise<{ resolution: Resolved; moved: Moved[] } | null> {
  // First the wheels: nothing is resolved from sources, so a pin without one would end it all.
  const wheels = await wheelMoves(context, lines, heavy, python, mentionsOf);
  if (wheels.kind === "moved") return wheels;
  const resolution = await resolveLines(context, lines, python, mentionsOf);
  return resolution.ok ? { resolution, moved: [] } : null;
}

/** Versions to try for a pin without a wheel, the least change first; newest first within each. */
function candidatesFor(pin: string, versions: readonly string[]): string[] {
  const released = versions.filter((version) => /^\d+(?:\.\d+)*$/.test(version));
  const above = released.filter((version) => compareVersions(version, pin) >= 0);
  const nearest = above.at(-1);
  const [major, minor] = versionNumbers(nearest ?? pin);
  const series = above.find((version) => {
    const numbers = versionNumbers(version);
    return numbers[0] === major && numbers[1] === minor;
  });
  const sameMajor = above.find((version) => versionNumbers(version)[0] === versionNumbers(pin)[0]);
  return [...new Set([series, sameMajor, above[0], released[0]].filter((each) => each !== undefined))];
}

async function useWheels(context: FixContext): Promise<Proposal> {
  const files = await requirementFiles(context);
  const python = await pythonVersionOf(context);
  const lines = await requirementLines(context, files);
  const wheels = await wheelMoves(context, lines, await heavyRequirements(context, files), python);
  if (wheels.kind === "none") return none(wheels.why);
  const isMajor = wheels.moved.some(({ pin, version }) =>
    versionNumbers(pin)[0] !== versionNumbers(version)[0]
  );
  return patch(
    [...await movedTexts(context, wheels.moved)].map(([path, content]) => ({ path, content })),
    movesText(wheels.moved, python) + leftOutText(await leftOutOf(context, files)),
    isMajor ? "medium" : "low",
  );
}

/** The large pins without a wheel, and versions with one that fit the other lines. */
async function wheelMoves(
  context: FixContext,
  lines: readonly string[],
  heavies: readonly Heavy[],
  python: string | null,
  mentionsOf: readonly string[] = [],
): Promise<Wheels> {
  const moves: { heavy: Heavy; pin: string; candidates: string[] }[] = [];
  for (const heavy of heavies) {
    const pin = pinOf(heavy.requirement);
    if (pin === undefined) continue;
    const versions = await pipVersions(context.ask, heavy.requirement.name, python, { wheelsOnly: true });
    if (versions.some((version) => compareVersions(version, pin) === 0)) continue;
    const candidates = candidatesFor(pin, versions);
    if (candidates.length === 0) {
      const why = `no version of ${heavy.requirement.name} has a wheel for ${pythonText(python)}`;
      return { kind: "none", why };
    }
    moves.push({ heavy, pin, candidates });
  }
  if (moves.length === 0) {
    return { kind: "none", why: "every pinned large package has a wheel for this Python" };
  }
  const rounds = Math.max(...moves.map(({ candidates }) => candidates.length));
  for (let round = 0; round < rounds; round++) {
    const moved: Moved[] = moves.map(({ heavy, pin, candidates }) => ({
      heavy,
      pin,
      version: candidates[Math.min(round, candidates.length - 1)]!,
    }));
    const changed = lines.map((line) => {
      const requirement = parseRequirements(line)[0];
      const move = moved.find(({ heavy }) =>
        requirement !== undefined && heavy.name === normalName(requirement.name)
      );
      return move === undefined || requirement === undefined
        ? line
        : withSpecifier(line, requirement, `==${move.version}`);
    });
    const resolution = await resolveLines(context, changed, python, mentionsOf);
    if (resolution.ok) return { kind: "moved", moved, resolution };
  }
  const why = `versions of ${listOf(moves.map(({ heavy }) => heavy))} with wheels do not fit the other pins`;
  return { kind: "none", why };
}

async function movedTexts(context: FixContext, moved: readonly Moved[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const { heavy: { path, requirement }, version } of moved) {
    const text = texts.get(path) ?? await context.view.read(path) ?? "";
    texts.set(path, withSpecifier(text, requirement, `==${version}`));
  }
  return texts;
}

function movesText(moved: readonly Moved[], python: string | null): string {
  const said = moved.map(({ heavy, pin, version }) => `${heavy.requirement.name} from ${pin} to ${version}`);
  return `Move ${said.join(" and ")}, which ${said.length === 1 ? "has a wheel" : "have wheels"} for ${
    pythonText(python)
  }, so that nothing is built from source`;
}

const pythonText = (python: string | null) => python === null ? "this Python" : `Python ${python}`;

/**
 * A proposal for a person: its risk lies above what is applied unless the policy says otherwise. It goes by what the
 * code can do without, not by what else would heal: that nothing else does is why a last resort is asked.
 */
async function smallerSet(context: FixContext): Promise<Proposal> {
  const files = await requirementFiles(context);
  const usage = await usageOf(context);
  if (usage.blind !== null) return none(`what is imported cannot be known: ${usage.blind}`);
  const texts = new Map<string, string>();
  const said: string[] = [];
  const dropped: Heavy[] = [];
  for (const heavy of await heavyRequirements(context, files)) {
    const { path, requirement, name, modules } = heavy;
    const sites = usage.importsOf(modules);
    const smaller = HEAVY[name]?.smaller;
    if (sites.length > 0 && sites.every((site) => site.isOptional)) {
      dropped.push(heavy);
      said.push(`take out ${requirement.name}, imported only optionally (${placesOf(sites)})`);
    } else if (smaller !== undefined) {
      const text = texts.get(path) ?? await context.view.read(path) ?? "";
      texts.set(path, withSpecifier(text, { ...requirement, name: smaller }, requirement.specifier));
      said.push(`install ${smaller} instead of ${requirement.name}`);
    }
  }
  if (said.length === 0) return none("there is no smaller set with the same modules");
  const words = said.join("; ");
  return patch(
    await without(context, dropped, texts),
    words.charAt(0).toUpperCase() + words.slice(1),
    "high",
  );
}

const causes = ["heavy-dependencies", "build-timeout"];

export const pythonHeavyRemedies: readonly Remedy[] = [
  { id: "python/drop-unused", kind: "patch", risk: "medium", causes, propose: dropUnused },
  { id: "python/use-wheels", kind: "patch", risk: "low", causes, propose: useWheels },
  { id: "python/smaller-set", kind: "patch", risk: "high", causes, isLastResort: true, propose: smallerSet },
];
