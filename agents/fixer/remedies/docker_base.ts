/** Repairs that take another base image: a newer or older language, another platform, an image that moved. */
import semver from "semver";
import { insertAfter, parseImage, stagesOf } from "../../code/dockerfile.ts";
import type { Change } from "../../code/dockerfile.ts";
import { baseRepository, baseVersion, compareVersions, moveBase } from "../base_image.ts";
import { dockerRemedy } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import type { Remedy } from "../remedy.ts";

const PYTHON = /^(?:python|pypy)$/;
const NODE = /^(?:node|mhart\/alpine-node)$/;
const RUBY = /^ruby$/;
const GOLANG = /^golang$/;

const moved = (changes: Change[] | string, summary: string) =>
  typeof changes === "string" ? changes : { changes, summary, risk: "medium" as const };

/** Every line that may say what is needed: the captures first. */
const said = (found: DockerCase) => [
  ...Object.values(found.captures),
  found.context.diagnosis.evidence?.text ?? "",
  ...found.lines,
];

function highest(versions: readonly string[]): string | undefined {
  return versions.toSorted(compareVersions).at(-1);
}

const MINOR = /^(\d+)(?:\.(\d+))?/;
const toMinor = (version: string) => {
  const match = MINOR.exec(version);
  return match === null ? version : `${match[1]}.${match[2] ?? "0"}`;
};

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

/** Minor version of Go 1 that first has a package or a name. */
const GO_SINCE: Readonly<Record<string, number>> = {
  "go/constant": 5,
  "go/importer": 5,
  "context": 7,
  "net/http/httptrace": 7,
  "internal/bytealg": 11,
  "sort.Slice": 8,
  "sort.SliceStable": 8,
  "http.NoBody": 8,
  "http.Pusher": 8,
  "http.ErrServerClosed": 8,
  "url.PathEscape": 8,
  "url.PathUnescape": 8,
  "math/bits": 9,
  "sync.Map": 9,
  "types.SizesFor": 9,
  "strings.Builder": 10,
  "rand.Shuffle": 10,
  "os.IsTimeout": 10,
  "http.SameSite": 11,
  "http.SameSiteLaxMode": 11,
  "http.SameSiteStrictMode": 11,
  "os.UserCacheDir": 11,
  "strings.ReplaceAll": 12,
  "bytes.ReplaceAll": 12,
  "os.UserHomeDir": 12,
  "debug.ReadBuildInfo": 12,
  "errors.Is": 13,
  "errors.As": 13,
  "errors.Unwrap": 13,
  "crypto/ed25519": 13,
  "http.SameSiteNoneMode": 13,
  "hash/maphash": 14,
  "time/tzdata": 15,
  "embed": 16,
  "io/fs": 16,
  "io.ReadAll": 16,
  "io.Discard": 16,
  "io.NopCloser": 16,
  "os.ReadFile": 16,
  "os.WriteFile": 16,
  "os.ReadDir": 16,
  "os.DirEntry": 16,
  "os.MkdirTemp": 16,
  "os.CreateTemp": 16,
  "any": 18,
  "strings.Cut": 18,
  "bytes.Cut": 18,
  "net/netip": 18,
  "atomic.Pointer": 19,
  "atomic.Int64": 19,
  "atomic.Int32": 19,
  "atomic.Bool": 19,
  "url.JoinPath": 19,
  "errors.Join": 20,
  "slices": 21,
  "maps": 21,
  "cmp": 21,
  "log/slog": 21,
  "min": 21,
  "max": 21,
};
const GO_NAMES = [
  /undefined: ([\w.]+)/,
  /\b([a-z]+\.[A-Z]\w+) undefined/,
  /(?:package|imports) ([\w/]+): unrecognized import path/,
  /cannot find package "([\w/]+)"/,
  /cannot load ([\w/]+):/,
  /package ([\w/]+) is not in (?:GOROOT|std)/,
  /(\w+) not declared by package errors/,
];
const GO_REQUIRES =
  /requires go >= ?1\.(\d+)|(?:module|note: module|go\.mod) requires (?:G|g)o (?:>= ?)?1\.(\d+)|Go version 1\.(\d+)\S* required/;

