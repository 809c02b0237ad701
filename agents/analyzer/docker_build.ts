/**
 * Follows the steps of a container build: the classic builder's `Step 3/10 : RUN`, BuildKit's `#12 [stage 3/5]
 * RUN` with its closing summary, and buildah's `STEP 3/10:`. Says which lines the failing step printed; what
 * earlier steps printed did not stop the build.
 */
import type { RepositoryView, Settings } from "../messages.ts";
import { baseImageAt, parseDockerfile, variablesAt } from "./dockerfile.ts";
import type { Dockerfile } from "./dockerfile.ts";

export interface DockerBuild {
  /** Whether a line was printed by the failing step, or by the builder about it. */
  contains(at: number): boolean;
  /** The last line that shows that what stands above it went well; -1 without one. */
  lastProgress: number;
  /** First line of the failing step. */
  from: number;
  /** One past its last line. */
  to: number;
  keyword: string;
  /** The failing instruction without its keyword, as far as log and Dockerfile tell it; "" when not known. */
  instruction: string;
  exitCode: number | null;
  /** Reference of the image that the failing stage starts from; "" when not known. */
  image: string;
  /** Build arguments and variables at the failing step; a build argument without a default is empty. */
  variables: ReadonlyMap<string, string>;
  dockerfile: Dockerfile | null;
}

const CLASSIC_STEP = /^Step (\d+)(?:\/\d+)? : (\S+)\s*(.*)/;
const BUILDAH_STEP = /^(?:\[\d\/\d\] )?STEP (\d+)(?:\/\d+)?: (\S+)\s*(.*)/;
const CLASSIC_END = /^The command '(.*)' returned a non-zero code: (\d+)/;
const KIT_STEP = /^#(\d+) \[(?!internal\b|auth\b)(?:[^\]]*?\s)?(?:\d+\/\d+)\]\s+(\S+)\s*(.*)/;
const KIT_ERROR = /^#(\d+) (?:\d+\.\d+ )?ERROR\b/;
const KIT_SUMMARY = /^ ?> \[(?:[^\]]*)\]\s*(\S+)?\s*(.*?):?$/;
const KIT_EXIT = /process "(.*)" did not complete successfully: exit code: (\d+)/;
const BUILDAH_END =
  /^(?:Error|error):? (?:building at STEP|error building at STEP) "(\S+)\s*(.*?)": .*exit status (\d+)/;

const SUCCESS = /^Successfully (?:built [0-9a-f]{12}$|tagged \S+:\S+$)/;

