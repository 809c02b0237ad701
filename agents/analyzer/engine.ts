/**
 * Names the cause of a failure from its log, files and settings. One pass over the sanitised lines: a literal
 * scanner says which patterns to try, whatever the size of the catalogue. The first real error wins over the
 * loudest and the last; symptoms decide only when nothing under them does; `unknown` rather than a guess.
 * Never throws for any log, and its work is bounded by the sanitizer's caps and the limits below.
 */
import { unreachable } from "../../base/errors.ts";
import { fingerprint } from "../../text/fingerprint.ts";
import { createRedactor } from "../../text/redact.ts";
import { sanitizeLine } from "../../text/sanitize.ts";
import type { AnalyzerInput, Diagnosis, Phase } from "../messages.ts";
import type { Captures, Cause, Context, Finding, Severity, Sign, Verdict } from "./catalogue.ts";
import { bareLine, readDockerBuild } from "./docker_build.ts";
import { failureClass } from "./failure_class.ts";
import { LiteralScanner } from "./literals.ts";
import { readLog } from "./log_lines.ts";
import { StepReader } from "./steps.ts";

export const UNKNOWN = "unknown";

export interface EngineLimits {
  /** Matches kept for a sign, half of them the last; an error that repeats says nothing new. @default 6 */
  findingsPerSignMax: number;
  /** Findings kept in all. @default 400 */
  findingsMax: number;
  /** Under this confidence a finding names no cause. @default 0.5 */
  confidenceMin: number;
  /** Lines shown when the cause is unknown. @default 8 */
  excerptLinesMax: number;
  /**
   * Lines over LONG_LINE_CHARS that a sign is tried on: a pattern begins anew wherever a line says its first words
   * again, so that only these could cost more than they are long. @default 40
   */
  longLinesPerSignMax: number;
  /** Causes in the chain. @default 6 */
  chainMax: number;
  /** Rejected causes reported. @default 12 */
  rejectedMax: number;
  /** UTF-16 units of one capture; pip lists every version that it ignored in one. @default 2000 */
  captureCharsMax: number;
}
export const ENGINE_LIMITS: EngineLimits = {
  findingsPerSignMax: 6,
  findingsMax: 400,
  confidenceMin: 0.5,
  excerptLinesMax: 8,
  longLinesPerSignMax: 40,
  chainMax: 6,
  rejectedMax: 12,
  captureCharsMax: 2000,
};

/** UTF-16 units; what a tool says in one line is rarely longer. */
export const LONG_LINE_CHARS = 1000;

/** Confidence of what only the failing step itself says, where the cause names none. */
const STEP_CONFIDENCE = 0.6;

/** Confidence in an error that the step went on after. */
const GONE_PAST_CONFIDENCE_MAX = 0.7;

/** Where a line that only announces a reason has it: the next line that says something. */
function announced(lines: readonly string[], at: number): number {
  if (!/\bcaused by:\s*$/.test(lines[at] ?? "")) return at;
  const next = lines.findIndex((line, index) => index > at && line.trim() !== "");
  return next < 0 ? at : next;
}

/** What a line that reports an error usually holds; for the excerpt only, never for a decision. */
const ERROR_LIKE =
  /\b(?:error|fatal|failed|exception|cannot|denied|not found|panic|traceback|refused|timed out)\b|Error:|ERR!/i;

/**
 * Prepares a catalogue.
 * @returns a function that diagnoses one failure
 */