const newerGo: Repair = (found) => {
  const { file } = found;
  const current = baseVersion(found);
  let needed = 0;
  for (const line of said(found)) {
    const required = GO_REQUIRES.exec(line)?.slice(1).find((each) => each !== undefined);
    if (required !== undefined) needed = Math.max(needed, Number(required));
    for (const sign of GO_NAMES) {
      const name = sign.exec(line)?.[1] ?? "";
      if (Object.hasOwn(GO_SINCE, name)) needed = Math.max(needed, GO_SINCE[name]!);
    }
    if (/\/v\d+(?:\/\S*)?"? in any of|unknown subcommand "mod"/.test(line)) needed = Math.max(needed, 11);
  }
  if (needed === 0) return "the log does not say which Go is needed";

  // What dependencies need at their newest moves on together: 1.13 is the oldest most still build with, and up
  // to 1.15 code in GOPATH builds as before.
  const minor = Math.max(needed, 13);
  if (baseRepository(found) === "alpine") return goOfAlpine(found, minor);
  if (!GOLANG.test(baseRepository(found))) return goTarball(found, minor);
  const now = current === null ? Infinity : Number(MINOR.exec(current)?.[2] ?? NaN);
  if (!(now < needed)) return `the image has Go ${current ?? "at its newest"} already`;
  if (found.base !== undefined && /^golang:[\d.]+-onbuild$/.test(found.base.image)) {
    return withoutOnbuild(found, minor, needed);
  }
  const changes = moveBase(found, GOLANG, `1.${minor}`);
  if (typeof changes === "string") return changes;
  const wrapper = goWrapper(file.text);
  return typeof wrapper === "string"
    ? wrapper
    : moved([...changes, ...wrapper], `Take the image of Go 1.${minor}: the code needs at least 1.${needed}`);
};

/** Newer images do not build on their own: what `golang:onbuild` did is written out. */
function withoutOnbuild({ file, base }: DockerCase, minor: number, needed: number) {
  const { start, end, instruction } = base!;
  const after = file.instructions.filter((each) => each.start > instruction.start);
  const steps = [
    "WORKDIR /go/src/app",
    "COPY . .",
    "RUN go get -d -v ./...",
    "RUN go install -v ./...",
    ...(after.some(({ keyword }) => keyword === "CMD" || keyword === "ENTRYPOINT") ? [] : ['CMD ["app"]']),
  ];
  return moved(
    [{ start, end, text: `golang:1.${minor}` }, insertAfter(file, instruction, steps)],
    `Take the image of Go 1.${minor}, with the steps that the onbuild image ran: the code needs at least 1.${needed}`,
  );
}

/** Go in each release of Alpine. */
const ALPINE_GO: readonly [release: string, minor: number][] = [
  ["3.11", 13],
  ["3.13", 15],
  ["3.14", 16],
  ["3.15", 17],
  ["3.16", 18],
  ["3.18", 20],
  ["3.19", 21],
  ["3.20", 22],
];

function goOfAlpine(found: DockerCase, minor: number) {
  const { base } = found;
  const current = baseVersion(found);
  const to = ALPINE_GO.find(([, go]) => go >= minor)?.[0];
  if (
    base === undefined || current === null || to === undefined || !/^alpine:[\d.]+$/.test(base.image) ||
    compareVersions(current, to) >= 0
  ) {
    return `${base?.image ?? "the base image"} is no golang image`;
  }
  return moved(
    [{ start: base.start, end: base.end, text: `alpine:${to}` }],
    `Take Alpine ${to}, whose Go is new enough`,
  );
}

/** Images since 1.10 have no `go-wrapper`: what it ran is written out. */
function goWrapper(text: string): Change[] | string {
  const changes: Change[] = [];
  for (const match of text.matchAll(/\bgo-wrapper[ \t]+(download|install)\b/g)) {
    const to = match[1] === "download" ? "go get -d -v ./..." : "go install -v ./...";
    changes.push({ start: match.index, end: match.index + match[0].length, text: to });
  }
  const runs = [...text.matchAll(/\[\s*"go-wrapper",\s*"run"\s*(?=[,\]])/g)];
  const folder = [...text.matchAll(/^[ \t]*WORKDIR[ \t]+\S*?([\w.-]+)\/?[ \t]*$/gim)].at(-1)?.[1];
  if (runs.length > 0 && folder === undefined) return "what go-wrapper would run is not known";
  for (const match of runs) {
    changes.push({ start: match.index, end: match.index + match[0].length, text: `["${folder}"` });
  }
  return changes;
}

/** Images that fetch Go themselves name the version in a variable. */
function goTarball({ file, base }: DockerCase, minor: number) {
  const match = /\b(?:ENV|ARG)\s+(?:GO_?LANG_|GO_?)VERSION[= ]["']?(?:go)?(1\.(\d+)(?:\.\d+)?)/i.exec(
    file.text,
  );
  if (match === null || Number(match[2]) >= minor) {
    return `${base?.image ?? "the base image"} is no golang image`;
  }
  if (/sha256|checksum/i.test(file.text)) return "the Dockerfile checks the hash of the Go that it fetches";
  const end = match.index + match[0].length;
  return moved([{ start: end - match[1]!.length, end, text: `1.${minor}` }], `Fetch Go 1.${minor}`);
}

const NODE_MAJORS = [8, 10, 12, 14, 16, 18, 20, 22];

const nodeInRange: Repair = (found) => {
  for (const line of said(found)) {
    const range =
      /engine "node" is incompatible with this module\. Expected version "([^"]+)"/.exec(line)?.[1] ??
        /(?:wanted|Required): \{"?node"?:"([^"]+)"/.exec(line)?.[1] ??
        /required: \{ node: '([^']+)'/.exec(line)?.[1];
    if (range === undefined) continue;
    if (!semver.validRange(range)) return `the range ${range} is not understood`;
    const current = baseVersion(found);
    if (/^\d+\.\d+\.\d+$/.test(range)) {
      return moved(
        moveBase(found, /^node$/, range),
        `Take the image of Node ${range}, which the manifest asks for`,
      );
    }
    const from = current === null ? 0 : Number(current.split(".")[0]);
    // The newest release of a line satisfies what any release of it does.
    const fits = NODE_MAJORS.filter((major) =>
      semver.satisfies(`${major}.99.0`, range) || semver.subset(`^${major}.0.0`, range) ||
      semver.intersects(`>=${major}.15.0 <${major + 1}.0.0`, range)
    );
    const major = fits.find((each) => each > from) ?? fits.at(-1);
    if (major === undefined) return `no line of Node is within ${range}`;
    return moved(moveBase(found, NODE, String(major)), `Take the image of Node ${major}, within ${range}`);
  }
  return "the log does not show the range";
};

