/** Repairs of Dockerfiles in which apt fails: missing update, names and versions that are gone. */
import { insertBefore } from "../../code/dockerfile.ts";
import type { Change } from "../../code/dockerfile.ts";
import { subcommandOf } from "../../code/shell_words.ts";
import { APT, isApt } from "../apt.ts";
import { asRoot, dockerRemedy, insertCommand, releaseOf, runs, userOf } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import { laterPackages, packageWords, removeWord } from "../docker_packages.ts";
import type { Remedy } from "../remedy.ts";
import { APT_NAMES, COMMON_PACKAGES, PYTHON_TWINS, VERSIONED } from "../tables/apt_names.ts";

const updateFirst: Repair = (found) => {
  const { file, step } = found;
  if (step === null || step.keyword !== "RUN") return "the failing step is no RUN";
  if (step.isExec) {
    if (!/"(?:apt-get|apt)"/.test(step.args)) return "the failing step does not run apt";
    return {
      changes: [insertBefore(file, step, asRoot(found, ["RUN apt-get update"]))],
      summary: "Run apt-get update before the install",
    };
  }
  const invocations = runs(file, step);
  const at = invocations.findIndex((each) =>
    isApt(each, "install", "build-dep", "upgrade", "dist-upgrade", "remove")
  );
  const install = invocations[at];
  if (install === undefined) return "the failing step does not run apt-get install itself";
  if (invocations.slice(0, at).some((each) => isApt(each, "update"))) {
    return "the same step updates the index already";
  }
  const prefix = install.sudo ? "sudo " : "";
  const user = userOf(found);
  if (user !== null && !install.sudo) return `the step runs as ${user}, who may not run apt`;
  if (["||", "|"].includes(install.command.separator)) return "the install is one branch of a longer command";
  return {
    changes: [
      insertCommand(found, `${prefix}${install.program === "apt" ? "apt" : "apt-get"} update`, install),
    ],
    summary: "Run apt-get update in the step that installs",
  };
};

const YES = /^(?:-[a-zA-Z]*y[a-zA-Z]*|--yes|--assume-yes|--assumeyes|-qq|-[a-z]*qq[a-z]*)$/;

const assumeYes: Repair = ({ file }) => {
  const changes: Change[] = [];
  for (const instruction of file.instructions) {
    for (const invocation of runs(file, instruction)) {
      const sub = subcommandOf(invocation);
      if (invocation.args.some(({ text }) => YES.test(text))) continue;
      if (invocation.command.separator === "|") continue;
      if (/^(?:add-apt-repository|apt-add-repository)$/.test(invocation.program)) {
        const word = invocation.command.words[invocation.at]!;
        changes.push({ start: word.end, end: word.end, text: " -y" });
      } else if (
        sub !== undefined && [...APT, "yum", "dnf"].includes(invocation.program) &&
        [
          "install",
          "upgrade",
          "dist-upgrade",
          "full-upgrade",
          "remove",
          "purge",
          "autoremove",
          "build-dep",
          "update",
          "groupinstall",
        ]
          .includes(sub.text) &&
        !(sub.text === "update" && APT.includes(invocation.program))
      ) changes.push({ start: sub.end, end: sub.end, text: " -y" });
    }
  }
  if (changes.length === 0) return "every install answers its questions already";
  return { changes, summary: "Answer the package manager's questions with -y" };
};

