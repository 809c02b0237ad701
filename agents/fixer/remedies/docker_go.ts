/** Repairs of Dockerfiles whose Go is too old, or whose packages nothing has fetched. */
import { insertAfter } from "../../code/dockerfile.ts";
import type { Change } from "../../code/dockerfile.ts";
import { baseRepository, baseVersion, compareVersions, MINOR, moveBase, moved, said } from "../base_image.ts";
import { dockerRemedy, insertCommand, runs } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import type { Remedy } from "../remedy.ts";

const GOLANG = /^golang$/;

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

const base = (id: string, causes: readonly string[], repair: Repair) =>
  dockerRemedy(id, causes, repair, "medium");

/** Packages that nothing has fetched: the sources are there, what they import is not. */
const goGet: Repair = (found) => {
  const { file, step, lines, context } = found;
  if (step === null) return "the log does not show which step failed";
  const missing = lines.flatMap((line) =>
    /: cannot find package "([\w-]+\.\w[^"]*)" in any of/.exec(line)?.[1] ?? []
  );
  const all = file.instructions.map(({ args }) => args).join("\n");
  if (
    missing.length === 0 ||
    /\bgo (?:get|mod)\b|\b(?:dep ensure|glide|govendor|godep|gb vendor|make)\b/.test(all)
  ) {
    return "the packages are fetched in another way";
  }
  if (
    context.view.paths.some((path) =>
      /(?:^|\/)(?:go\.mod|Gopkg\.(?:toml|lock)|glide\.yaml|vendor\/)/.test(path)
    )
  ) {
    return "the packages are listed in a file";
  }
  if (missing.some((name) => name.split("/").length < 3 || /\/v\d+(?:\/|$)/.test(name))) {
    return "a package has no address that go get takes";
  }
  const build = runs(file, step).find(({ program, args }) =>
    program === "go" && /^(?:build|install|test)$/.test(args[0]?.text ?? "")
  );
  if (build === undefined) return "the failing step does not run go build itself";
  return {
    changes: [insertCommand(found, "go get -d -v ./...", build)],
    summary: "Fetch what the sources import before they are built",
    risk: "medium",
  };
};

export const dockerGoRemedies: readonly Remedy[] = [
  base("docker/newer-go", ["go-too-old"], newerGo),
  dockerRemedy("docker/go-get", ["go-package-not-found"], goGet, "medium"),
];
