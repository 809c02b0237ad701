/** Causes of Go's tools: packages, modules, the toolchain's age, the compiler. */
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { after, inContainer } from "./container.ts";
import { ANY, reported, sign } from "./lines.ts";

/** Packages and names of the standard library with the first release that has them (source: Go's release notes). */
const SINCE: readonly (readonly [pattern: RegExp, version: string])[] = [
  [
    /\b(?:errors\.(?:Is|As|Unwrap)|crypto\/ed25519|hash\/maphash|strings\.ToValidUTF8|http\.Header\.Values|sql\.NullTime|sql\.NullInt32)\b/,
    "1.13",
  ],
  [/\b(?:math\/bits|sync\.Map|types\.SizesFor|os\/user\.\w+)\b/, "1.9"],
  [/\b(?:strings\.Builder|os\.UserCacheDir|url\.\w+\.Hostname|big\.\w+\.Text)\b/, "1.10"],
  [
    /\b(?:http\.SameSite\w*|http\.StatusMisdirectedRequest|net\.ListenConfig|os\.UserHomeDir|signal\.Ignored)\b/,
    "1.11",
  ],
  [
    /\b(?:os\.UserHomeDir|strings\.ReplaceAll|bytes\.ReplaceAll|debug\.ReadBuildInfo|os\.ModeIrregular|tls\.VersionTLS13|syscall\/js|net\.ErrClosed)\b/,
    "1.12",
  ],
  [/\b(?:context|net\/http\/httptrace|golang\.org\/x\/net\/http2\/h2c)\b"?$/, "1.7"],
  [
    /\b(?:sort\.Slice\w*|plugin|http\.Pusher|http\.ErrServerClosed|url\.PathEscape|url\.PathUnescape|os\.Executable|mime\/\w+\.\w+|time\.Until|tls\.\w+Config\.Clone|net\.Resolver|net\.DefaultResolver|http\.\w+\.Shutdown|sql\.\w+Context|sql\.Named)\b/,
    "1.8",
  ],
  [
    /\b(?:io\/fs|embed|io\.(?:ReadAll|Discard|NopCloser)|os\.(?:ReadFile|WriteFile|ReadDir|MkdirTemp|CreateTemp|DirFS)|go\/build\/constraint|runtime\/metrics|time\/tzdata|signal\.NotifyContext|testing\/fstest)\b/,
    "1.16",
  ],
  [
    /\b(?:net\/netip|constraints|debug\/buildinfo|strings\.Cut|atomic\.(?:Pointer|Bool|Int64|Int32|Uint64)|any)\b/,
    "1.18",
  ],
  [
    /\b(?:slices|maps|cmp|log\/slog|testing\/slogtest|errors\.Join|context\.WithCancelCause|sync\.Once(?:Func|Value)|min|max|clear)\b/,
    "1.21",
  ],
  [/\b(?:math\/rand\/v2|go\/version|iter|unique|structs|crypto\/mlkem|weak)\b/, "1.22"],
];

/** The first release that has a name or package of the standard library; undefined for anything else. */
function sinceOf(text: string): string | undefined {
  return SINCE.find(([pattern]) => pattern.test(text))?.[1];
}

const isStandard = (name: string) => !name.split("/")[0]!.includes(".");

const NAME_SIGNS = [
  sign("undefined: ", /:\d+(?::\d+)?: undefined: (?<name>[\w.]+|"[^"]+"\.\w+)/, 0.85),
  sign(
    "has no field or method",
    /:\d+(?::\d+)?: .*\(?type (?<name>\*?[\w.]+).* has no field or method (?<member>\w+)/,
    0.85,
  ),
  sign(
    "unknown field",
    /:\d+(?::\d+)?: unknown (?:\w+\.\w+ )?field '?(?<name>\w+)'? in struct literal/,
    0.85,
  ),
];

/** What a standard type gained, as `undefined (type http.Transport has no field or method Clone)` shows it. */
const MEMBERS: readonly (readonly [RegExp, string])[] = [
  [
    /http\.(?:Transport|Server|Request|Header)\b.*\b(?:Clone|Values|BaseContext|ConnContext|ForceAttemptHTTP2)\b/,
    "1.13",
  ],
  [
    /\bunknown field '?(?:ForceAttemptHTTP2|SameSite|BaseContext|ReadHeaderTimeout|IdleTimeout|DialContext)/,
    "1.8",
  ],
  [
    /sql\.\w+.*(?:Context|PingContext)|http\.\w+.*Shutdown|url\.URL has no field or method (?:Hostname|Port)/,
    "1.8",
  ],
  [
    /strings\.Builder|time\.Duration.*(?:Milliseconds|Microseconds|Round|Truncate)|sync\.\w+.*(?:TryLock|CompareAndSwap|LoadAndDelete)|reflect\.\w+.*(?:IsZero|MapRange|SetIterKey)|testing\.\w+.*(?:Helper|Cleanup|TempDir|Setenv)|rand\.\w+.*Shuffle|os\.\w+.*(?:SyscallConn|SetDeadline)|tls\.\w+.*(?:VerifyConnection|HandshakeContext)|http\.\w+.*(?:SetPathValue|PathValue)|time\.Time.*(?:UnixMilli|Compare)/,
    "1.13",
  ],
];

export const goCauses: readonly Cause[] = [
  reported(
    "go-too-old",
    ANY,
    [
      ...NAME_SIGNS,
      sign(
        "unrecognized import path",
        /(?:package|imports) (?<name>[\w/]+): unrecognized import path "(?:[\w/]+)"/,
        0.9,
      ),
      sign("cannot find package", /cannot find package "(?<name>[a-z0-9/]+)" in/, 0.88),
      sign("is not in GOROOT", /package (?<name>[\w/]+) is not in (?:GOROOT|std)/, 0.9),
      sign("is not in std", /package (?<name>[\w/]+) is not in std/, 0.92),
      sign("providing package", /cannot find module providing package (?<name>[\w/]+)$/, 0.88),
      sign("module requires Go", /(?:note: )?module requires Go (?<version>[\d.]+)/, 0.97),
      sign("requires go >=", /requires go >= ?(?<version>[\d.]+)/, 0.97),
      sign("requires at least go", /requires (?:at least )?go ?(?:version )?>?=? ?(?<version>1\.\d+)/i, 0.9),
      sign("invalid go version", /invalid go version '(?<version>[\d.]+)'/, 0.95),
      sign(
        "unknown directive:",
        /unknown (?:directive|block type): (?<name>toolchain|retract|tool|godebug|exclude)/,
        0.93,
      ),
      sign("invalid import path", /import path "[^"]*\/v\d+[^"]*"|\/v[2-9]\d?[/"].*cannot find package/, 0.5),
      sign(
        "/v",
        /(?:cannot find package|code in directory|unrecognized import path).{0,4}"?(?<name>[\w./-]+\.[\w./-]+\/v[2-9]\d?(?:\/[\w./-]*)?)"?/,
        0.85,
      ),
      sign(
        "go: unknown subcommand",
        /(?:go: |go )?unknown (?:sub)?command "mod"|go mod: unknown command|go: unknown subcommand "mod"/,
        0.95,
      ),
      sign("unknown subcommand", /unknown subcommand "(?<name>mod|work)"/, 0.95),
      sign(
        "flag provided but not defined: -",
        /flag provided but not defined: -(?<name>mod|trimpath|modfile|buildvcs|pgo|json)/,
        0.92,
      ),
      sign("but not defined", /flag provided but not defined: -(?<name>mod|trimpath)/, 0.92),
      sign(
        "GOPROXY list is not the empty string",
        /GOPROXY list is not the empty string, but contains no entries/,
        0.6,
      ),
      sign(
        "ype parameters require",
        /type parameters? requires? go1\.18|embedding .* requires go1\.\d+/,
        0.93,
      ),
      sign("unexpected [", /syntax error: unexpected \[, expecting \(/, 0.88),
      sign("unexpected comma; expecting", /syntax error: unexpected comma; expecting ]/, 0.8),
      sign("unexpected any", /undefined: any\b/, 0.9),
      sign(
        "Go version",
        /(?:[Bb]ad|[Uu]nsupported|requires|too old|need|[Mm]inimum).{0,30}[Gg]o version|[Gg]o ?(?:version )?(?:is )?too old/,
        0.85,
      ),
      sign(
        "invalid indirect of",
        /signed shift count type|invalid operation: .*shift count type int, must be unsigned/,
        0.9,
      ),
      sign("must be unsigned integer", /shift count type .*must be unsigned integer/, 0.92),
      sign("as required in module", /go: errors parsing go\.mod/, 0.3),
      sign("expected 'package', found", /expected 'package', found 'EOF'/, 0.3),
      sign("x509: unhandled", /uses a go\d|go1\.\d+ or (?:later|newer|above|higher)/i, 0.85),
      sign("or later", /go ?1\.\d+ or (?:later|newer|above|higher)/i, 0.85),
      sign("and above", /requires? [Gg]o ?v?1\.\d+ and above/i, 0.85),
    ],
    ({ name, version }) =>
      `The code needs ${version === undefined ? "a newer Go" : `Go ${version} or newer`}${
        name === undefined ? "" : ` (${name})`
      }.`,
    [
      "vendor/k8s.io/apimachinery/pkg/util/errors/errors.go:99:10: undefined: errors.Is",
      "note: module requires Go 1.21",
      "go: errors parsing go.mod: /app/go.mod:3: invalid go version '1.21.0': must match format 1.23",
    ],
    {
      identity: ["version"],
      decide: (finding, context) => {
        if (context.docker === null) return reject("on a platform the language's version is a setting");
        const line = context.lines[finding.at]!;
        const { name = "", member } = finding.captures;
        if (
          /-mod|trimpath|module requires|requires go|invalid go version|subcommand|type param|must be unsigned|unexpected \[|directive/
            .test(line) && !/undefined: /.test(line)
        ) {
          return accept();
        }
        if (
          line.includes("undefined") || member !== undefined || line.includes("unknown field") ||
          line.includes("struct literal")
        ) {
          // A package by a short name may be the project's own; a dependency's source speaks for the toolchain.
          const version = sinceOf(name) ?? MEMBERS.find(([pattern]) => pattern.test(line))?.[1];
          if (version !== undefined) return accept(0.92, { version, name });
          return after(finding, context, /note: module requires Go/, 40)
            ? accept(0.93)
            : reject("the name is not of Go's own library");
        }
        if (name === "") return accept();
        if (/\/v[2-9]/.test(name)) {
          // Before Go 1.9.7 the major version in a path is a folder that is not there.
          return /golang:1\.[0-8](?:\D|$)/.test(context.docker?.image ?? "")
            ? accept(0.85, { version: "1.11", name })
            : reject("this Go knows major versions in paths");
        }
        if (!isStandard(name)) return reject("the package is not of Go's own library");
        const version = sinceOf(name);
        if (
          version === undefined && /\//.test(name) &&
          !/^(?:internal|vendor|crypto|net|encoding|go|os|runtime|testing|hash|math)\//.test(name)
        ) {
          return reject("the package is not of Go's own library");
        }
        return version === undefined && !line.includes("unrecognized import path")
          ? reject("no release of Go is known to bring that package")
          : accept(version === undefined ? 0.89 : 0.92, version === undefined ? {} : { version });
      },
    },
  ),
  reported(
    "go-package-not-found",
    ANY,
    [
      sign("cannot find package", /cannot find package "(?<package>[^"]+)"(?: in|$)/, 0.9),
      sign("expects import", /code in directory \S+ expects import "(?<package>[^"]+)"/, 0.92),
      sign("unrecognized import path", /(?:package|imports) (?<package>\S+): unrecognized import path/, 0.88),
      sign(
        "no required module provides package",
        /no required module provides package (?<package>[^\s;:]+)/,
        0.9,
      ),
      sign("is not in GOROOT", /package (?<package>\S+) is not in (?:GOROOT|std)/, 0.85),
      sign(
        "no Go files in",
        /(?:no (?:buildable )?Go (?:source )?files in|package (?<package>\S+): no (?:buildable )?Go)/,
        0.82,
      ),
      sign("build constraints exclude all Go files", /build constraints exclude all Go files in/, 0.78),
      sign("use of internal package", /use of internal package (?<package>\S+) not allowed/, 0.85),
      sign("use of vendored package", /use of vendored package not allowed/, 0.85),
      sign("local import", /local import "(?<package>[^"]+)" in non-local package/, 0.85),
      sign("import cycle not allowed", /import cycle not allowed/, 0.75),
      sign("godep: ", /^godep: (?:Error|error)/, 0.8),
      sign("in any of:", /cannot find package "(?<package>[^"]+)" in any of:/, 0.9),
      sign(
        "outside available modules",
        /(?:directory|package) (?<package>\S+) (?:is )?outside (?:available|main) module/,
        0.85,
      ),
      sign(
        "can't load package",
        /can't load package: package (?<package>[^:\s]+): (?:cannot find|no |unknown)/,
        0.85,
      ),
      {
        ...sign(
          "go get' is no longer supported outside a module",
          /'go get' is no longer supported outside a module/,
          0.85,
        ),
        severity: "cause" as const,
      },
    ],
    ({ package: name }) => `Go does not find the package ${name ?? "that is imported"}.`,
    [
      'main.go:10:3: cannot find package "github.com/someone/lib" in any of:',
      "main.go:4:2: no required module provides package github.com/gorilla/mux; to add it:",
    ],
    {
      identity: ["package"],
      decide: (finding, context) => {
        const { package: name = "" } = finding.captures;
        if (/\/v[2-9]/.test(name) && /golang:1\.[0-8](?:\D|$)/.test(context.docker?.image ?? "")) {
          return reject("a major version in a path needs a newer Go");
        }
        if (isStandard(name) && name !== "" && name !== "." && sinceOf(name) !== undefined) {
          return reject("a newer Go has that package");
        }
        return accept();
      },
    },
  ),
  reported(
    "go-module-error",
    ANY,
    [
      sign(
        "go: ",
        /^go: (?:error loading module requirements|inconsistent vendoring|updates to go\.(?:mod|sum) needed|errors parsing go\.mod|missing Git command)/,
        0.88,
      ),
      sign(
        "cannot find module providing package",
        /cannot find module providing package (?<module>\S+?)(?::|;|$)/,
        0.88,
      ),
      sign("missing go.sum entry", /missing go\.sum entry/, 0.93),
      sign("SECURITY ERROR", /SECURITY ERROR/, 0.93),
      sign("checksum mismatch", /verifying \S+: checksum mismatch/, 0.93),
      sign("invalid version", /(?:go: |: )\S+@\S+: invalid (?:pseudo-)?version/, 0.93),
      sign("unknown revision", /(?:go: |: )\S+@\S+.*unknown revision (?<revision>\S+)/, 0.93),
      sign("parsing go.mod", /(?:go: .*)?parsing (?:\S+\/)?go\.mod:/, 0.9),
      sign("module declares its path as", /module declares its path as: (?<module>\S+)/, 0.93),
      sign("inconsistent vendoring", /inconsistent vendoring/, 0.94),
      sign("run 'go mod vendor' to sync", /run 'go mod vendor' to sync/, 0.93),
      sign("updates to go.mod needed", /updates to go\.(?:mod|sum) needed/, 0.94),
      sign("reading https://", /(?:go: |: )\S+@\S+: reading (?<url>https?:\S+): (?:404|410|403|5\d\d)/, 0.92),
      sign("invalid module version", /invalid module version/, 0.88),
      sign(
        "found, but does not contain package",
        /module \S+ found(?: \([^)]*\))?, but does not contain package/,
        0.85,
      ),
      sign("no matching versions for query", /no matching versions for query/, 0.82),
      sign("ambiguous import", /ambiguous import: found package/, 0.9),
      sign("disabled by -mod", /(?:import lookup|cannot query module|module lookup) disabled by -mod=/, 0.9),
      sign("does not match go.mod", /cannot use path@version|used for two different module paths/, 0.88),
      sign("used for two different module paths", /used for two different module paths/, 0.92),
      sign("unexpected module path", /unexpected module path/, 0.92),
      sign("go.mod file indicates go", /go\.mod file indicates go \S+, but maximum supported version/, 0.5),
      sign("dep ensure", /(?:Failed to|failed to|Solving failure|ensure Solve\(\)): .*/, 0.7),
      sign("Solving failure", /Solving failure: /, 0.85),
      sign("govendor", /Error: .*govendor/, 0.5),
    ],
    ({ module, revision }) =>
      `Go's modules cannot be read or checked${revision ?? module ? ` (${revision ?? module})` : ""}.`,
    [
      "go: error loading module requirements",
      "main.go:8:2: missing go.sum entry for module providing package github.com/x/y; to add:",
    ],
    {
      identity: ["module"],
      decide: (finding, context) => {
        const { module = "" } = finding.captures;
        if (module !== "" && isStandard(module) && sinceOf(module) !== undefined) {
          return reject("a newer Go has that package");
        }
        if (
          /invalid go version|unknown (?:directive|block type): (?:toolchain|retract|tool)\b/.test(
            context.lines[finding.at]!,
          )
        ) return reject("a newer Go reads it");
        if (
          /could not read Username|terminal prompts disabled/.test(
            context.lines.slice(finding.at, finding.at + 8).join("\n"),
          )
        ) {
          return accept(0.7, {}, "consequence");
        }
        return accept();
      },
    },
  ),
  reported(
    "go-compile-error",
    ANY,
    [
      sign(
        ".go:",
        /\.go:\d+(?::\d+)?: (?!undefined: "?(?:context|errors)\b)(?<detail>.*(?:undefined|cannot use|not enough arguments|too many arguments|declared (?:and|but) not used|imported (?:and|but) not used|syntax error|missing return|redeclared|does not implement|cannot (?:assign|convert|range|infer)|assignment mismatch|unknown field|invalid (?:operation|argument|recursive)|evaluated but not used|mismatched types|duplicate|overflows|non-name|missing method|unexpected|no new variables|expected|multiple-value|is not a type|not exported|has no field).*)/,
        0.85,
      ),
      sign("found packages", /found packages \S+ \([^)]*\) and \S+ \([^)]*\) in/, 0.88),
      sign(
        "could not determine kind of name for",
        /could not determine kind of name for C\.(?<detail>\w+)/,
        0.75,
      ),
      sign(
        "is a program, not an importable package",
        /(?<detail>is a program, not an importable package)/,
        0.85,
      ),
      {
        ...sign("# ", /^# [\w.-]+\.[a-z]+\/[\w./-]+$/, 0.6),
        severity: "symptom" as const,
      },
    ],
    ({ detail }) => `Go code does not compile${detail === undefined ? "" : `: ${detail}`}.`,
    [
      "cmd/main.go:189:20: undefined: asset.Assets",
      "src/build/build.go:70:43: cannot use m.Methods() (type *x.Message) as type *y.Message in return argument",
    ],
    {
      decide: inContainer((finding, context) => {
        if (!context.lines[finding.at]!.includes("undefined: ")) return accept();
        const name = /undefined: (\S+)/.exec(context.lines[finding.at]!)?.[1] ?? "";
        return sinceOf(name) === undefined ? accept() : reject("a newer Go has that name");
      }),
    },
  ),
];