export function createEngine(catalogue: readonly Cause[], limits: EngineLimits = ENGINE_LIMITS) {
  const signs = catalogue.flatMap((cause, order) => cause.signs.map((sign) => ({ cause, sign, order })));
  const literals = [...new Set(signs.map(({ sign }) => sign.literal))];
  const scanner = new LiteralScanner(literals);
  const signsOf = literals.map((literal) =>
    signs.flatMap(({ sign }, index) => sign.literal === literal ? [index] : [])
  );
  const orderOf = new Map(catalogue.map((cause, order) => [cause, order]));
  const redact = createRedactor([]);

  return function diagnose(input: AnalyzerInput): Diagnosis {
    // The platform's own words come last in time, so they are read as lines that follow the log.
    const raw = input.platformReason === null ? input.log : `${input.log}\n${input.platformReason}`;
    const { lines: shown, numberOf: lineNumber } = readLog(raw);
    const lines = shown.map(bareLine);
    const docker = readDockerBuild(shown, input.settings, input.repository);
    const evidence = (at: number) => ({ line: lineNumber(at), text: redact(sanitizeLine(shown[at] ?? "")) });

    const steps = new StepReader(docker === null ? input.phase : "build");
    const phases: (Phase | null)[] = [];
    const foundBy = new Map<number, Finding[]>();
    const triedOn = new Int32Array(signs.length).fill(-1);
    const longTries = new Int32Array(signs.length);
    for (const [at, line] of lines.entries()) {
      phases.push(steps.read(line));
      // What an earlier step of a container build printed did not stop it.
      if (docker !== null && !docker.contains(at)) continue;
      scanner.scan(line, (literal) => {
        for (const index of signsOf[literal]!) {
          if (triedOn[index] === at) continue;
          triedOn[index] = at;
          if (line.length > LONG_LINE_CHARS && ++longTries[index]! > limits.longLinesPerSignMax) continue;
          const { cause, sign } = signs[index]!;
          const captures = match(sign, line, limits.captureCharsMax);
          if (captures === undefined) continue;
          const kept = foundBy.get(index) ?? [];
          if (kept.length === 0) foundBy.set(index, kept);
          if (kept.length >= limits.findingsPerSignMax) kept.splice(limits.findingsPerSignMax >> 1, 1);
          const { confidence, severity = cause.severity } = sign;
          kept.push({ cause, at, captures, confidence, severity, phase: phases[at] ?? null });
        }
      });
    }
    const found = [...foundBy.values()].flat().sort((a, b) => a.at - b.at).slice(0, limits.findingsMax);

    const { facts } = steps;
    const context: Context = {
      lines,
      docker,
      facts,
      settings: input.settings,
      repository: input.repository,
      rootDir: input.settings?.rootDir.trim().replace(/^\.?\/+|\/+$/g, "") ?? "",
      buildCommand: input.settings?.buildCommand || facts.buildCommand || "",
      startCommand: input.settings?.startCommand || facts.startCommand || "",
    };
    const accepted: Finding[] = [];
    const rejected: { cause: string; why: string }[] = [];
    for (const finding of found) {
      const judged = judge(finding, context);
      if ("why" in judged) rejected.push({ cause: finding.cause.slug, why: judged.why });
      else accepted.push(judged);
    }
    if (docker !== null) {
      for (const cause of catalogue) {
        const verdict = cause.step?.(docker, context);
        if (verdict === undefined) continue;
        if (!verdict.accept) rejected.push({ cause: cause.slug, why: verdict.why });
        else {
          accepted.push({
            cause,
            at: docker.from,
            captures: verdict.captures ?? {},
            confidence: verdict.confidence ?? STEP_CONFIDENCE,
            severity: verdict.severity ?? "symptom",
            phase: "build",
            isOfStep: true,
          });
        }
      }
    }

    const ranked = accepted.filter((finding) => finding.confidence >= limits.confidenceMin).sort((a, b) =>
      tier(a.severity) - tier(b.severity) || (placeOf(a) === placeOf(b) ? 0 : placeOf(a) - placeOf(b)) ||
      b.confidence - a.confidence ||
      orderOf.get(a.cause)! - orderOf.get(b.cause)!
    );
    const root = ranked[0];
    // What came closest is told first.
    const lost = ranked.slice(1).filter(({ cause }) => cause.slug !== root?.cause.slug)
      .map((other) => ({ cause: other.cause.slug, why: whyNot(other, root!, lineNumber) }));
    const weak = accepted.filter(({ confidence }) => confidence < limits.confidenceMin)
      .map(({ cause, confidence }) => ({
        cause: cause.slug,
        why: `confidence ${confidence} is too low to name it`,
      }));
    const others = unique([...lost, ...weak, ...rejected], root?.cause.slug).slice(0, limits.rejectedMax);
    if (root === undefined) {
      return {
        cause: UNKNOWN,
        confidence: 0,
        summary: "The log shows no failure that the catalogue knows.",
        evidence: null,
        chain: [],
        captures: {},
        fingerprint: fingerprint([UNKNOWN]),
        failureClass: failureClass({ slug: UNKNOWN, identity: [] }, {}),
        phase: input.phase ?? phases.findLast((phase) => phase !== null) ?? null,
        redeployMayCure: false,
        rejected: others,
        remedies: [],
        excerpt: excerptOf(shown, limits.excerptLinesMax).map(evidence),
      };
    }
    const { cause } = root;
    const captures = Object.fromEntries(
      Object.entries(withFacts(root.captures, context)).map(([name, value]) => [name, redact(value)]),
    );
    // The class is a part of what the fingerprint is made of, so both are made of the same.
    const about = { ...captures, ...namedElsewhere(root, ranked, redact) };
    // A crash is tried again and prints the same: another reading of a line of the root cause follows from nothing.
    const same = new Set(ranked.filter((finding) => finding.cause.slug === cause.slug).map(({ at }) => at));
    const after = ranked.filter(({ at }) => at > root.at && !same.has(at)).sort((a, b) => a.at - b.at);
    const confidence = docker === null
      ? root.confidence
      : doubted(root, ranked, linesAfter(root, lines, docker.to));
    return {
      cause: cause.slug,
      confidence,
      summary: redact(sanitizeLine(cause.explain(captures))),
      evidence: evidence(announced(lines, root.at)),
      chain: [...new Set([cause.slug, ...after.map((finding) => finding.cause.slug)])].slice(
        0,
        limits.chainMax,
      ),
      captures,
      fingerprint: fingerprint([
        cause.slug,
        ...cause.identity.map((name) => (about[name] ?? "").toLowerCase()),
      ]),
      failureClass: failureClass(cause, about),
      phase: root.phase ?? input.phase,
      redeployMayCure: cause.redeployMayCure,
      rejected: others,
      remedies: [...cause.remedies],
      excerpt: [],
    };
  };
}

