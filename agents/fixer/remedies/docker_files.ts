/** Repairs of Dockerfiles whose steps miss a file, may not run one, or trip over one that is there. */
import { joinPath } from "../../code/commands.ts";
import { insertBefore } from "../../code/dockerfile.ts";
import type { Change, Instruction } from "../../code/dockerfile.ts";
import type { Invocation, Word } from "../../code/shell_words.ts";
import { dockerRemedy, insertCommand, runs, userOf } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import type { Remedy } from "../remedy.ts";

const MISSING = [
  /No such file or directory @ rb_sysopen - ([\w./-]+?)\.? /,
  /Could not open requirements file: \[Errno 2\] No such file or directory: '([^']+)'/,
  /can't open file '([^']+)': \[Errno 2\]/,
  /(?:cp|mv|chmod|install|cat|tar|sed|stat|ls|source|gunzip): (?:cannot (?:stat|access|open)|can't (?:stat|open|read)) ?[‘'"]?([^‘’'":]+)[’'"]?: No such file/,
  /(?:chmod|cat|sed|grep|source|bash|sh|head|sort|xargs): (?:can't read |\d+: )?([\w./-]+): No such file or directory/,
  /(?:bash|sh): (?:line )?\d+: (\.?\.?\/[\w./-]+): not found/,
  /(?:ba)?sh: (\.?\.?\/[\w./-]+): (?:not found|No such file or directory)/,
  /(?:sh|bash): (?:0: |\d+: )?(?:Can't open|cannot open) ([\w./-]+)/,
  /exec: "(\.?\.?\/[\w./-]+)": stat \S+: no such file or directory/,
  /FileNotFoundError: \[Errno 2\] No such file or directory: '([^']+)'/,
  /IOError: \[Errno 2\] No such file or directory: u?'([^']+)'/,
  /ENOENT: no such file or directory, (?:open|stat|scandir|lstat|access) '([^']+)'/,
  /npm ERR! (?:enoent|path) .*?'?([\w./-]*package\.json)'?/,
  /Could not locate (Gemfile)/,
  /\[!\] There was an error parsing `?(Gemfile)/,
  /could not find a (composer\.json) file/i,
  /no ([Mm]akefile) found/,
  /go: cannot find main module.*?(go\.mod)?/,
  /Cannot find module '(\/[\w./-]+)'/,
  /there is no POM in this directory|(pom\.xml)/,
  /Neither (pyproject\.toml) nor/,
  /File not found: ([\w./-]+)/,
  /The Procfile|(Cargo\.toml)[`'"]? (?:in|does not exist)/,
  /could not find `(Cargo\.toml)`/,
];

/** The file a log line misses, as the log writes it. */
function missingFile(found: DockerCase): string | undefined {
  const captured = found.captures["file"] ?? found.captures["manifest"] ?? found.captures["path"];
  for (const line of [found.context.diagnosis.evidence?.text ?? "", ...found.lines]) {
    for (const sign of MISSING) {
      const name = sign.exec(line)?.[1];
      if (name !== undefined && /^[\w./@+-]+$/.test(name)) {
        return /^makefile$/i.test(name) ? "Makefile" : name;
      }
    }
  }
  return captured !== undefined && /^[\w./@+-]+$/.test(captured) ? captured : undefined;
}