const newerNode: Repair = (found) => {
  const current = Number(baseVersion(found)?.split(".")[0] ?? NaN);
  if (Number.isNaN(current)) return "the version of Node in the image is not known";
  const lines = said(found);
  const wanted = lines.flatMap((line) => {
    const range =
      /Required: \{"?node"?:"([^"]+)"|required: \{ node: '([^']+)'|requires? (?:Node(?:\.js)?|node) (?:version )?(?:>= ?)?v?(\d+(?:\.\d+)*)/i
        .exec(line)
        ?.slice(1).find((each) => each !== undefined);
    const lowest = range === undefined || !semver.validRange(range)
      ? null
      : semver.minVersion(range)?.major ?? null;
    return lowest === null ? [] : [lowest];
  });
  const bySyntax = lines.some((line) => /Unexpected token '?(?:\?\?=|\|\|=)/.test(line))
    ? 16
    : lines.some((line) => /Unexpected token '?(?:\.|\?)'?\s*$/.test(line)) ||
        lines.some((line) => /Cannot find module 'node:/.test(line))
    ? 16
    : 12;
  const need = Math.max(bySyntax, ...wanted);
  const major = NODE_MAJORS.find((each) => each >= need && each > current);
  if (major === undefined) return `the image has Node ${current} already`;
  return moved(
    moveBase(found, NODE, String(major)),
    `Take the image of Node ${major}, whose syntax the packages use`,
  );
};

const newerNpm: Repair = (found) => {
  const current = Number(baseVersion(found)?.split(".")[0] ?? NaN);
  if (!(current < 8)) return "the image's npm is not that old";
  return moved(moveBase(found, NODE, "8"), "Take the image of Node 8, whose npm fits the registry");
};

const olderNode: Repair = (found) => {
  const current = baseVersion(found);
  const major = current === null ? Infinity : Number(current.split(".")[0]);
  const lines = said(found);
  const isV8Of12 = lines.some((line) =>
    /v8::(?:FunctionTemplate::GetFunction|String::Utf8Value|Value::(?:IntegerValue|Int32Value|Uint32Value|NumberValue|BooleanValue|ToString|ToObject)|Object::(?:Get|Set|Has)|Function::NewInstance|Isolate\*)|v8::Local<v8::Context>|HandleScope|AccessorInfo|has no member named '(?:ForceSet|ToObject)'|no member named 'HandleScope'/
      .test(line)
  );
  if (!isV8Of12 || major < 12) return "the log does not show which Node the addon was made for";
  return moved(
    moveBase(found, NODE, "10"),
    "Take the image of Node 10, the last whose V8 has the interface of the addon",
  );
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

/** Images for other processors and the image they were made from. */
const PLATFORM_NAMES: readonly [RegExp, string][] = [
  [
    /^(?:arm32v[567]|arm64v8|aarch64|armhf|ppc64le|s390x|riscv64|arm64|armv7|armel|mips64le)\/([\w.-]+)/,
    "$1",
  ],
  [/^(?:resin|balenalib|balena)\/(?:rpi|raspberry-?pi\d?(?:-64)?|armv7hf|armhf|aarch64)-raspbian/, "debian"],
  [
    /^(?:resin|balenalib|balena)\/(?:rpi|raspberry-?pi\d?(?:-64)?|armv7hf|armhf|aarch64|intel-nuc|amd64|i386)-debian/,
    "debian",
  ],
  [
    /^(?:resin|balenalib|balena)\/(?:rpi|raspberry-?pi\d?(?:-64)?|armv7hf|armhf|aarch64)-alpine(?=$|:)/,
    "alpine",
  ],
  [
    /^(?:resin|balenalib|balena)\/(?:rpi|raspberry-?pi\d?(?:-64)?|armv7hf|armhf|aarch64)-(?:(?:debian|alpine|ubuntu)-)?(python|node|golang|buildpack-deps)/,
    "$1",
  ],
  [/^hypriot\/(?:rpi|armhf)-(alpine|node|python|golang)/, "$1"],
  [/^hypriot\/armhf-(\w+)/, "$1"],
  [
    /^(?:armbuild|armhfbuild|armv7|armhf)\/(debian|ubuntu|alpine|node|python|golang|nginx|busybox|ruby)/,
    "$1",
  ],
  [/^raspbian\/(?:stretch|jessie)/, "debian"],
];

const otherPlatform: Repair = (found) => {
  const { file } = found;
  if (/cross-build-(?:start|end)|qemu-\w+-static/.test(file.text)) {
    return "the Dockerfile is made for an emulated processor";
  }
  const changes: Change[] = [];
  let said = "";
  for (const from of stagesOf(file)) {
    if (from.image.includes("$")) continue;
    for (const [sign, to] of PLATFORM_NAMES) {
      const match = sign.exec(from.image);
      if (match === null) continue;
      const name = from.image.replace(sign, to);
      if (!/^[a-z0-9._/-]+(?::[\w.-]+)?$/.test(name)) break;
      changes.push({ start: from.start, end: from.end, text: name });
      said = name;
      break;
    }
    const multiarch = /^(multiarch\/[\w-]+:)(?:armhf|arm64|aarch64|armel)(-.*)$/.exec(from.image);
    if (multiarch !== null) {
      said = `${multiarch[1]}amd64${multiarch[2]}`;
      changes.push({ start: from.start, end: from.end, text: said });
    }
  }
  if (changes.length === 0) return "no twin of the base image for this processor is known";
  return moved(changes, `Take ${said}, the same image for this processor`);
};

/** Images that moved, with the tag kept. */
const MOVED: readonly [RegExp, string][] = [
  [/^base\/archlinux$/, "archlinux"],
  [/^archlinux\/base$/, "archlinux"],
  [/^java$/, "openjdk"],
  [/^microsoft\/aspnetcore$/, "mcr.microsoft.com/dotnet/core/aspnet"],
  [/^microsoft\/aspnetcore-build$/, "mcr.microsoft.com/dotnet/core/sdk"],
  [/^microsoft\/powershell$/, "mcr.microsoft.com/powershell"],
  [/^microsoft\/mssql-server-linux$/, "mcr.microsoft.com/mssql/server"],
  [/^microsoft\/azure-cli$/, "mcr.microsoft.com/azure-cli"],
  [/^google\/cloud-sdk$/, "gcr.io/google.com/cloudsdktool/cloud-sdk"],
  [/^(?:nodesource|library)\/(?:jessie|wheezy|trusty|xenial)$/, "node"],
];

const movedImage: Repair = ({ file, step }) => {
  const from = stagesOf(file).find(({ instruction }) => instruction === step);
  if (from === undefined || from.image.includes("$")) return "the failing step names no image";
  const { repository, tag } = parseImage(from.image);
  const to = MOVED.find(([sign]) => sign.test(repository))?.[1];
  if (to === undefined) return `where ${repository} moved to is not known`;
  return moved(
    [{ start: from.start, end: from.end, text: tag === null ? to : `${to}:${tag}` }],
    `Take ${to}: the image moved there`,
  );
};

const base = (id: string, causes: readonly string[], repair: Repair) =>
  dockerRemedy(id, causes, repair, "medium");

export const dockerBaseRemedies: readonly Remedy[] = [
  base("docker/newer-python", ["python-too-old"], newerPython),
  base("docker/older-python", ["python-too-new"], olderPython),
  base("docker/pipfile-python", ["pipfile-python-mismatch"], pipfilePython),
  base("docker/newer-go", ["go-too-old"], newerGo),
  base("docker/node-in-range", ["node-engine-mismatch"], nodeInRange),
  base("docker/newer-node", ["node-too-old"], newerNode),
  base("docker/newer-npm", ["npm-client-too-old"], newerNpm),
  base("docker/older-node", ["native-addon-node-too-new", "node-too-new"], olderNode),
  base("docker/gemfile-ruby", ["ruby-version-gemfile"], rubyOfGemfile),
  base("docker/newer-ruby", ["gem-needs-newer-ruby"], newerRuby),
  base("docker/newer-rust", ["rust-toolchain-too-old"], newerRust),
  base("docker/java", ["java-version-mismatch"], otherJava),
  base("docker/newer-cmake", ["cmake-too-old"], newerCmake),
  base("docker/platform", ["base-image-wrong-platform"], otherPlatform),
  base("docker/moved-image", ["base-image-not-found"], movedImage),
];
