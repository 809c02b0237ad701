/**
 * Moves as few pins as possible out of a conflict. A pin that stands outside what others ask for comes first, then
 * each pin that the conflict names, upwards within its minor version, then its major version; pip says whether the
 * whole then resolves. A pair is tried only when no single one is enough. Of what resolves, the version nearest to
 * the old pin is pinned again, in place: nothing is removed, comments and order stay.
 */
import { allowsVersion } from "../../code/python_versions.ts";
import {
  normalName,
  parseRequirement,
  parseRequirements,
  pinOf,
  withSpecifier,
} from "../../code/requirements.ts";
import type { Requirement } from "../../code/requirements.ts";
import { none, patch } from "../remedy.ts";
import type { FixContext } from "../remedy.ts";
import {
  constraintFiles,
  constraintLines,
  leftOutOf,
  leftOutText,
  whyTheyResolve,
} from "../python_constraints.ts";
import { pythonVersionOf, requirementFiles, requirementLines } from "../python_project.ts";
import { nearest } from "./python_nearest.ts";
import { pipResolve, pipVersions, versionIn } from "../tools.ts";
import type { Resolution, Resolved } from "../tools.ts";
import type { Proposal } from "../../messages.ts";

/** Questions to pip in one repair until something resolves. */
export const RESOLVES_MAX = 18;
/** Further questions, to find the nearest of what resolves; 2 where pip's report names the range. */
const NARROWING_MAX = 12;
/** Milliseconds after which no further question is begun; the fixer itself has 300 s. */
const RESOLVING_MS_MAX = 180_000;
/** Pins that are looked at; a conflict names few. */
const PINS_MAX = 6;

interface Pin {
  path: string;
  requirement: Requirement;
  /** The line as `requirementLines` or `constraintLines` gives it. */
  line: string;
  isConstraint: boolean;
}
interface Move {
  pin: Pin;
  /** Instead of the pin's specifier while pip looks for a version. */
  specifier: string;
}

export async function movePins(context: FixContext): Promise<Proposal> {
  const files = await requirementFiles(context);
  if (files.length === 0) return none("the build command installs no requirements file of the commit");
  const lines = await requirementLines(context, files);
  const constraints = await constraintLines(context);
  const python = await pythonVersionOf(context);
  const startedAt = performance.now();
  let asked = 0;
  let askedMax = RESOLVES_MAX;
  const resolve = async (moves: readonly Move[]): Promise<Resolution | undefined> => {
    if (++asked > askedMax || performance.now() - startedAt > RESOLVING_MS_MAX) return undefined;
    const changed = (all: readonly string[], isConstraint: boolean) =>
      all.map((line) => {
        const move = moves.find(({ pin }) => pin.line === line && pin.isConstraint === isConstraint);
        const parsed = move === undefined ? undefined : parseRequirement(line);
        return move === undefined || parsed === undefined
          ? line
          : `${parsed.name}${parsed.extras}${move.specifier}${parsed.tail}`;
      });
    return await pipResolve(context.ask, changed(lines, false), python, [], changed(constraints, true));
  };
  /** Proposes the nearest versions with which these moves resolve, one pin after the other. */
  const settle = async (moves: readonly Move[], found: Resolved): Promise<Proposal> => {
    asked = 0;
    askedMax = NARROWING_MAX;
    let settled = [...moves];
    for (const { pin } of moves) {
      const { name } = pin.requirement;
      const at = (specifier: string) => settled.map((move) => move.pin === pin ? { pin, specifier } : move);
      found = await nearest(found, {
        name,
        pin: pinOf(pin.requirement),
        ranges: needs.filter((need) => need.name === normalName(name)).map(({ range }) => range),
        versions: () => pipVersions(context.ask, name, python, { wheelsOnly: true }),
        resolve: (specifier) => resolve(at(specifier)),
      });
      const version = versionIn(found, name);
      if (version !== undefined) settled = at(`==${version}`);
    }
    const left = leftOutText(await leftOutOf(context, files));
    return await proposal(context, moves.map(({ pin }) => pin), found, left);
  };
  /** The first of these moves, each of one pin, with which everything resolves. */
  const tryOne = async (
    pins: readonly Pin[],
    loosenings: readonly Loosen[],
  ): Promise<Proposal | undefined> => {
    for (const loosen of loosenings) {
      for (const pin of pins) {
        const specifier = loosen(pin.requirement);
        if (specifier === undefined) continue;
        const resolution = await resolve([{ pin, specifier }]);
        if (resolution?.ok) return await settle([{ pin, specifier }], resolution);
      }
    }
    return undefined;
  };

  const first = await resolve([]);
  if (first === undefined) return none("pip was not asked");
  if (first.ok) return none(await whyTheyResolve(context, files));
  const named = namedIn(first.conflict);
  const pins = [
    ...await pinsOf(context, files, named),
    ...await pinsOf(context, await constraintFiles(context), named, true),
  ].toSorted((a, b) => Number(isExact(b)) - Number(isExact(a))).slice(0, PINS_MAX);
  if (pins.length === 0) return none("no pin of the requirements files is part of the conflict");

  const needs = needsIn(first.conflict);
  const outside = pins.filter(({ requirement }) => isOutside(requirement, needs));
  const others = pins.filter((pin) => !outside.includes(pin));
  // What pip's report points at is asked first: most conflicts end here, after one question.
  const pointed = outside.length === 1 ? await tryOne(outside, [withinMinor, withinMajor]) : undefined;
  if (pointed !== undefined) return pointed;

  // Where even all of them together would not help, no question about fewer is worth asking.
  const hopeful = await resolve(pins.map((pin) => ({ pin, specifier: "" })));
  if (!hopeful?.ok) return none(`moving ${listOf(pins)} does not resolve the conflict`);

  const ordered = [...outside, ...others];
  const single = await tryOne(outside, outside.length === 1 ? [upwards, freely] : LOOSENINGS) ??
    await tryOne(others, LOOSENINGS);
  if (single !== undefined) return single;
  for (const [at, one] of ordered.entries()) {
    for (const other of ordered.slice(at + 1)) {
      for (const loosen of [withinMajor, freely]) {
        const moves = [one, other].map((pin) => ({ pin, specifier: loosen(pin.requirement) ?? "" }));
        const resolution = await resolve(moves);
        if (resolution?.ok) return await settle(moves, resolution);
      }
    }
  }
  return none(`moving one or two of ${listOf(ordered)} does not resolve the conflict`);
}