const unpin: Repair = ({ file, lines, step }) => {
  const gone = new Set(
    lines.flatMap((line) => /Version '[^']*' for '([^']+)' was not found/.exec(line)?.[1] ?? []),
  );
  if (gone.size === 0 || step === null) return "the log does not name the package whose version is gone";
  const changes = runs(file, step).filter((each) => isApt(each, "install")).flatMap((each) =>
    packageWords(each)
  )
    .flatMap((word) => {
      const equals = file.text.slice(word.start, word.end).indexOf("=");
      if (equals === -1 || !gone.has(word.text.split("=")[0]!.split(":")[0]!)) return [];
      const isQuoted = /^["']/.test(file.text.slice(word.start, word.end));
      return [{ start: word.start + equals, end: word.end - (isQuoted ? 1 : 0), text: "" }];
    });
  if (changes.length === 0) return "the version is not pinned in the failing step";
  return { changes, summary: `Take the version that the archive has of ${[...gone].join(", ")}` };
};

/** What a package is called in the release at hand; undefined when that is not known. */
export function aptName(
  name: string,
  { distribution, lines }: DockerCase,
  release: number | null,
): string | undefined {
  const isUbuntu = distribution?.family === "ubuntu";
  const known = Object.hasOwn(APT_NAMES, name) ? APT_NAMES[name] : undefined;
  if (known !== undefined && known.to !== name) {
    const since = isUbuntu ? known.ubuntu : known.debian;
    // apt says that the name is gone: an image without a known release has at least the release it went with.
    if (since === undefined || (since < 99 && (release === null || release >= since))) return known.to;
  }
  for (const { old, debian, ubuntu } of VERSIONED) {
    if (!old.test(name) || release === null) continue;
    const to = (isUbuntu ? ubuntu : debian)[release];
    if (to !== undefined && to !== name) return to;
  }
  const isWithoutPython2 = release === null || release >= (isUbuntu ? 20.04 : 11);
  const twin = /^python-(.+)$/.exec(name)?.[1];
  if (twin !== undefined && isWithoutPython2 && PYTHON_TWINS.has(twin)) return `python3-${twin}`;
  const exact = /^(lib)?python3\.\d+(-dev|-venv|-distutils|-minimal|-dbg)?$/.exec(name);
  // The archive that lacks python3.7 has another python3; a PPA would have been asked for by the Dockerfile.
  if (exact !== null && !lines.some((line) => /deadsnakes|python/.test(line) && /ppa/.test(line))) {
    return `${exact[1] ?? ""}python3${exact[2] ?? ""}`;
  }
  const php = /^php[57](?:\.\d)?-(.+)$/.exec(name)?.[1];
  if (php !== undefined && (release === null || release >= (isUbuntu ? 16.04 : 9))) {
    return ["mcrypt", "mysqlnd", "apcu-bc"].includes(php) ? undefined : `php-${php}`;
  }
  const versioned = /^(postgresql|postgresql-client|postgresql-contrib)-\d+(?:\.\d+)?$/.exec(name)?.[1] ??
    (/^postgresql-server-dev-\d/.test(name) ? "postgresql-server-dev-all" : undefined) ??
    /^(mysql-(?:server|client))-\d\.\d$/.exec(name)?.[1];
  if (versioned !== undefined) {
    return versioned.startsWith("mysql") && !isUbuntu ? `default-${versioned}` : versioned;
  }
  const ruby = /^ruby\d\.\d(-dev)?$/.exec(name);
  if (ruby !== null) return `ruby${ruby[1] ?? ""}`;
  const boost = /^(libboost(?:-[a-z-]+)?)1\.\d\d(?:\.\d)?(-dev)$/.exec(name);
  if (boost !== null) return `${boost[1]}${boost[2]}`;
  const java = /^oracle-java(\d)-(installer|set-default)$/.exec(name);
  const hasJava8 = isUbuntu ? release !== null && release >= 16.04 : release === 9;
  if (java?.[1] === "8" && hasJava8) return java[2] === "installer" ? "openjdk-8-jdk" : "openjdk-8-jdk";
  return undefined;
}

/** The packages that apt could not find, in the log's order. */
export function aptMissing(lines: readonly string[]): string[] {
  return [
    ...new Set(
      lines.flatMap((line) =>
        /E: (?:Unable to locate package (\S+)|Package '?([^' ]+)'? has no installation candidate|Couldn't find any package by (?:regex|glob) '([^']+)')/
          .exec(line)?.slice(1).find((each) => each !== undefined) ?? []
      ),
    ),
  ];
}