/** What identifies a failure and its own line does not say, by the first of its other lines that does. */
function namedElsewhere(
  { captures, cause }: Finding,
  findings: readonly Finding[],
  redact: (text: string) => string,
): Captures {
  const others = findings.filter((other) => other.cause === cause).sort((a, b) => a.at - b.at);
  return Object.fromEntries(
    cause.identity.filter((name) => captures[name] === undefined).flatMap((name) => {
      const value = others.find((other) => other.captures[name] !== undefined)?.captures[name];
      return value === undefined ? [] : [[name, redact(value)]];
    }),
  );
}

function match(sign: Sign, line: string, captureCharsMax: number): Captures | undefined {
  const result = sign.pattern.exec(line);
  if (result === null) return undefined;
  const captures: Record<string, string> = {};
  for (const [name, value] of Object.entries(result.groups ?? {})) {
    // A group of an alternative that did not match is undefined, whatever its type says.
    if (typeof value === "string") {
      captures[name.replace(/\d+$/, "")] = value.trim().slice(0, captureCharsMax);
    }
  }
  return captures;
}

function judge(finding: Finding, context: Context): Finding | { why: string } {
  const { cause, phase } = finding;
  const { docker } = context;
  if (docker !== null && cause.where === "service") {
    return { why: "it has another name in a container build" };
  }
  if (phase !== null && !cause.phases.includes(phase)) {
    return { why: `it does not happen in the ${phase} phase` };
  }
  if (phase === "build" && context.facts.buildSucceeded) {
    return { why: "the build that printed it succeeded" };
  }
  const verdict: Verdict = cause.decide?.(finding, context) ?? { accept: true };
  if (!verdict.accept) return { why: verdict.why };
  const wentOn = docker !== null && finding.at < docker.lastProgress && cause.outlivesProgress !== true;
  const confidence = verdict.confidence ?? finding.confidence;
  const severity = verdict.severity ?? finding.severity;
  return {
    ...finding,
    confidence: wentOn ? Math.min(confidence, GONE_PAST_CONFIDENCE_MAX) : confidence,
    severity: wentOn ? lighter(severity) : severity,
    captures: { ...finding.captures, ...verdict.captures },
  };
}

