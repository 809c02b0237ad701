/** Repairs of Dockerfiles in which apt fails: missing update, names and versions that are gone, ended releases. */
import { DEBIAN, UBUNTU } from "../../code/distribution.ts";
import { insertBefore } from "../../code/dockerfile.ts";
import type { Change, Instruction } from "../../code/dockerfile.ts";
import { subcommandOf } from "../../code/shell_words.ts";
import type { Invocation } from "../../code/shell_words.ts";
import {
  asRoot,
  dockerRemedy,
  insertCommand,
  installBefore,
  laterPackages,
  packageWords,
  releaseOf,
  removeWord,
  runs,
  userOf,
} from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import { APT_NAMES, COMMON_PACKAGES, PYTHON_TWINS, VERSIONED } from "../tables/apt_names.ts";
import type { Remedy } from "../remedy.ts";

const APT = ["apt-get", "apt", "aptitude"];
const isApt = (invocation: Invocation, ...subs: string[]) =>
  APT.includes(invocation.program) && subs.includes(subcommandOf(invocation)?.text ?? "");

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

const UBUNTU_LTS = new Set([14.04, 16.04, 18.04, 20.04, 22.04, 24.04]);
const NO_CHECK = `echo 'Acquire::Check-Valid-Until "false";' > /etc/apt/apt.conf.d/10no-check-valid-until`;

/** Suites that the log says are gone, such as `wily`, `jessie-backports`. */
function goneSuites(lines: readonly string[]): Set<string> {
  return new Set(
    lines.flatMap((line) => {
      if (!/404|Release|^Err/.test(line) || /ppa\b|launchpad/.test(line)) return [];
      const suite =
        /\/(?:debian|ubuntu)[a-z-]*\/?\s+([a-z]+(?:-[a-z]+)*)(?:\/updates)?(?:\/\w+)?\s*(?:Release|amd64|main|Packages)?/
          .exec(line) ??
          /\/(?:debian|ubuntu)[a-z-]*\/dists\/([a-z]+(?:-[a-z]+)*)\//.exec(line) ??
          /^Err:?\d* \S+ ([a-z]+(?:-[a-z]+)*)[\/ ]/.exec(line);
      return suite?.[1] === undefined ? [] : [suite[1]];
    }).filter((suite) => suite.split("-")[0]! in DEBIAN || suite.split("-")[0]! in UBUNTU),
  );
}

const archiveSources: Repair = (found) => {
  const { file, step, before, lines } = found;
  if (step === null || (step.keyword !== "RUN")) return "the failing step is no RUN";
  const gone = goneSuites(lines);
  if (gone.size === 0) return "the log does not name the release";
  const names = new Set([...gone].map((suite) => suite.split("-")[0]!));
  if (names.size > 1) return `the log names several releases: ${[...names].join(", ")}`;
  const [name = ""] = names;
  const inStep = runs(file, step);
  const sudo = userOf(found) !== null || inStep.some((each) => APT.includes(each.program) && each.sudo);
  if (sudo) return "the step does not run as root";
  const first = before.find((each) =>
    runs(file, each).some((one) => isApt(one, "update", "install")) ||
    (each.keyword === "RUN" && /\/etc\/apt\/sources\.list\b/.test(each.args))
  ) ?? step;
  if (name in UBUNTU) {
    if (UBUNTU_LTS.has(UBUNTU[name]!)) return `${name} is still on the mirrors`;
    return ubuntuArchive(found, first);
  }
  return debianArchive(found, name, gone, first);
};

function ubuntuArchive(found: DockerCase, first: Instruction) {
  const { file, before } = found;
  const own = before.flatMap((each) => each.keyword === "RUN" ? hostsIn(file.text, each, UBUNTU_HOSTS) : []);
  const line =
    "RUN sed -i -r 's#https?://([a-z]+\\.)?(archive|security|ports)\\.ubuntu\\.com#http://old-releases.ubuntu.com#g' /etc/apt/sources.list";
  return {
    changes: [
      insertBefore(file, first, [line]),
      ...own.map(({ start, end }) => ({ start, end, text: "http://old-releases.ubuntu.com" })),
    ],
    summary: "Take packages from old-releases.ubuntu.com: the release is gone from the mirrors",
  };
}

const UBUNTU_HOSTS = /https?:\/\/(?:[a-z]+\.)?(?:archive|security)\.ubuntu\.com/g;

function hostsIn(text: string, instruction: Instruction, pattern: RegExp): { start: number; end: number }[] {
  return [...text.slice(instruction.start, instruction.end).matchAll(pattern)].map((match) => ({
    start: instruction.start + match.index,
    end: instruction.start + match.index + match[0].length,
  }));
}