const rename: Repair = (found) => {
  const { file, step, lines, distribution } = found;
  const missing = aptMissing(lines);
  if (step === null || missing.length === 0) return "the log does not name the package";
  if (distribution === null || (distribution.family !== "debian" && distribution.family !== "ubuntu")) {
    return "the distribution of the image is not known";
  }
  const release = releaseOf(found);
  const changes: Change[] = [];
  const said: string[] = [];
  const installs = runs(file, step).filter((each) => isApt(each, "install", "build-dep"));
  const present = new Set(installs.flatMap((each) => packageWords(each).map(({ text }) => text)));
  for (const name of missing) {
    const joined = [...COMMON_PACKAGES].flatMap((each) =>
      name.startsWith(each) && COMMON_PACKAGES.has(name.slice(each.length))
        ? [`${each} ${name.slice(each.length)}`]
        : []
    );
    const to = aptName(name, found, release) ?? (joined.length === 1 ? joined[0] : undefined);
    if (to === undefined) return `no other name of ${name} is known`;
    if (to.startsWith("php-") && found.base?.image.startsWith("php:")) {
      return "the image keeps Debian's PHP out";
    }
    // A name with a version in it is also that of a program, which the next lines would call.
    const uses = file.text.split(new RegExp(`(?<![\\w.+-])${RegExp.escape(name)}(?![\\w+-])`)).length - 1;
    const words = installs.flatMap((each) => packageWords(each)).filter(({ text }) =>
      text === name || text.startsWith(`${name}=`)
    );
    // A list kept in a variable is changed where it is defined.
    const places = words.length > 0 ? words : variableWords(found, name);
    if (places.length === 0) return `${name} is not named in the failing step`;
    if (/\d/.test(name) && uses > places.length && !/^lib|^openjdk|^php|^oracle/.test(name)) {
      return `${name} is used by other steps`;
    }
    for (const word of places) {
      if (present.has(to)) changes.push(removeWord(file.text, word));
      else changes.push({ start: word.start, end: word.end, text: to });
    }
    present.add(to);
    said.push(`${name} as ${to}`);
  }
  if (said.some((each) => / as python3-/.test(each))) {
    // What pip or a module of one Python needs of the other would not be found: the command's list moves as one.
    for (const word of installs.flatMap((each) => packageWords(each))) {
      const twin = /^python-(.+)$/.exec(word.text)?.[1];
      if (twin === undefined || missing.includes(word.text) || present.has(`python3-${twin}`)) continue;
      if (PYTHON_TWINS.has(twin) || ["dev", "setuptools", "virtualenv"].includes(twin)) {
        changes.push({ start: word.start, end: word.end, text: `python3-${twin}` });
        said.push(`${word.text} as python3-${twin}`);
      }
    }
  }
  for (const word of laterPackages(found, APT)) {
    const isSame = missing.includes(word.text);
    const to = isSame ? aptName(word.text, found, release) : undefined;
    if (to !== undefined) changes.push({ start: word.start, end: word.end, text: to });
  }
  if (missing.some((name) => /^oracle-java8/.test(name))) {
    for (const match of file.text.matchAll(/\/usr\/lib\/jvm\/java-8-oracle/g)) {
      changes.push({
        start: match.index,
        end: match.index + match[0].length,
        text: "/usr/lib/jvm/java-8-openjdk-amd64",
      });
    }
  }
  return { changes, summary: `Install ${said.join(", ")}: the release has no other` };
};

/** Words of ENV, ARG and assignments that the failing step's lists are made of. */
function variableWords({ file, step, before }: DockerCase, name: string): { start: number; end: number }[] {
  if (step === null || !/\$/.test(step.args)) return [];
  return [...before].filter(({ keyword }) => ["ENV", "ARG", "RUN"].includes(keyword)).flatMap(
    (instruction) => {
      if (instruction.keyword === "RUN" && instruction !== step) return [];
      const pattern = new RegExp(`(?<=[\\s="'])${RegExp.escape(name)}(?=[\\s"']|$)`, "g");
      return [...file.text.slice(instruction.argsAt, instruction.end).matchAll(pattern)].map((match) => ({
        start: instruction.argsAt + match.index,
        end: instruction.argsAt + match.index + name.length,
      }));
    },
  );
}

export const dockerAptRemedies: readonly Remedy[] = [
  dockerRemedy("docker/apt-update", ["apt-update-missing", "apt-index-stale"], updateFirst),
  dockerRemedy("docker/apt-assume-yes", ["apt-missing-assume-yes"], assumeYes),
  dockerRemedy("docker/apt-unpin", ["apt-version-pin-gone"], unpin),
  dockerRemedy("docker/apt-rename", ["apt-package-not-found"], rename, "medium"),
];