const listOf = (pins: readonly Pin[]) => pins.map((pin) => pin.requirement.name).join(", ");

type Loosen = (requirement: Requirement) => string | undefined;

/** `==1.4.2` becomes `>=1.4.2,<1.5`. */
function withinMinor(requirement: Requirement): string | undefined {
  const pin = pinOf(requirement);
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(pin ?? "") ?? [];
  return pin === undefined || minor === undefined || pin.includes("*")
    ? undefined
    : `>=${pin},<${major}.${Number(minor) + 1}`;
}
/** `==1.4.2` becomes `>=1.4.2,<2`. */
function withinMajor(requirement: Requirement): string | undefined {
  const pin = pinOf(requirement);
  const major = /^(\d+)/.exec(pin ?? "")?.[1];
  return pin === undefined || major === undefined || pin.includes("*")
    ? undefined
    : `>=${pin},<${Number(major) + 1}`;
}
function upwards(requirement: Requirement): string | undefined {
  const pin = pinOf(requirement);
  if (pin !== undefined) return pin.includes("*") ? undefined : `>=${pin}`;
  const lower = /(?:>=|~=)\s*([^\s,]+)/.exec(requirement.specifier)?.[1];
  return lower === undefined ? undefined : `>=${lower}`;
}
const freely = (_requirement: Requirement): string | undefined => "";
/** Closest first. */
const LOOSENINGS: readonly Loosen[] = [withinMinor, withinMajor, upwards, freely];

/** Every project that the conflict report names. */
function namedIn(conflict: string): Set<string> {
  const names = new Set<string>();
  for (
    const found of conflict.matchAll(
      /([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]\n]{0,100}\])?\s*(?:[=<>!~]=?|\d[\w.+!-]* depends on)/g,
    )
  ) names.add(normalName(found[1]!));
  for (const found of conflict.matchAll(/depends on ([A-Za-z0-9][A-Za-z0-9._-]*)/g)) {
    names.add(normalName(found[1]!));
  }
  for (const found of conflict.matchAll(/The user requested ([A-Za-z0-9][A-Za-z0-9._-]*)/g)) {
    names.add(normalName(found[1]!));
  }
  return names;
}

/** What pip says that projects are asked to be, by `Y 2.0 depends on X<3 and >=2`. */
function needsIn(conflict: string): { name: string; range: string }[] {
  return [...conflict.matchAll(
    /depends on ([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]\n]{0,100}\])? ?([=<>!~][^\n;]{0,200})?/g,
  )].map((found) => ({
    name: normalName(found[1]!),
    range: (found[2] ?? "").replaceAll(" and ", ",").replaceAll(" ", ""),
  }));
}

/** Whether an exact pin lies outside of what another project needs. */
function isOutside(requirement: Requirement, needs: readonly { name: string; range: string }[]): boolean {
  const pin = pinOf(requirement);
  const name = normalName(requirement.name);
  return pin !== undefined && needs.some((need) => need.name === name && !allowsVersion(need.range, pin));
}

async function pinsOf(
  context: FixContext,
  files: readonly string[],
  names: ReadonlySet<string>,
  isConstraint = false,
): Promise<Pin[]> {
  const pins: Pin[] = [];
  for (const path of files) {
    const text = await context.view.read(path) ?? "";
    const lines = text.split(/\r?\n/);
    for (const requirement of parseRequirements(text)) {
      if (requirement.specifier === "" || !names.has(normalName(requirement.name))) continue;
      pins.push({ path, requirement, line: lines[requirement.line]!.trim(), isConstraint });
    }
  }
  return pins;
}

/** Exact pins come before ranges: a range says what its author thought about. */
const isExact = ({ requirement }: Pin) => pinOf(requirement) !== undefined;

async function proposal(
  context: FixContext,
  pins: readonly Pin[],
  resolution: Resolved,
  left: string,
): Promise<Proposal> {
  const texts = new Map<string, string>();
  const moves: string[] = [];
  let isMajor = false;
  for (const { path, requirement, isConstraint } of pins) {
    const version = versionIn(resolution, requirement.name);
    if (version === undefined || !/^[\w.+!-]+$/.test(version)) {
      return none(`pip does not say which ${requirement.name} fits`);
    }
    const pin = pinOf(requirement);
    const specifier = pin === undefined
      ? `>=${version},<${Number.parseInt(version, 10) + 1}`
      : `==${version}`;
    isMajor ||= (pin ?? "").split(".", 1)[0] !== version.split(".", 1)[0];
    const text = texts.get(path) ?? await context.view.read(path) ?? "";
    texts.set(path, withSpecifier(text, requirement, specifier));
    const where = isConstraint ? ` in ${path}` : "";
    moves.push(`${requirement.name} from ${requirement.specifier} to ${specifier}${where}`);
  }
  const edits = [...texts].map(([path, content]) => ({ path, content }));
  return patch(
    edits,
    `Move ${moves.join(" and ")}, so that the requirements can be installed together${left}`,
    isMajor ? "medium" : "low",
  );
}
