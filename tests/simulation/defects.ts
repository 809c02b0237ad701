/**
 * What can be wrong with a simulated service, where it shows, what an honest analyzer calls it and what each of its
 * remedies does. The remedies carry ids of the real catalogue, so that the real optimizer orders them.
 */
import type { Tree } from "./git.ts";

export type DefectPhase = "build" | "start" | "run";
/** What a remedy does to a defect: takes it away, nothing, or puts a worse one in its place. */
export type Cure = "cures" | "useless" | "worse" | "setting" | "redeploy";

export interface Defect {
  phase: DefectPhase;
  /** `unknown` for what no analyzer can name. */
  cause: string;
  remedies: readonly { id: string; cure: Cure }[];
  /** Whether an honest Evenkeel can repair it. */
  isRepairable: boolean;
}

const remedy = (id: string, cure: Cure) => ({ id, cure });

export const DEFECTS = {
  missing: {
    phase: "build",
    cause: "sim-missing",
    remedies: [remedy("node/add-dependency", "cures")],
    isRepairable: true,
  },
  pins: {
    phase: "build",
    cause: "sim-pins",
    remedies: [remedy("python/move-pins", "useless"), remedy("python/set-version", "cures")],
    isRepairable: true,
  },
  bind: {
    phase: "start",
    cause: "sim-bind",
    remedies: [remedy("service/bind-flags", "setting"), remedy("service/bind-code", "cures")],
    isRepairable: true,
  },
  crash: {
    phase: "run",
    cause: "sim-crash",
    remedies: [remedy("node/add-script", "cures")],
    isRepairable: true,
  },
  trap: {
    phase: "build",
    cause: "sim-trap",
    remedies: [remedy("python/add-init", "worse")],
    // Once only: what made it worse is never tried again.
    isRepairable: false,
  },
  stone: {
    phase: "build",
    cause: "sim-stone",
    remedies: [remedy("node/add-dependency", "useless"), remedy("python/add-requirement", "useless")],
    isRepairable: false,
  },
  riddle: { phase: "run", cause: "unknown", remedies: [], isRepairable: false },
  /** A root directory that does not exist: a setting, not a file. */
  root: {
    phase: "build",
    cause: "sim-root",
    remedies: [remedy("service/root-dir", "setting")],
    isRepairable: true,
  },
  /** A build that fails for no reason of its own. */
  flake: {
    phase: "build",
    cause: "sim-flake",
    remedies: [remedy("network/redeploy", "redeploy")],
    isRepairable: true,
  },
} as const satisfies Record<string, Defect>;
export type DefectName = keyof typeof DEFECTS;

/** Those that live in a file. */
export const FILE_DEFECTS = ["missing", "pins", "bind", "crash", "trap", "stone", "riddle"] as const;

export interface Settings {
  rootDir: string;
  startCommand: string;
}
export const GOOD_SETTINGS: Settings = { rootDir: "app", startCommand: "run" };
export const BOUND_COMMAND = "run --bind";

/** The defects of a tree under settings, in the order in which they show. */
export function defectsOf(tree: Tree, settings: Settings): { name: DefectName; path: string }[] {
  const found = Object.entries(tree).flatMap(([path, content]) => {
    const name = FILE_DEFECTS.find((one) => content === `defect ${one}`);
    if (name === undefined || (name === "bind" && settings.startCommand === BOUND_COMMAND)) return [];
    return [{ name: name as DefectName, path }];
  });
  if (settings.rootDir !== GOOD_SETTINGS.rootDir) found.unshift({ name: "root", path: settings.rootDir });
  const order: DefectPhase[] = ["build", "start", "run"];
  return found.sort((a, b) =>
    order.indexOf(DEFECTS[a.name].phase) - order.indexOf(DEFECTS[b.name].phase) || (a.path < b.path ? -1 : 1)
  );
}