/** What tools print only after everything before it went well; an error above such a line did not end the step. */
const PROGRESS =
  /^(?:Setting up \S|Selecting previously unselected|Preparing to unpack|Reading package lists|Building dependency tree|Get:\d+ http|Fetched \d|Successfully installed |Collecting \S|Requirement already|Cloning into |added \d+ packages|Executing busybox|OK: \d+ MiB|Complete!|\(\d+\/\d+\) Installing| {2}inflating: |-- Build files have been written| {2}Installing : |Processing triggers|Saving to: |HTTP request sent, awaiting response\.\.\. 200|Using cache|Bundle complete|Removing \S+ \()/;

/** A timestamp that a platform puts before a line, and BuildKit's own prefix of what a step prints. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)?\s+/;
const KIT_PREFIX = /^#\d+ (?:\d+\.\d+ )?(?!\[|ERROR\b|DONE\b|CACHED\b)/;

/** The line as the tool printed it: without timestamps and BuildKit's prefix. */
export function bareLine(line: string): string {
  const first = line.charCodeAt(0);
  if (first === 35) return line.replace(KIT_PREFIX, "");
  if (first >= 48 && first <= 57) return line.replace(TIMESTAMP, "").replace(/^\d+\.\d{2,4} (?=\D)/, "");
  return line;
}

/** @returns null when the log is of no container build, or of one that went well */
export function readDockerBuild(
  lines: readonly string[],
  settings: Settings | null,
  repository: RepositoryView | null,
): DockerBuild | null {
  let from = 0;
  let number: number | null = null;
  let keyword = "";
  let instruction = "";
  let exitCode: number | null = null;
  let isBuild = false;
  let failedStep: string | null = null;
  let summaryAt = -1;
  let to = lines.length;
  const kitSteps = new Map<string, { at: number; keyword: string; text: string }>();
  for (const [at, raw] of lines.entries()) {
    const code = raw.charCodeAt(0);
    // Only lines that begin so can be a builder's own: S, T, #, >, blank, E, e, f, [, r, a digit of a timestamp.
    if (
      !(code === 83 || code === 84 || code === 35 || code === 62 || code === 32 || code === 69 ||
        code === 101 ||
        code === 102 || code === 91 || code >= 48 && code <= 57)
    ) continue;
    const line = code >= 48 && code <= 57 ? raw.replace(TIMESTAMP, "") : raw;
    const step = CLASSIC_STEP.exec(line) ?? BUILDAH_STEP.exec(line);
    if (step !== null) {
      isBuild = true;
      from = at;
      number = Number(step[1]);
      keyword = step[2]!.toUpperCase();
      instruction = step[3]!;
      continue;
    }
    const end = CLASSIC_END.exec(line) ?? (line.includes("STEP") ? BUILDAH_END.exec(line) : null);
    if (end !== null) {
      isBuild = true;
      exitCode = Number(end.at(-1));
      to = at + 1;
      if (instruction === "") {
        keyword = "RUN";
        instruction = end[1]!.replace(/^\S*(?:sh|bash|ash)(?: -\S+)* (?=\S)/, "");
      }
      continue;
    }
    if (line.startsWith("Sending build context to Docker daemon")) isBuild = true;
    else if (SUCCESS.test(line)) {
      if (exitCode === null) return null;
    } else if (line.startsWith("#")) {
      const kit = KIT_STEP.exec(line);
      if (kit !== null) {
        isBuild = true;
        if (!kitSteps.has(kit[1]!)) {
          kitSteps.set(kit[1]!, { at, keyword: kit[2]!.toUpperCase(), text: kit[3]! });
        }
      } else if (KIT_ERROR.test(line)) {
        isBuild = true;
        failedStep ??= KIT_ERROR.exec(line)![1]!;
      }
    } else if (line.includes("> [") && KIT_SUMMARY.test(line) && lines[at - 1]?.startsWith("------")) {
      isBuild = true;
      if (summaryAt === -1) {
        summaryAt = at;
        const summary = KIT_SUMMARY.exec(line)!;
        if (instruction === "" && summary[1] !== undefined) {
          keyword = summary[1].toUpperCase();
          instruction = summary[2]!;
        }
      }
    } else if (line.includes("failed to solve") || line.includes("Error response from daemon: ")) {
      isBuild = true;
    }
    if (line.includes("did not complete successfully")) {
      const kit = KIT_EXIT.exec(line);
      if (kit !== null) exitCode ??= Number(kit[2]);
    }
  }
  const isDocker = settings?.runtime === "docker";
  if (!isBuild) return null;
  const isKit = failedStep !== null || summaryAt !== -1 || kitSteps.size > 0;
  if (isKit && failedStep === null && summaryAt === -1 && exitCode === null && !isDocker) return null;
  const kit = failedStep === null ? undefined : kitSteps.get(failedStep);
  if (kit !== undefined) {
    from = kit.at;
    keyword = kit.keyword;
    instruction = kit.text;
  } else if (isKit && summaryAt !== -1) from = kitSteps.size > 0 ? Math.min(summaryAt, lines.length) : 0;
  let lastProgress = -1;
  for (
    let at = Math.min(to, summaryAt === -1 ? to : summaryAt) - 1;
    at >= from && lastProgress === -1;
    at--
  ) {
    if (PROGRESS.test(bareLine(lines[at]!))) lastProgress = at;
  }
  const prefix = failedStep === null ? null : `#${failedStep} `;
  const dockerfile = dockerfileOf(settings, repository);
  const index = indexOf(dockerfile, number, keyword, instruction);
  const found = dockerfile?.instructions[index];
  const logged = imageFromLog(lines);
  return {
    lastProgress,
    from,
    to,
    contains(at) {
      if (at < from) return false;
      if (prefix === null || summaryAt !== -1 && at >= summaryAt) return true;
      const line = lines[at]!;
      return line.startsWith(prefix) || !/^(?:\S+Z )?#\d+ /.test(line);
    },
    keyword: keyword || found?.keyword || "",
    instruction: found !== undefined && found.keyword === keyword ? found.text : instruction,
    exitCode,
    image: dockerfile === null ? logged : baseImageAt(dockerfile, index) ?? logged,
    variables: dockerfile === null ? new Map() : variablesAt(dockerfile, index),
    dockerfile,
  };
}

/** The Dockerfile that was built: the setting's, else one by that name, else the only text that looks like one. */
function dockerfileOf(settings: Settings | null, repository: RepositoryView | null): Dockerfile | null {
  if (repository === null) return null;
  const named = (settings?.dockerfilePath ?? "").replace(/^\.?\//, "");
  const names = Object.keys(repository.files);
  const name = names.find((each) => each === named && named !== "") ??
    names.find((each) => each === "Dockerfile") ??
    names.find((each) => /(?:^|\/)Dockerfile[^/]*$|\.dockerfile$/i.test(each)) ??
    names.find((each) =>
      /^[ \t]*FROM[ \t]/im.test(repository.files[each]!) && /^[ \t]*RUN[ \t]/im.test(repository.files[each]!)
    );
  return name === undefined ? null : parseDockerfile(repository.files[name]!);
}

/** Which instruction of the file failed: by the builder's number where the keyword agrees, else by its text. */
function indexOf(
  file: Dockerfile | null,
  number: number | null,
  keyword: string,
  instruction: string,
): number {
  if (file === null) return -1;
  if (number !== null && file.instructions[number - 1]?.keyword === keyword) return number - 1;
  const start = instruction.replace(/\s+/g, " ").slice(0, 60);
  const same = start === ""
    ? -1
    : file.instructions.findIndex((each) =>
      (keyword === "" || each.keyword === keyword) && each.text.replace(/\s+/g, " ").startsWith(start)
    );
  if (same !== -1) return same;
  return number === null ? file.instructions.length - 1 : Math.min(number, file.instructions.length) - 1;
}

function imageFromLog(lines: readonly string[]): string {
  for (let at = lines.length - 1; at >= 0; at--) {
    const from = /^(?:Step \d+\/\d+ : |STEP \d+(?:\/\d+)?: |#\d+ \[[^\]]*\] )FROM (?:--\S+ )?(\S+)/i.exec(
      lines[at]!,
    )?.[1];
    if (from !== undefined) return from.replace(/@sha256:.*$/, "");
  }
  return "";
}