/** Absolute folder that WORKDIR leaves before an instruction; undefined when a variable is in it. */
function workdirAt(before: readonly Instruction[], step: Instruction): string | undefined {
  let folder = "/";
  for (const each of before) {
    if (each === step) break;
    if (each.keyword !== "WORKDIR") continue;
    if (each.args.includes("$")) return undefined;
    const path = each.args.replace(/^(["'])(.*)\1$/, "$2");
    folder = path.startsWith("/") ? path : `${folder}/${path}`;
  }
  return `/${joinPath(folder)}`;
}

interface Copy {
  instruction: Instruction;
  sources: string[];
  /** Absolute; undefined when a variable is in it. */
  target: string | undefined;
  isFolder: boolean;
}

/** COPY and ADD of the context in a stage. */
function copies(found: DockerCase, instructions: readonly Instruction[]): Copy[] {
  return instructions.flatMap((instruction): Copy[] => {
    if (!["COPY", "ADD"].includes(instruction.keyword) || instruction.isHeredoc) return [];
    if (instruction.flags.some((flag) => flag.startsWith("--from"))) return [];
    const words = instruction.isExec
      ? [...instruction.args.matchAll(/"([^"]*)"/g)].map((match) => match[1]!)
      : instruction.args.split(/\s+/);
    const to = words.pop();
    if (to === undefined || words.length === 0) return [];
    const folder = workdirAt(found.before.includes(instruction) ? found.before : instructions, instruction);
    const target = to.includes("$") || (!to.startsWith("/") && folder === undefined)
      ? undefined
      : `/${joinPath(to.startsWith("/") ? to : `${folder}/${to}`)}`;
    return [{ instruction, sources: words, target, isFolder: /\/$|^\.{1,2}$/.test(to) || words.length > 1 }];
  });
}

/** Whether a copied source is the path, a folder above it or a pattern that fits it. */
function covers(source: string, path: string): boolean {
  const clean = joinPath(source);
  if (clean === "" || clean === path || path.startsWith(`${clean}/`)) return true;
  if (!/[*?]/.test(clean)) return false;
  const pattern = clean.split("").map((char) =>
    char === "*" ? "[^/]*" : char === "?" ? "[^/]" : RegExp.escape(char)
  ).join("");
  return new RegExp(`^${pattern}(?:/|$)`).test(path);
}

const copyEarlier: Repair = async (found) => {
  const { file, step, context, before, path } = found;
  if (step === null || step.keyword !== "RUN") return "the failing step is no RUN";
  const missing = missingFile(found);
  if (missing === undefined) return "the log does not name the file";
  if (/\.\.(?:\/|$)/.test(missing)) return `${missing} lies outside the folder`;
  const folder = workdirAt(before, step);
  if (folder === undefined) return "the folder of the step is not known";
  const text = runs(file, step);
  if (text.some(({ program }) => ["git", "wget", "curl", "svn", "hg", "tar", "unzip"].includes(program))) {
    return "the step fetches what it works on itself";
  }
  const cd = text.findLast(({ program }) => program === "cd")?.args[0]?.text;
  if (cd?.includes("$") || cd?.startsWith("~") || cd === "-") return "the folder of the step is not known";
  const from = cd === undefined ? folder : cd.startsWith("/") ? cd : `${folder}/${cd}`;
  const absolute = `/${joinPath(missing.startsWith("/") ? missing : `${from}/${missing}`)}`;
  // The context is the Dockerfile's folder or the repository: what other copies name decides.
  const own = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
  const inStage = copies(found, file.instructions);
  const fits = (context_: string) =>
    inStage.filter((copy) =>
      copy.sources.every((source) =>
        /[*?$]|^https?:|^git@/.test(source) || joinPath(source) === "" ||
        context.view.paths.some((each) =>
          covers(source, each.slice(context_ === "" ? 0 : context_.length + 1)) && each.startsWith(context_)
        )
      )
    ).length;
  const root = own !== "" && fits(own) > fits("") ? own : "";
  const inContext = context.view.paths.filter((each) => root === "" || each.startsWith(`${root}/`))
    .map((each) => root === "" ? each : each.slice(root.length + 1));
  const earlier = copies(found, before);
  const later = copies(
    found,
    file.instructions.filter((each) => each.stage === step.stage && each.start > step.start),
  );
  // The layout inside the image follows the copies: below which folder the context lies.
  const base = [...later, ...earlier].find((copy) => copy.sources.some((each) => joinPath(each) === ""))
    ?.target;
  const relative =
    base !== undefined && (absolute === base || absolute.startsWith(`${base === "/" ? "" : base}/`))
      ? absolute.slice(base === "/" ? 1 : base.length + 1)
      : undefined;
  const name = absolute.split("/").at(-1)!;
  const sameName = inContext.filter((each) => each === name || each.endsWith(`/${name}`));
  const source = relative !== undefined && inContext.includes(relative)
    ? relative
    : inContext.includes(joinPath(missing)) && !missing.startsWith("/")
    ? joinPath(missing)
    : inContext.includes(name)
    ? name
    : sameName.length === 1
    ? sameName[0]
    : undefined;
  if (source === undefined) return `the commit has no ${missing}, or several of that name`;
  const isCopied = earlier.some((copy) => copy.sources.some((each) => covers(each, source)));
  if (isCopied) return rightPath(found, earlier, source, missing, folder, cd !== undefined);
  const ignore = await context.view.read(root === "" ? ".dockerignore" : `${root}/.dockerignore`);
  const isIgnored = (ignore ?? "").split("\n").map((line) =>
    line.trim().replace(/^\//, "").replace(/\/$/, "")
  )
    .some((line) =>
      line !== "" && !/^[#!]/.test(line) && (covers(line, source) || line === "*" || line === "**")
    );
  if (isIgnored) return `.dockerignore leaves ${source} out`;
  // What a requirements file or a set-up script reads besides itself is not there either.
  if (
    /^(?:setup\.py|pyproject\.toml|Makefile|CMakeLists\.txt|Cargo\.toml|pom\.xml|build\.gradle)$/.test(
      name,
    ) || /\.\/?$/.test(missing)
  ) {
    const whole = later.find((copy) => copy.sources.length === 1 && joinPath(copy.sources[0]!) === "");
    if (whole !== undefined && whole.instruction.lastLine - whole.instruction.line < 5) {
      return {
        changes: [insertBefore(file, step, [whole.instruction.raw])],
        summary: `Copy the sources before the step that reads ${name}`,
        risk: "medium",
      };
    }
    return `${name} alone does not build`;
  }
  const to = absolute.startsWith(`${folder === "/" ? "" : folder}/`) && folder !== "/"
    ? absolute.slice(folder.length + 1)
    : absolute;
  const target = to === source && !to.includes("/") ? "./" : to;
  return {
    changes: [insertBefore(file, step, [`COPY ${source} ${target}`])],
    summary: `Copy ${source} into the image before the step that reads it`,
    risk: "medium",
  };
};

/** The file is in the image, below the folder that the whole context was copied to: the step's path is mended. */
function rightPath(
  { file, step }: DockerCase,
  earlier: readonly Copy[],
  source: string,
  missing: string,
  folder: string,
  hasCd: boolean,
) {
  const whole = earlier.filter((copy) => copy.sources.some((each) => covers(each, source)));
  const only = whole.length === 1 ? whole[0]! : undefined;
  if (only?.target === undefined || joinPath(only.sources[0]!) !== "" || only.sources.length > 1 || hasCd) {
    return `${source} is copied already, to another place`;
  }
  const absolute = `${only.target === "/" ? "" : only.target}/${source}`;
  const path = absolute.startsWith(`${folder}/`) && !missing.startsWith("/")
    ? absolute.slice(folder.length + 1)
    : absolute;
  if (path === missing) return `${source} is copied already`;
  const words = runs(file, step!).flatMap(({ command }) => command.words).filter(({ text }) =>
    text === missing
  );
  if (words.length === 0) return `the failing step does not name ${missing}`;
  return {
    changes: words.map(({ start, end }): Change => ({ start, end, text: path })),
    summary: `Read ${path}, where the file is in the image`,
    risk: "medium" as const,
  };
}

const executable: Repair = (found) => {
  const { file, step, lines, base } = found;
  if (step === null) return "the log does not show which step failed";
  const needsRoot =
    lines.some((line) =>
      /\/var\/lib\/(?:apt|dpkg)\/\S* .*Permission denied|are you root\?|Permission denied.*\/(?:var\/lib\/(?:apt|dpkg)|etc|usr)/
        .test(line)
    ) ||
    lines.some((line) =>
      /List directory \/var\/lib\/apt\/lists\/partial is missing.*Permission denied/.test(line)
    );
  if (needsRoot) {
    const user = userOf(found) ?? knownUser(base?.image ?? "");
    if (user === undefined) return "the account that the image runs under is not known";
    const after = /\n?$/.test(file.text)
      ? { start: step.end, end: step.end, text: `${file.newline}USER ${user}` }
      : undefined;
    const next = file.instructions[file.instructions.indexOf(step) + 1];
    return {
      changes: [
        insertBefore(file, step, ["USER root"]),
        ...(after === undefined || next?.keyword === "USER" ? [] : [after]),
      ],
      summary: "Run the step as root",
    };
  }
  for (const line of lines) {
    const script =
      /(?:^|[\s/])(?:ba|da)?sh: (?:line \d+: |\d+: )?([\w./-]+): Permission denied/.exec(line)?.[1] ??
        /exec: "([\w./-]+)": permission denied/.exec(line)?.[1];
    if (script === undefined) continue;
    const invocation = runs(file, step).find(({ path }) => path === script);
    if (invocation === undefined) return `${script} is not run by the failing step itself`;
    if (userOf(found) !== null) {
      // Another account may not change the mode of a file that root copied; it may read it.
      const { start } = invocation.command.words[invocation.at]!;
      return {
        changes: [{ start, end: start, text: "sh " }],
        summary: `Run ${script} by sh: it is not executable`,
      };
    }
    return {
      changes: [insertCommand(found, `chmod +x ${script}`, invocation)],
      summary: `Make ${script} executable before it is run`,
    };
  }
  return "the log does not name the file";
};

/** Accounts of images that do not run as root. */
function knownUser(image: string): string | undefined {
  if (/^gitpod\//.test(image)) return "gitpod";
  if (/^jupyter\//.test(image)) return "$NB_UID";
  if (/^jenkins\/|^jenkins(?::|$)/.test(image)) return "jenkins";
  if (/^(?:circleci|cimg)\//.test(image)) return "circleci";
  return undefined;
}

const existing: Repair = (found) => {
  const { file, step, lines } = found;
  if (step === null) return "the log does not show which step failed";
  const paths = new Set(
    lines.flatMap((line) =>
      /(?:mkdir: (?:can't|cannot) create directory|ln: (?:failed to create (?:symbolic|hard) link|creating symbolic link)?) ?[‘'"`]?([^‘’'"`:]+?)[’'"`]?: File exists/
        .exec(line)?.[1] ?? []
    ),
  );
  if (paths.size === 0) return "the log does not name the path";
  const changes: Change[] = [];
  const names = (invocation: Invocation, path: string) =>
    invocation.args.some(({ text }) =>
      text.replace(/\/$/, "") === path.replace(/\/$/, "") || path.endsWith(`/${text.replace(/\/$/, "")}`) ||
      text.includes("$")
    );
  for (const path of paths) {
    for (const invocation of runs(file, step)) {
      const word: Word = invocation.command.words[invocation.at]!;
      if (
        invocation.program === "mkdir" && names(invocation, path) &&
        !invocation.args.some(({ text }) => /^-\w*p|^--parents/.test(text))
      ) {
        changes.push({ start: word.end, end: word.end, text: " -p" });
      } else if (
        invocation.program === "ln" &&
        (names(invocation, path) || names(invocation, path.split("/").slice(0, -1).join("/")))
      ) {
        const flags = invocation.args.find(({ text }) => /^-[a-z]*s[a-z]*$/.test(text));
        if (flags === undefined || /f/.test(flags.text)) continue;
        changes.push({ start: flags.end, end: flags.end, text: "f" });
      }
    }
  }
  const unique = changes.filter((each, at) => changes.findIndex(({ start }) => start === each.start) === at);
  if (unique.length === 0) return "the failing step does not make the path itself";
  return { changes: unique, summary: `Do not fail where ${[...paths].join(", ")} is there already` };
};

const followRedirects: Repair = (found) => {
  const { file, before, step } = found;
  const isPlain = (invocation: Invocation) =>
    invocation.program === "curl" && invocation.args.some(({ text }) => /:\/\/|\$|\.\w{2,}\//.test(text)) &&
    !invocation.args.some(({ text }) => /^-[a-zA-Z]*L|^--location/.test(text));
  let places: Invocation[] = step === null ? [] : runs(file, step).filter(isPlain);
  if (places.length === 0) places = before.flatMap((each) => runs(file, each)).filter(isPlain);
  if (places.length === 0) return "no curl of the stage lacks -L";
  return {
    changes: places.map(({ command, at }) => ({
      start: command.words[at]!.end,
      end: command.words[at]!.end,
      text: " -L",
    })),
    summary: "Let curl follow redirects with -L",
  };
};

export const dockerFileRemedies: readonly Remedy[] = [
  dockerRemedy("docker/copy-earlier", ["file-missing-in-image", "manifest-missing"], copyEarlier, "medium"),
  dockerRemedy("docker/executable", [
    "permission-denied",
    "build-script-not-executable",
    "docker-permission-in-build",
  ], executable),
  dockerRemedy("docker/existing-path", ["path-already-exists"], existing),
  dockerRemedy("docker/curl-redirects", ["download-redirect-not-followed"], followRedirects),
];
