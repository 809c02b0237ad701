/**
 * Follows Render's own `==>` lines (reference section 8): which phase each line belongs to, and what the
 * platform says it used and ran. Fed line by line.
 */
import type { Phase } from "../messages.ts";

export interface Facts {
  pythonVersion: string | null;
  /** `default`, `environment` (an environment variable decides) or `file`. */
  pythonVersionFrom: "default" | "environment" | "file" | null;
  nodeVersion: string | null;
  buildCommand: string | null;
  startCommand: string | null;
  buildSucceeded: boolean;
  isLive: boolean;
  /** A start or platform time-out was reported. */
  hasTimedOut: boolean;
}

const PREFIX = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?\s+/;

export class StepReader {
  readonly facts: Facts = {
    pythonVersion: null,
    pythonVersionFrom: null,
    nodeVersion: null,
    buildCommand: null,
    startCommand: null,
    buildSucceeded: false,
    isLive: false,
    hasTimedOut: false,
  };
  #phase: Phase | null;

  /** @param phase the phase that is known before any line is read */
  constructor(phase: Phase | null) {
    this.#phase = phase;
  }

  /** @returns the phase the line belongs to */
  read(line: string): Phase | null {
    if (!line.includes("==>")) return this.#phase;
    const text = line.replace(PREFIX, "").trimStart();
    if (!text.startsWith("==> ")) return this.#phase;
    const step = text.slice(4);
    const facts = this.facts;
    const runtime = /^Using (Python|Node\.js) version (\d[\w.]*)(.*)/.exec(step);
    if (runtime?.[1] === "Python") {
      facts.pythonVersion = runtime[2] ?? null;
      facts.pythonVersionFrom = runtime[3]?.includes("environment variable")
        ? "environment"
        : runtime[3]?.includes("(default)")
        ? "default"
        : "file";
    } else if (runtime !== null) facts.nodeVersion = runtime[2] ?? null;
    const build = /^Running build command '(.*)'\.{3}/.exec(step)?.[1];
    const start = /^Running '(.*)'$/.exec(step.trimEnd())?.[1];
    if (build !== undefined) facts.buildCommand = build.trim();
    if (start !== undefined) facts.startCommand = start.trim();
    if (/^(?:Cloning from|Checking out|Running build command|Installing |Using )/.test(step)) {
      this.#phase = "build";
    } else if (step.startsWith("Build successful")) {
      facts.buildSucceeded = true;
      this.#phase = "start";
      return "build";
    } else if (step.startsWith("Starting pre-deploy")) this.#phase = "pre-deploy";
    else if (/^(?:Pre-deploy complete|Deploying)/.test(step) || start !== undefined) {
      if (this.#phase !== "run") this.#phase = "start";
    } else if (step.startsWith("Your service is live")) {
      facts.isLive = true;
      this.#phase = "run";
    } else if (step.startsWith("Timed Out") || step.startsWith("Timed out")) facts.hasTimedOut = true;
    return this.#phase;
  }
}