function debianArchive(found: DockerCase, name: string, gone: ReadonlySet<string>, first: Instruction) {
  const { file, before, distribution } = found;
  // Lines of sources that the Dockerfile writes itself are changed where they are written.
  const pattern = new RegExp(`https?://[^\\s'"]+?/debian/?(?=\\s+${name}(?:-backports|-updates)?\\b)`, "g");
  const own = before.flatMap((each) => each.keyword === "RUN" ? hostsIn(file.text, each, pattern) : []);
  const changes: Change[] = own.map(({ start, end }) => ({
    start,
    end,
    text: "http://archive.debian.org/debian",
  }));
  const written = own.length > 0;
  const onlyBackports = [...gone].every((suite) => suite.endsWith("-backports"));
  if ([...gone].some((suite) => /proposed|lts/.test(suite))) {
    return `the archive has no ${[...gone].join(", ")}`;
  }
  if (
    written && before.some((each) => /aliyun|163\.com|tuna|ustc/.test(each.args) && each.keyword === "RUN")
  ) {
    return "the Dockerfile writes the sources of a mirror";
  }
  if (onlyBackports) {
    const commands = written ? [NO_CHECK] : [
      `sed -i 's#https\\?://[^ ]* ${name}-backports#http://archive.debian.org/debian ${name}-backports#' $(grep -rl ${name}-backports /etc/apt/sources.list /etc/apt/sources.list.d)`,
      NO_CHECK,
    ];
    return {
      changes: [insertBefore(file, first, [`RUN ${commands.join(" \\\n    && ")}`]), ...changes],
      summary: `Take ${name}-backports from archive.debian.org: it is gone from the mirrors`,
    };
  }
  if (typeof distribution?.release === "string" && distribution.release !== name) {
    return `the image is ${distribution.release}, not ${name}`;
  }
  if (written) {
    return {
      changes: [insertBefore(file, first, [`RUN ${NO_CHECK}`]), ...changes],
      summary: `Take ${name} from archive.debian.org: it is gone from the mirrors`,
    };
  }
  const trusted = DEBIAN[name]! >= 7 ? "[trusted=yes] " : "";
  const sources = [
    `deb ${trusted}http://archive.debian.org/debian ${name} main`,
    ...(DEBIAN[name]! >= 7
      ? [`deb ${trusted}http://archive.debian.org/debian-security ${name}/updates main`]
      : []),
  ];
  return {
    changes: [insertBefore(file, first, [
      `RUN printf '${sources.join("\\n")}\\n' > /etc/apt/sources.list \\`,
      "    && rm -f /etc/apt/sources.list.d/*.list \\",
      `    && ${NO_CHECK}`,
    ])],
    summary: `Take ${name} from archive.debian.org: it is gone from the mirrors`,
    risk: "medium" as const,
  };
}

const gnupg: Repair = (found) => {
  const program = runs(found.file, found.step ?? found.file.instructions[0]!).find((each) =>
    /^(?:apt-key|gpg|gpg2|dirmngr)$/.test(each.program)
  )?.program;
  const packages = found.lines.some((line) => /dirmngr/.test(line)) ? ["gnupg", "dirmngr"] : ["gnupg"];
  const changes = installBefore(found, packages, program);
  return typeof changes === "string"
    ? changes
    : { changes, summary: `Install ${packages.join(" and ")} before the key is read` };
};

const httpsTransport: Repair = (found) => {
  const { file, before } = found;
  const source = before.find((each) =>
    ["RUN", "COPY", "ADD"].includes(each.keyword) &&
    (/https:\/\//.test(each.args) &&
        /sources\.list|add-apt-repository|apt-add-repository|setup_\d|setup /.test(each.args) ||
      /\.list\b/.test(each.args) && each.keyword !== "RUN" || /add-apt-repository/.test(each.args))
  );
  if (source === undefined) return "the Dockerfile does not add the https source itself";
  return {
    changes: [
      insertBefore(
        file,
        source,
        asRoot({ before: before.slice(0, before.indexOf(source) + 1), step: source }, [
          "RUN apt-get update && apt-get install -y --no-install-recommends apt-transport-https ca-certificates && rm -rf /var/lib/apt/lists/*",
        ]),
      ),
    ],
    summary: "Install apt-transport-https before the https source is added",
  };
};