/**
 * What makes a reading of a container build less sure, with the factor that its confidence takes. The factors
 * round what the recorded builds showed: of the answers under `weakSign` two of three were right, with a rival
 * three of four, of the others nineteen of twenty.
 */
const DOUBTS = { weakSign: 0.92, rival: 0.88, manyOthers: 0.9, farFromEnd: 0.95 };
const WEAK_SIGN = 0.85;
const OTHERS_MANY = 3;
const FAR_LINES = 60;

function doubted(root: Finding, ranked: readonly Finding[], left: number): number {
  const others = ranked.filter(({ cause, severity }) =>
    cause.slug !== root.cause.slug && severity !== "symptom"
  );
  const slugs = new Set(others.map(({ cause }) => cause.slug));
  const hasRival = others.some(({ severity, at }) => severity === root.severity && at !== root.at);
  let confidence = root.confidence;
  if (confidence < WEAK_SIGN) confidence *= DOUBTS.weakSign;
  if (hasRival) confidence *= DOUBTS.rival;
  else if (slugs.size >= OTHERS_MANY) confidence *= DOUBTS.manyOthers;
  if (left > FAR_LINES) confidence *= DOUBTS.farFromEnd;
  return Math.round(confidence * 100) / 100;
}

/** Lines with text between a finding and the end of its step. */
function linesAfter(finding: Finding, lines: readonly string[], to: number): number {
  if (finding.isOfStep === true) return 0;
  let count = 0;
  for (let at = finding.at + 1; at < to && count <= FAR_LINES; at++) if (lines[at]!.trim() !== "") count++;
  return count;
}

/** What only the step itself says stands behind every line that says something. */
const placeOf = ({ at, isOfStep }: Finding) => isOfStep === true ? Infinity : at;

function lighter(severity: Severity): Severity {
  return severity === "cause" ? "consequence" : "symptom";
}

function tier(severity: Severity): number {
  switch (severity) {
    case "cause":
      return 0;
    case "consequence":
      return 1;
    case "symptom":
      return 2;
    default:
      return unreachable(severity);
  }
}

function whyNot(other: Finding, root: Finding, lineNumber: (at: number) => number): string {
  if (tier(other.severity) > tier(root.severity)) {
    return `it is a ${other.severity} of what line ${lineNumber(root.at)} says`;
  }
  return other.at === root.at
    ? "another reading of the same line is more likely"
    : `line ${lineNumber(root.at)} failed before it`;
}

/** What the fixer needs beyond the line: which interpreter the platform used, and what chose it. */
function withFacts(captures: Captures, { facts }: Context): Record<string, string> {
  return {
    ...(facts.pythonVersion === null ? {} : { python: facts.pythonVersion }),
    ...(facts.pythonVersionFrom === null ? {} : { pythonFrom: facts.pythonVersionFrom }),
    ...(facts.nodeVersion === null ? {} : { node: facts.nodeVersion }),
    ...captures,
  };
}

function unique(rejected: { cause: string; why: string }[], except: string | undefined) {
  const seen = new Set<string>(except === undefined ? [] : [except]);
  return rejected.filter(({ cause }) => !seen.has(cause) && seen.add(cause));
}

/**
 * The last lines that look like errors and, where they are few, the last of the others: what nobody has seen
 * before is often told in plain words. The platform's own lines only say that it failed.
 */
function excerptOf(lines: readonly string[], max: number): number[] {
  const seen = new Set<string>();
  const told: number[] = [];
  const platform: number[] = [];
  for (let at = lines.length - 1; at >= 0; at--) {
    const text = lines[at]!.trim();
    if (text === "" || seen.has(text)) continue;
    seen.add(text);
    (text.startsWith("==> ") ? platform : told).push(at);
  }
  const errors = told.filter((at) => ERROR_LIKE.test(lines[at]!)).slice(0, max);
  const others = (told.length > 0 ? told : platform).filter((at) => !errors.includes(at));
  return [...errors, ...others.slice(0, max - errors.length)].sort((a, b) => a - b);
}
