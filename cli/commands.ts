/**
 * Every command by its name. A command's module is loaded when it is run and not before, so that `--help` and
 * a short command do not pay for the others.
 */
import type { RunCommand } from "./command.ts";

export interface CommandEntry {
  /** One line for the overview. */
  summary: string;
  load: () => Promise<RunCommand>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  once: {
    summary: "Check services once and heal what is broken",
    load: async () => (await import("./once.ts")).onceCommand,
  },
  reconcile: {
    summary: "Keep services in their desired state until stopped",
    load: async () => (await import("./reconcile.ts")).reconcileCommand,
  },
  resume: {
    summary: "Make Evenkeel go on with services that stalled",
    load: async () => (await import("./resume.ts")).resumeCommand,
  },
  demo: {
    summary: "Break three services in a local Render and watch them being healed",
    load: async () => (await import("./demo.ts")).demoCommand,
  },
  scenario: {
    summary: "Heal a service with real packages and compare with what is expected",
    load: async () => (await import("./scenario.ts")).scenarioCommand,
  },
  drydock: {
    summary: "Run a local stand-in for Render's API",
    load: async () => (await import("./drydock.ts")).drydockCommand,
  },
  diagnose: {
    summary: "Name the cause of a failed build or start from its log",
    load: async () => (await import("./diagnose.ts")).diagnoseCommand,
  },
  unknowns: {
    summary: "List failures whose cause was not known, grouped and counted",
    load: async () => (await import("./unknowns.ts")).unknownsCommand,
  },
  learned: {
    summary: "Show what was learned about causes and remedies",
    load: async () => (await import("./learned.ts")).learnedCommand,
  },
  advise: {
    summary: "Show what the optimizer recommends, with its figures",
    load: async () => (await import("./advise.ts")).adviseCommand,
  },
  forget: {
    summary: "Delete what was learned about a cause or from a service",
    load: async () => (await import("./forget.ts")).forgetCommand,
  },
  sessions: {
    summary: "List the sessions of the data folder",
    load: async () => (await import("./sessions.ts")).sessionsCommand,
  },
  session: {
    summary: "Tell what one session did, and why",
    load: async () => (await import("./session.ts")).sessionCommand,
  },
  restore: {
    summary: "Put the copy of a damaged store in its place",
    load: async () => (await import("./restore.ts")).restoreCommand,
  },
  policy: {
    summary: "Show the guardrails in force",
    load: async () => (await import("./policy.ts")).policyCommand,
  },
  schema: {
    summary: "Print the JSON schema of evenkeel.yaml",
    load: async () => (await import("./schema.ts")).schemaCommand,
  },
  version: {
    summary: "Print the version",
    load: async () => (await import("./version.ts")).versionCommand,
  },
};