const debSources: Repair = (found) => {
  const { file, step } = found;
  const invocations = step === null ? [] : runs(file, step);
  const at = invocations.findIndex((each) => isApt(each, "build-dep", "source"));
  const update = invocations.slice(0, Math.max(0, at)).find((each) => isApt(each, "update"));
  if (at === -1) return "the failing step does not run apt-get build-dep itself";
  const command = "sed -n 's/^deb /deb-src /p' /etc/apt/sources.list > /etc/apt/sources.list.d/deb-src.list";
  return {
    changes: [
      insertCommand(
        found,
        update === undefined ? `${command} && apt-get update` : command,
        update ?? invocations[at],
      ),
    ],
    summary: "Name the sources of source packages",
  };
};

const KEY_SERVERS =
  /(?:hkps?:\/\/|https?:\/\/)?(?:[a-z0-9-]+\.)*(?:sks-keyservers\.net|pgp\.mit\.edu|pgpkeys\.mit\.edu|keys\.gnupg\.net|keyserver\.pgp\.com|pgp\.key-server\.io|keys\.fedoraproject\.org)(?::\d+)?/g;

const keyServer: Repair = ({ file, step }) => {
  if (step === null) return "the log does not show which step failed";
  const places = hostsIn(file.text, step, KEY_SERVERS);
  if (places.length === 0) return "the failing step names no key server that is known to be gone";
  return {
    changes: places.map(({ start, end }) => ({ start, end, text: "hkp://keyserver.ubuntu.com:80" })),
    summary: "Ask keyserver.ubuntu.com for the key: the key server is gone",
  };
};

const archiveKey: Repair = (found) => {
  const { file, step, lines, distribution, before } = found;
  const keys = [
    ...new Set(lines.flatMap((line) => /(?:NO_PUBKEY|EXPKEYSIG) ([0-9A-F]{8,40})\b/.exec(line)?.[1] ?? [])),
  ];
  if (step === null || keys.length === 0) return "the log does not name the key";
  if (
    lines.some((line) => /debian\.(?:org|example)|ubuntu\.com/.test(line) && /NO_PUBKEY|EXPKEYSIG/.test(line))
  ) {
    return "the key of the distribution's own archive is old: the base image has to be newer";
  }
  const release = releaseOf(found);
  const hasGnupg = before.some((each) => each !== step && /\bgnupg|apt-key\b/.test(each.args)) ||
    (release !== null && (distribution?.family === "ubuntu" ? release <= 16.04 : release <= 8)) ||
    /nvidia|buildpack|node|ruby|python|golang/.test(found.base?.image ?? "");
  if (!hasGnupg) return "nothing in the image can read a key before apt-get update works";
  // A source that the failing step itself adds has its key fetched there.
  if (runs(file, step).some((each) => each.program === "apt-key")) {
    return "the failing step fetches a key itself";
  }
  return {
    changes: [insertBefore(
      file,
      step,
      asRoot(found, [
        `RUN apt-key adv --keyserver hkp://keyserver.ubuntu.com:80 --recv-keys ${keys.join(" ")}`,
      ]),
    )],
    summary: `Fetch the key ${keys.join(", ")}`,
    risk: "medium",
  };
};

const manPages: Repair = (found) => {
  const { file, step, lines } = found;
  if (
    !lines.some((line) =>
      /\/usr\/share\/man\/man\d.*(?:No such file|error creating symbolic link)|error creating symbolic link '\/usr\/share\/man/
        .test(line)
    )
  ) {
    return "the log does not say what the package's script lacked";
  }
  const install = step === null ? undefined : runs(file, step).find((each) => isApt(each, "install"));
  if (install === undefined) return "the failing step does not run apt-get install itself";
  return {
    changes: [insertCommand(found, "mkdir -p /usr/share/man/man1", install)],
    summary: "Make the folder of manual pages that the package's script writes to",
  };
};

export const dockerAptRemedies: readonly Remedy[] = [
  dockerRemedy("docker/apt-update", ["apt-update-missing", "apt-index-stale"], updateFirst),
  dockerRemedy("docker/apt-assume-yes", ["apt-missing-assume-yes"], assumeYes),
  dockerRemedy("docker/apt-unpin", ["apt-version-pin-gone"], unpin),
  dockerRemedy("docker/apt-rename", ["apt-package-not-found"], rename, "medium"),
  dockerRemedy("docker/archive-sources", ["apt-release-eol"], archiveSources),
  dockerRemedy("docker/gnupg", ["gnupg-missing"], gnupg),
  dockerRemedy("docker/apt-https-transport", ["apt-https-transport-missing"], httpsTransport),
  dockerRemedy("docker/apt-deb-src", ["apt-source-uris-missing"], debSources),
  dockerRemedy("docker/key-server", ["gpg-key-fetch-failed"], keyServer),
  dockerRemedy("docker/apt-key", ["apt-gpg-key"], archiveKey, "medium"),
  dockerRemedy("docker/man-pages", ["dpkg-configure-failed"], manPages),
];
