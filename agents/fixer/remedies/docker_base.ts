/** Repairs that take another version of a language: Python, Ruby, Rust, Java, or a release with another CMake. */
import {
  baseRepository,
  baseVersion,
  compareVersions,
  highest,
  moveBase,
  moved,
  said,
  toMinor,
} from "../base_image.ts";
import { dockerRemedy } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import type { Remedy } from "../remedy.ts";

const PYTHON = /^(?:python|pypy)$/;

const RUBY = /^ruby$/;

const PYTHON_NEEDS = [
  /requires Python ['"]?[^'"\d]*>=\s*(3\.\d+)/gi,
  /Requires-Python[^\d>]*>=\s*(3\.\d+)/gi,
  /Python (?:version )?>=?\s*(3\.\d+)(?:[\d.]*)? (?:is )?required/gi,
  /Python (3\.\d+)\+? or (?:above|newer|later|higher|greater)/gi,
  /requires Python (3\.\d+)(?:\+| or)/gi,
  /(?:only )?supports Python (3\.\d+) and above/gi,
  /requires at least Python (3\.\d+)/gi,
  /requires Python (?:2\.\d[\d.]* or |2\.7 or )?(3\.\d+)/gi,
  /Python (3\.\d+)\+ /g,
];

const newerPython: Repair = (found) => {
  if (!PYTHON.test(baseRepository(found))) {
    return `${found.base?.image ?? "the base image"} is no python image`;
  }
  if (baseRepository(found) === "pypy") return "pypy's versions are not Python's";
  const current = baseVersion(found);
  if (current === null || current.startsWith("2")) {
    return "the code may need Python 2: only its owner can move it to Python 3";
  }
  const needs = said(found).flatMap((line) =>
    PYTHON_NEEDS.flatMap((sign) => [...line.matchAll(sign)].map((m) => m[1]!))
  );
  const isFString = found.lines.some((line) => /^\s+.*\bf["']|^\s+.*\bf"""/.test(line));
  if (isFString) needs.push("3.6");
  // A walrus, positional-only parameters and `dict | dict` date a syntax error as well.
  if (found.lines.some((line) => /^\s+.*\(\w+ := /.test(line))) needs.push("3.8");
  const needed = highest(needs.filter((each) => compareVersions(each, toMinor(current)) > 0));
  if (needed === undefined) return "the log does not say which Python is needed";
  // Packages that dropped the current version move on together: the oldest that still runs them all is needed.
  return moved(moveBase(found, PYTHON, needed), `Take the image of Python ${needed}, which a package needs`);
};

/** What was removed from Python, and the last version that has it. */
const PYTHON_REMOVED: readonly [RegExp, string][] = [
  [
    /PyInterpreterState|PyThreadState.*exc_(?:type|value|traceback)|async=|'async'|\basync\b.*\n?.*SyntaxError/,
    "3.6",
  ],
  [
    /module 'platform' has no attribute '(?:linux_distribution|dist)'|module 'time' has no attribute 'clock'|PyCode_New|tp_print/,
    "3.7",
  ],
  [
    /module 'collections' has no attribute '(?:Mapping|MutableMapping|Callable|Iterable|Sequence|MutableSet|Set|Hashable)'|cannot import name '(?:Mapping|MutableMapping|Callable|Iterable|Sequence|gcd)'/,
    "3.9",
  ],
  [
    /longintrepr\.h|has no attribute '(?:getargspec|formatargspec)'|_PyFloat_|_frame.*incomplete|PyFrameObject/,
    "3.10",
  ],
  [
    /has no attribute 'ImpImporter'|No module named '(?:distutils|imp|asyncore|asynchat|smtpd)'|configparser.*SafeConfigParser|ob_digit/,
    "3.11",
  ],
];

const olderPython: Repair = (found) => {
  const lines = said(found);
  const limit = PYTHON_REMOVED.find(([sign]) => lines.some((line) => sign.test(line)))?.[1];
  if (limit === undefined) return "the log does not say what the newer Python lacks";
  const current = baseVersion(found);
  if (current !== null && current.includes(".") && compareVersions(toMinor(current), limit) <= 0) {
    return `the image is Python ${current} already`;
  }
  return moved(
    moveBase(found, /^python$/, limit),
    `Take the image of Python ${limit}, the last that has what a package uses`,
  );
};

const pipfilePython: Repair = (found) => {
  for (const line of said(found)) {
    const version =
      /Python (\d\.\d+) was not found on your system|requires Python (\d\.\d+)|python_version (\d\.\d+)/.exec(
        line,
      )
        ?.slice(1).find((each) => each !== undefined);
    if (version !== undefined) {
      return moved(
        moveBase(found, /^python$/, version),
        `Take the image of Python ${version}, which the Pipfile asks for`,
      );
    }
  }
  return "the log does not name the version";
};

const rubyOfGemfile: Repair = (found) => {
  for (const line of said(found)) {
    const version = /your Gemfile specified (?:~> |>= )?(\d+\.\d+(?:\.\d+)?)/.exec(line)?.[1];
    if (version === undefined) continue;
    const passenger = /^(phusion\/passenger-ruby)\d\d(:.*)?$/.exec(found.base?.image ?? "");
    if (passenger !== null && found.base !== undefined) {
      const name = `${passenger[1]}${version.split(".").slice(0, 2).join("")}${passenger[2] ?? ""}`;
      const { start, end } = found.base;
      return moved(
        [{ start, end, text: name }],
        `Take the image of Ruby ${toMinor(version)}, which the Gemfile asks for`,
      );
    }
    return moved(
      moveBase(found, RUBY, version),
      `Take the image of Ruby ${version}, which the Gemfile asks for`,
    );
  }
  return "the log does not name the version";
};

export function neededRuby(found: DockerCase): string | undefined {
  return highest(
    said(found).flatMap((line) =>
      [...line.matchAll(/requires (?:R|r)uby version (?:>= ?|~> ?)?(\d+\.\d+)/g)].map((match) => match[1]!)
    ),
  );
}

const newerRuby: Repair = (found) => {
  const needed = neededRuby(found);
  if (needed === undefined) return "the log does not name the version";
  return moved(moveBase(found, RUBY, needed), `Take the image of Ruby ${needed}, which a gem needs`);
};

const newerRust: Repair = (found) => {
  const needed = highest(
    said(found).flatMap((line) =>
      [...line.matchAll(/requires rustc (\d+\.\d+)|rustc (\d+\.\d+)(?:\.\d+)? or newer/g)].map((match) =>
        match[1] ?? match[2]!
      )
    ),
  );
  if (needed === undefined) return "the log does not name the version";
  return moved(moveBase(found, /^rust$/, needed), `Take the image of Rust ${needed}, which a crate needs`);
};

const otherJava: Repair = (found) => {
  for (const line of said(found)) {
    const match =
      /class file version (\d\d)\.|(?:release version|invalid target release:|invalid source release:) (?:1\.)?(\d+)/
        .exec(line);
    if (match === null) continue;
    const java = match[1] === undefined ? Number(match[2]) : Number(match[1]) - 44;
    const { base } = found;
    const tag =
      /^((?:\S*\/)?(?:openjdk|eclipse-temurin|adoptopenjdk|amazoncorretto|maven|gradle):(?:[\w.-]*jdk-?|[\d.]+-(?:jdk|openjdk)-?)?)(\d+)([\w.-]*)$/
        .exec(base?.image ?? "");
    if (tag === null || base === undefined) {
      return `${base?.image ?? "the base image"} does not name a version of Java`;
    }
    if (Number(tag[2]) >= java) return `the image has Java ${tag[2]} already`;
    const { start, end } = base;
    return moved(
      [{ start, end, text: `${tag[1]}${java}${tag[3]}` }],
      `Take the image of Java ${java}, which the build asks for`,
    );
  }
  return "the log does not name the version";
};

/** CMake in each release's archive. */
const CMAKES: Readonly<Record<string, readonly [release: string, cmake: string][]>> = {
  ubuntu: [["14.04", "2.8"], ["16.04", "3.5"], ["18.04", "3.10"], ["20.04", "3.16"], ["22.04", "3.22"], [
    "24.04",
    "3.28",
  ]],
  debian: [["jessie", "3.0"], ["stretch", "3.7"], ["buster", "3.13"], ["bullseye", "3.18"], [
    "bookworm",
    "3.25",
  ]],
};

const newerCmake: Repair = (found) => {
  const needed = said(found).map((line) => /CMake (\d+\.\d+)(?:\.\d+)? or higher is required/.exec(line)?.[1])
    .find((each) => each !== undefined);
  const releases = CMAKES[baseRepository(found)];
  const { base } = found;
  if (needed === undefined || releases === undefined || base === undefined || base.image.includes("$")) {
    return "the base image is no release whose CMake is known";
  }
  const to = releases.find(([, cmake]) => compareVersions(cmake, needed) >= 0)?.[0];
  if (to === undefined) return `no release has CMake ${needed}`;
  const slim = /-slim$/.test(base.image) ? "-slim" : "";
  const { start, end } = base;
  return moved(
    [{ start, end, text: `${baseRepository(found)}:${to}${slim}` }],
    `Take ${to}, whose CMake is at least ${needed}`,
  );
};

const base = (id: string, causes: readonly string[], repair: Repair) =>
  dockerRemedy(id, causes, repair, "medium");

export const dockerBaseRemedies: readonly Remedy[] = [
  base("docker/newer-python", ["python-too-old"], newerPython),
  base("docker/older-python", ["python-too-new"], olderPython),
  base("docker/pipfile-python", ["pipfile-python-mismatch"], pipfilePython),
  base("docker/gemfile-ruby", ["ruby-version-gemfile"], rubyOfGemfile),
  base("docker/newer-ruby", ["gem-needs-newer-ruby"], newerRuby),
  base("docker/newer-rust", ["rust-toolchain-too-old"], newerRust),
  base("docker/java", ["java-version-mismatch"], otherJava),
  base("docker/newer-cmake", ["cmake-too-old"], newerCmake),
];
