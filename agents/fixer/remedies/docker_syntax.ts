/** Repairs of the Dockerfile itself: its arguments, its order, its spelling, what the classic builder cannot read. */
import { nearest } from "../../../text/nearest.ts";
import { parseErrorLine } from "../../code/build_step.ts";
import { globalArgs, insertBefore, parseArg, resolve, stagesOf } from "../../code/dockerfile.ts";
import type { Change } from "../../code/dockerfile.ts";
import { dockerRemedy } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import type { Remedy } from "../remedy.ts";

/** Values that can stand in a tag or a command without quotes. */
const PLAIN = /^[\w.+:/@-]{1,100}$/;
/** Files that may say which value a build argument has. */
const SAYS_ARGUMENTS =
  /(?:^|\/)(?:docker-compose[^/]*\.ya?ml|compose[^/]*\.ya?ml|Makefile|README[^/]*|\.travis\.yml|\.gitlab-ci\.yml|[^/]*\.sh|\.env[^/]*|hooks\/build|Jenkinsfile|bake\.hcl|\.github\/workflows\/[^/]+)$/i;
const FILES_READ_MAX = 40;

/** The value that the repository's other files, or comments of the Dockerfile, give an argument; one only. */
async function valueElsewhere(found: DockerCase, name: string): Promise<string | undefined> {
  const sign = new RegExp(`(?:--build-arg[= ]["']?|^|[\\s"'-])${name}\\s*[:=]\\s*["']?([\\w.+:/@-]+)`, "gm");
  const values = new Set<string>();
  const comments = found.file.text.split("\n").filter((line) => /^\s*#/.test(line)).join("\n");
  const texts = [comments];
  for (
    const path of found.context.view.paths.filter((each) => SAYS_ARGUMENTS.test(each)).slice(
      0,
      FILES_READ_MAX,
    )
  ) {
    const text = await found.context.view.read(path);
    if (text !== null && text.length < 200_000) texts.push(text);
  }
  for (const text of texts) {
    for (const match of text.matchAll(sign)) if (PLAIN.test(match[1]!)) values.add(match[1]!);
  }
  return values.size === 1 ? [...values][0] : undefined;
}

/** A version of an official image that its tags have on their own and before a variant. */
const IMAGE_DEFAULTS: Readonly<Record<string, string>> = {
  python: "3",
  ruby: "2.7",
  node: "lts",
  golang: "1",
  php: "7.4",
  postgres: "12",
  mysql: "5.7",
  redis: "6",
  alpine: "latest",
  ubuntu: "latest",
  debian: "stable",
  openjdk: "11",
  elixir: "1.10",
  erlang: "23",
  rust: "1",
  nginx: "stable",
  perl: "5",
  mongo: "4",
  "openjdk-jre": "11",
};

const defaultArgument: Repair = async (found) => {
  const { file } = found;
  const args = globalArgs(file);
  const stages = stagesOf(file);
  const unset = stages.find(({ image }) =>
    image.includes("$") && resolve(image, args) === null &&
    !stages.some(({ name }) => name === image.toLowerCase())
  );
  if (unset === undefined) return "every FROM has its arguments";
  const names = [...unset.image.matchAll(/\$\{?(\w+)\}?/g)].map((match) => match[1]!).filter((name) =>
    !args.get(name)
  );
  const values = new Map<string, string>();
  for (const name of names) {
    const elsewhere = await valueElsewhere(found, name);
    // Declared with a default, but inside a stage, where FROM does not see it.
    const inside = file.instructions.filter(({ keyword, stage }) => keyword === "ARG" && stage >= 0)
      .flatMap(({ args: text }) => parseArg(text)).find((each) => each.name === name && each.value !== null)
      ?.value ?? undefined;
    const value = inside ?? elsewhere ?? officialDefault(unset.image, name);
    if (value === undefined || value.includes("$")) return `no value of ${name} is known`;
    values.set(name, value);
  }
  const changes: Change[] = [];
  const missing: string[] = [];
  for (const [name, value] of values) {
    const declared = file.instructions.find(({ keyword, stage, args: text }) =>
      keyword === "ARG" && stage === -1 && parseArg(text).some((each) => each.name === name)
    );
    if (declared === undefined) missing.push(`ARG ${name}=${value}`);
    else {
      const text = file.text.slice(declared.argsAt, declared.end);
      const at = new RegExp(`\\b${name}(=(?:"")?)?(?=\\s|$)`).exec(text);
      if (at === null) return `the declaration of ${name} is not understood`;
      const start = declared.argsAt + at.index;
      changes.push({ start, end: start + at[0].length, text: `${name}=${value}` });
    }
  }
  if (missing.length > 0) {
    changes.push(insertBefore(file, file.instructions.find(({ keyword }) => keyword === "FROM")!, missing));
  }
  const list = [...values].map(([name, value]) => `${name}=${value}`).join(", ");
  return { changes, summary: `Give FROM's arguments a default: ${list}`, risk: "medium" };
};

/** When one variable is the whole version of an image. */
function officialDefault(image: string, name: string): string | undefined {
  const match = /^((?:[\w.-]+\/)*[\w.-]+):\$\{?(\w+)\}?(-[\w.-]+)?$/.exec(image);
  if (match === null || match[2] !== name) return undefined;
  const repository = match[1]!;
  if (Object.hasOwn(IMAGE_DEFAULTS, repository)) return IMAGE_DEFAULTS[repository];
  // Of another image only one tag is expected to be there.
  return match[3] === undefined && /version|tag/i.test(name) ? "latest" : undefined;
}

const buildArgument: Repair = async (found) => {
  const { file, step, before } = found;
  if (step === null) return "the log does not show which step failed";
  const used = new Set([...step.args.matchAll(/\$\{?(\w+)\}?/g)].map((match) => match[1]!));
  const inherited = new Map<string, string>();
  for (const each of before.filter(({ keyword }) => keyword === "ENV")) {
    for (const match of each.args.matchAll(/(\w+)[= ]["']?\$\{?(\w+)\}?/g)) {
      inherited.set(match[1]!, match[2]!);
    }
  }
  for (const name of [...used]) if (inherited.has(name)) used.add(inherited.get(name)!);
  const candidates = before.filter(({ keyword }) => keyword === "ARG").flatMap((instruction) =>
    parseArg(instruction.args).filter(({ name, value }) => used.has(name) && (value === null || value === ""))
      .map(({ name }) => ({ name, instruction }))
  );
  if (candidates.length === 0) return "no argument without a default is used in the failing step";
  const global = globalArgs(file);
  const changes: Change[] = [];
  const said: string[] = [];
  for (const { name, instruction } of candidates) {
    if (global.get(name)) return `${name} is set before FROM`;
    const value = await valueElsewhere(found, name) ??
      (/^(?:\w+_)?(?:UID|USER_?ID|GID|GROUP_?ID)$/i.test(name) && !/^(?:APP|CLIENT|GOOGLE|AWS)_/i.test(name)
        ? "1000"
        : undefined) ??
      (/^(?:\w*_)?(?:GIT_)?BRANCH$/i.test(name) ? "master" : undefined);
    if (value === undefined) return `the value of ${name} is known to its owner only`;
    const at = new RegExp(`\\b${name}(=(?:"")?)?(?=\\s|$)`).exec(
      file.text.slice(instruction.argsAt, instruction.end),
    );
    if (at === null) return `the declaration of ${name} is not understood`;
    const start = instruction.argsAt + at.index;
    changes.push({ start, end: start + at[0].length, text: `${name}=${value}` });
    said.push(`${name}=${value}`);
  }
  return { changes, summary: `Give the argument a default: ${said.join(", ")}`, risk: "medium" };
};

const KEYWORDS = [
  "FROM",
  "RUN",
  "CMD",
  "LABEL",
  "MAINTAINER",
  "EXPOSE",
  "ENV",
  "ADD",
  "COPY",
  "ENTRYPOINT",
  "VOLUME",
  "USER",
  "WORKDIR",
  "ARG",
  "ONBUILD",
  "STOPSIGNAL",
  "HEALTHCHECK",
  "SHELL",
];

const syntax: Repair = (found) => {
  const { file, step, lines } = found;
  const doubled = /^RUN[ \t]+(RUN[ \t]+)/i.exec(step?.raw ?? "");
  if (step !== null && doubled !== null) {
    const start = step.start + doubled[0].length - doubled[1]!.length;
    return { changes: [{ start, end: step.start + doubled[0].length, text: "" }], summary: "Write RUN once" };
  }
  const unknown = lines.map((line) => /unknown instruction: (\S+)/i.exec(line)?.[1]).find((each) =>
    each !== undefined
  );
  const at = parseErrorLine(lines);
  if (unknown === undefined) return "the log does not name an instruction that is unknown";
  const instruction =
    file.instructions.find((each) =>
      each.keyword === unknown.toUpperCase() && (at === null || each.line === at)
    ) ??
      file.instructions.find((each) => each.raw.toUpperCase().startsWith(unknown.toUpperCase()));
  if (instruction === undefined) return `line ${at ?? "?"} is not understood`;
  const close = nearest(unknown.toUpperCase(), KEYWORDS);
  const before = file.instructions[file.instructions.indexOf(instruction) - 1];
  const isShell =
    /^(?:&&|\|\||apt-get|apt|apk|yum|dnf|pip3?|npm|yarn|cd|mkdir|rm|cp|mv|echo|curl|wget|git|make|chmod|chown|tar|bash|sh|sed|ln|export|python3?|gem|bundle|go|install|build-essential|lib\S+|python\S*|php\S*)$/i
      .test(unknown);
  if (isShell && before?.keyword === "RUN" && instruction.line - before.lastLine <= 2) {
    const text = /&&\s*$|\\\s*$/.test(before.raw) || /^&&/.test(instruction.raw) ||
        !/^(?:apt-get|apt|apk|yum|pip3?|npm|cd|mkdir|rm|curl|wget|git|make|chmod)$/i.test(unknown)
      ? " \\"
      : " && \\";
    return {
      changes: [{ start: before.end, end: before.end, text: text }],
      summary: "Continue the step on the next line with a backslash",
      fewer: 1,
    };
  }
  if (close === undefined || !/^[A-Z]+$/i.test(unknown)) {
    return `${unknown} is no instruction, and close to none`;
  }
  const end = instruction.start + unknown.length;
  return {
    changes: [{ start: instruction.start, end, text: close }],
    summary: `Write ${close} for ${unknown}`,
  };
};

const fromFirst: Repair = ({ file }) => {
  const from = file.instructions.find(({ keyword }) => keyword === "FROM");
  if (from === undefined) return "the Dockerfile has no FROM";
  const early = file.instructions.filter((each) => each.start < from.start && each.keyword !== "ARG");
  if (early.length === 0) return "FROM is the first instruction";
  const lineStart = (at: number) => file.text.lastIndexOf("\n", at - 1) + 1;
  const changes: Change[] = early.map((each) => ({
    start: lineStart(each.start),
    end: Math.min(
      file.text.length,
      each.end + (file.text.startsWith(file.newline, each.end) ? file.newline.length : 0),
    ),
    text: "",
  }));
  changes.push({
    start: from.end,
    end: from.end,
    text: early.map((each) => file.newline + each.raw).join(""),
  });
  return { changes, summary: "Put FROM first" };
};

/** Flags that the classic builder does not know and that change nothing of the result. */
const withoutBuildKit: Repair = ({ file, lines }) => {
  const flag = lines.map((line) => /[Uu]nknown flag: (\w+)/.exec(line)?.[1]).find((each) =>
    each !== undefined
  );
  if (flag !== "platform" && flag !== "mount" && flag !== "link" && flag !== "chmod") {
    return "the log does not name a flag that can be left out";
  }
  const changes: Change[] = [];
  for (const each of file.instructions) {
    for (const match of file.text.slice(each.start, each.argsAt).matchAll(/--([a-z]+)=(\S+)[ \t]*/g)) {
      if (match[1] === "mount" && !/type=cache/.test(match[2]!)) {
        return `the step needs --mount=${match[2]}, which only BuildKit has`;
      }
      if (match[1] === "chmod") return "COPY --chmod needs BuildKit";
      if (match[1] === "platform" || match[1] === "mount" || match[1] === "link") {
        changes.push({
          start: each.start + match.index,
          end: each.start + match.index + match[0].length,
          text: "",
        });
      }
    }
  }
  // A continuation that held nothing but the flag would leave an empty line behind, which is allowed.
  if (/\$\{?(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH)/.test(file.text.replace(/--platform=\S+/g, ""))) {
    return "the steps use BuildKit's own arguments";
  }
  if (changes.length === 0) return "no instruction has the flag";
  return { changes, summary: `Leave out --${flag}, which only BuildKit knows`, risk: "medium" };
};

export const dockerSyntaxRemedies: readonly Remedy[] = [
  dockerRemedy("docker/from-argument", ["from-unset-arg"], defaultArgument, "medium"),
  dockerRemedy("docker/build-argument", ["build-arg-missing"], buildArgument, "medium"),
  dockerRemedy("docker/syntax", ["dockerfile-syntax"], syntax),
  dockerRemedy("docker/from-first", ["dockerfile-from-not-first"], fromFirst),
  dockerRemedy("docker/without-buildkit", ["dockerfile-buildkit-required"], withoutBuildKit, "medium"),
];
