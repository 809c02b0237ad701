/**
 * Remembers for a while what pip resolved. A fixer asks with a pin loosened and pins what came out; the validator
 * then asks about the pinned file. The first answer also meets the second question, which saves the slowest step
 * of a repair. Never answers a question that pip has not answered.
 */
import { normalName, parseRequirement, pinOf } from "../code/requirements.ts";

export interface Resolved {
  name: string;
  version: string;
}

const ANSWERS_MAX = 8;
/** An index that has changed meanwhile is asked again. */
const AGE_MS_MAX = 10 * 60_000;

interface Answer {
  lines: readonly string[];
  pythonVersion: string | null;
  resolved: Resolved[];
  at: number;
}

export class ResolutionMemory {
  #answers: Answer[] = [];
  readonly #now: () => number;

  /** @param now milliseconds of a monotonic clock @default performance.now */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  keep(lines: readonly string[], pythonVersion: string | null, resolved: Resolved[]): void {
    this.#answers = [{ lines, pythonVersion, resolved, at: this.#now() }, ...this.#answers].slice(
      0,
      ANSWERS_MAX,
    );
  }

  /** What was resolved for lines that are the same, or pinned to what came out for them; else undefined. */
  recall(lines: readonly string[], pythonVersion: string | null): Resolved[] | undefined {
    return this.#answers.find((answer) =>
      answer.pythonVersion === pythonVersion && this.#now() - answer.at < AGE_MS_MAX &&
      answer.lines.length === lines.length && lines.every((line, at) =>
        isMet(line, answer.lines[at]!, answer)
      )
    )?.resolved;
  }
}

/** Whether an answer to one line is an answer to another one in its place. */
function isMet(line: string, answered: string, { resolved }: Answer): boolean {
  if (line === answered) return true;
  const [now, before] = [parseRequirement(line), parseRequirement(answered)];
  if (now === undefined || before === undefined) return false;
  const name = normalName(now.name);
  if (name !== normalName(before.name) || now.extras !== before.extras || now.tail !== before.tail) {
    return false;
  }
  return resolved.some((each) => normalName(each.name) === name && each.version === pinOf(now));
}
