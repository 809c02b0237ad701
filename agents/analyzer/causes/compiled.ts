/** Causes of Rust's and other languages' build tools, of compilers of applications, and of tests. */
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { inContainer, inStep, instructionOf } from "./container.ts";
import { ANY, BUILD, reported, sign } from "./lines.ts";

/** Programs of languages that the catalogue knows no closer. */
const OTHER_TOOLS =
  /\b(?:stack|cabal|ghc|hpack|swift|Rscript|R|mix|rebar3?|elixir|erl\w*|opam|dune|ocaml\w*|esy|dart|pub|flutter|crystal|shards|nim|nimble|zig|julia|cpanm?|perl|luarocks|lua|haxelib|haxe|elm|purs\w*|spago|raco|racket|sbcl|clj|kotlinc?|dub|ldc2?|dmd|fpc|lazbuild|vlang|idris|agda|coq\w*|zef|rakudo|pharo|octave|texlive|tlmgr|pdflatex|latexmk|meteor|hugo|bazel|buck|nix(?:-\w+)?|emacs|gprbuild|gnatmake|mono|xbuild|fpm|quicklisp|ros|gradle-swift)\b/;

export const compiledCauses: readonly Cause[] = [
  reported(
    "rust-toolchain-too-old",
    ANY,
    [
      sign(
        "requires rustc",
        /(?:package|crate) `?(?<crate>[^`\s]+).*(?:cannot be built because it )?requires rustc (?<version>[\d.]+)/,
        0.97,
      ),
      sign(
        "is unstable",
        /error(?:\[E\d+\])?: use of unstable library feature '(?<feature>[^']+)'|(?<feature2>\S+) is (?:unstable|experimental)/,
        0.88,
      ),
      sign(
        "may not be used on the stable release channel",
        /may not be used on the (?:stable|beta) release channel/,
        0.92,
      ),
      sign(
        "is not stabilized in this version of Cargo",
        /feature `(?<feature>[^`]+)` is (?:required|not stabilized)|is not stabilized in this version of Cargo/,
        0.96,
      ),
      sign("failed to parse the `edition` key", /failed to parse the `edition` key/, 0.95),
      sign("edition 20", /(?:editions? are unstable|`edition\S* 20\d\d)/i, 0.85),
      sign(
        "this version of Cargo is older than",
        /this version of Cargo is older than the `(?<version>\d+)` edition/,
        0.97,
      ),
      sign("lock file version", /lock file version `?(?<version>\d)`? (?:was found|requires|is not)/, 0.95),
      sign("requires the Cargo feature called", /feature `(?<feature>\w+)` is required/, 0.92),
      sign(
        "MSRV",
        /(?:[Mm]inimum supported (?:rust|Rust) version|MSRV|requires (?:Rust|rust|rustc) (?:version )?(?:>= ?)?)(?<version>\d\.\d+)?/,
        0.85,
      ),
      sign("requires Rust", /requires Rust (?:version )?(?:>= ?)?(?<version>\d[\d.]*)/, 0.9),
      sign("#![feature]", /E0554/, 0.88),
      sign(
        "error: Rocket",
        /Rocket .*requires (?:a )?(?:nightly|newer)|requires? (?:a )?(?:more recent|newer) (?:version of )?(?:Rust|rustc)/i,
        0.9,
      ),
      sign("E0658", /error\[E0658\]: /, 0.88),
      sign("a nightly", /requires? (?:a )?nightly (?:version of )?(?:Rust|rustc|compiler)/i, 0.85),
      sign(
        "failed to select a version for the requirement",
        /is not supported by the following package/,
        0.5,
      ),
      sign(
        "is not supported by the following package",
        /rustc (?<version>[\d.]+) is not supported by the following packages?/,
        0.97,
      ),
    ],
    ({ crate, version, feature }) =>
      `${crate ?? "A crate"} needs a newer Rust${version ?? feature ? ` (${version ?? feature})` : ""}.`,
    [
      "error: package `clap v4.4.0` cannot be built because it requires rustc 1.70.0 or newer, while the currently active rustc version is 1.56.1",
      "The package requires the Cargo feature called `edition2021`, but that feature is not stabilized in this version of Cargo (1.55.0).",
    ],
    { identity: ["crate"] },
  ),
  reported(
    "rust-build-failed",
    BUILD,
    [
      sign("error[E", /^error\[(?<code>E\d{4})\]: (?<detail>.*)/, 0.84),
      sign("could not compile `", /^error: could not compile `(?<crate>[^`]+)`/, 0.84),
      sign("Could not compile `", /^error: Could not compile `(?<crate>[^`]+)`/, 0.84),
      sign(
        "failed to run custom build command for",
        /error: failed to run custom build command for `(?<crate>[^`]+)`/,
        0.82,
      ),
      sign(
        "error: failed to ",
        /^error: failed to (?<detail>(?:read|parse|select|load|resolve|get|compile|download|fetch|verify|update|sync|build|find|query|run).*)/,
        0.82,
      ),
      sign("error: no matching package", /error: no matching package/, 0.86),
      sign("error: could not find `Cargo.toml`", /error: could not find `Cargo\.toml`/, 0.7),
      sign("multiple packages with binaries found", /error: multiple packages with binaries found/, 0.86),
      sign("error: binary `", /error: binary `(?<crate>[^`]+)` already exists/, 0.86),
      sign("error: toolchain '", /error: toolchain '(?<detail>[^']+)' (?:is not installed|does not)/, 0.84),
      sign("error: component '", /error: component '(?<detail>[^']+)'.*(?:unavailable|is not)/, 0.86),
      sign("no bin target named", /error: no (?:bin|example|test) target named/, 0.86),
      sign(
        "is ambiguous",
        /^error: (?:the lock file|.*Cargo\.lock|virtual manifest|package ID|failed|no such subcommand|no override)/,
        0.8,
      ),
      sign("error: no such subcommand", /error: no such (?:sub)?command: `(?<detail>[^`]+)/, 0.85),
      sign(
        "error: no override and no default toolchain",
        /error: no override and no default toolchain/,
        0.85,
      ),
      sign("can't find crate for", /can't find crate for `(?<crate>[^`]+)`/, 0.85),
      sign("linking with `", /error: linking with `(?<detail>[^`]+)` failed/, 0.82),
    ],
    ({ code, detail, crate }) =>
      `The Rust build failed${code === undefined ? "" : ` with ${code}`}${
        crate ?? detail ? `: ${crate ?? detail}` : ""
      }.`,
    [
      "error[E0433]: failed to resolve: use of undeclared type or module `proc_macro`",
      "error: failed to parse manifest at `/app/Cargo.toml`",
    ],
    {
      severity: "consequence",
      identity: ["code", "crate"],
      decide: inContainer((
        _finding,
        context,
      ) => (inStep(context, /cargo|rustc|rustup|Compiling |crates\.io|Cargo/) ||
          /cargo|rust/.test(instructionOf(context))
        ? accept()
        : reject("no Rust tool runs"))
      ),
    },
  ),
  reported(
    "tests-failed",
    BUILD,
    [
      sign("There are test failures", /There are test failures/, 0.93),
      sign("npm ERR! Test failed", /npm (?:ERR!|error) Test failed/, 0.95),
      sign("Tests:", /^Tests: +\d+ failed/, 0.9),
      sign("failing", /^\s*\d+ failing$/, 0.9),
      sign("FAILURES!", /FAILURES!/, 0.85),
      sign("--- FAIL: ", /--- FAIL: (?<test>\S+)/, 0.93),
      sign("FAIL\t", /^FAIL\t\S+/, 0.88),
      sign("test result: FAILED", /test result: FAILED/, 0.95),
      sign("Test Run Failed", /Test Run Failed/i, 0.93),
      sign("tests failed", /(?:\b[1-9]\d* tests? failed|The following tests FAILED)/i, 0.88),
      sign("The following tests FAILED", /The following tests FAILED/, 0.92),
      sign("failed, ", /=+ .*\b[1-9]\d* failed\b.* in [\d.]+/, 0.93),
      sign("FAILED (", /^FAILED \((?:failures|errors|skipped)=/, 0.92),
      sign(" examples, ", /\d+ examples?, [1-9]\d* failures?/, 0.93),
      sign("problem", /✖ \d+ problems? \((?!0 errors)/, 0.92),
      sign("Failed tests:", /^Failed tests:|Tests run: \d+, Failures: (?:[1-9]\d*|0, Errors: [1-9])/, 0.85),
      sign("There were failing tests", /There were failing tests/, 0.95),
      sign("checkstyle", /(?:You have \d+ Checkstyle violation|Checkstyle rule violations were found)/, 0.9),
      sign("TSLint", /(?:Lint errors found in the listed files|ERROR: \S+\.tsx?:\d+:\d+ - )/, 0.85),
      sign("ERROR: ", /^ERROR: \S+\.tsx?[:[]\d+[:,] ?\d+\]?(?:: | - )/, 0.85),
      sign("make: *** [test", /make(?:\[\d+\])?: \*\*\* \[(?:\S+: )?(?:test|check|lint)s?\] Error/, 0.7),
      sign(" tests, ", /(?:[1-9]\d*) (?:failures|errors)(?:,|$)/, 0.6),
    ],
    ({ test }) => `Tests or linters that the build runs fail${test === undefined ? "" : ` (${test})`}.`,
    ["[ERROR] There are test failures.", "--- FAIL: TestServer (0.01s)"],
    { decide: inContainer() },
  ),
  reported(
    "app-compile-error",
    BUILD,
    [
      sign("COMPILATION ERROR", /\[ERROR\] COMPILATION ERROR/, 0.9),
      sign("Compilation failure", /Compilation failure/, 0.88),
      sign("error: cannot find symbol", /\.java:\d+: error: (?<detail>.*)/, 0.88),
      sign(".java:", /\.java:(?:\[\d+,\d+\]|\d+: error:) (?<detail>.*)/, 0.88),
      sign(".kt: (", /^e: .*\.kt: \(\d+, \d+\): (?<detail>.*)/, 0.9),
      sign(
        "Compilation failed; see the compiler error output",
        /Compilation failed; see the compiler error output/,
        0.85,
      ),
      sign(".scala:", /\[error\] .*\.scala:\d+(?::\d+)?: (?<detail>.*)/, 0.88),
      sign("Module not found: Error", /Module not found: Error: Can't resolve '(?<detail>[^']+)'/, 0.85),
      sign("Module not found:", /Module not found: (?:Error: )?Can(?:'|\\')t resolve/, 0.82),
      sign("Failed to compile", /Failed to compile/, 0.8),
      sign("Module build failed", /Module build failed/, 0.82),
      sign("ERROR in ", /^ERROR in (?<detail>.*)/, 0.82),
      sign("Module parse failed", /Module parse failed/, 0.85),
      sign("[tsl] ERROR in", /\[tsl\] ERROR in (?<detail>\S+)/, 0.88),
      sign("ERROR in", /^\S*ERROR in (?<detail>\S+)/, 0.75),
      sign("error TS", /\berror (?<detail>TS\d+: .*)/, 0.87),
      sign("UnhandledPromiseRejectionWarning: Error: ", /(?:Build failed|build failed).*error/, 0.5),
      sign("error CS", /^(?!.*\/root\/\.nuget).*\.cs\(\d+,\d+\): error (?<detail>CS\d+: .*)/, 0.76),
      sign(": error: ", /\.(?:kt|dart|swift|groovy|proto):\d+:\d+: [Ee]rror: (?<detail>.*)/, 0.7),
      sign(".proto:", /\.proto:\d+:\d+: (?<detail>.*)/, 0.75),
      sign("Type error:", /^Type error: (?<detail>.*)/, 0.85),
      sign(
        "Could not resolve entry module",
        /Could not resolve entry module|Rollup failed to resolve import "(?<detail>[^"]+)"/,
        0.85,
      ),
      sign("Rollup failed to resolve import", /Rollup failed to resolve import "(?<detail>[^"]+)"/, 0.88),
    ],
    ({ detail }) => `The project's own sources do not compile${detail === undefined ? "" : `: ${detail}`}.`,
    ["[ERROR] COMPILATION ERROR :", "ERROR in src/app.module.ts"],
    {
      severity: "consequence",
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (/package javax\.(?:xml\.bind|annotation)/.test(line)) return reject("the JDK is too new");
        return /swift|dart/.test(line.slice(0, 200)) && /\.(?:swift|dart):/.test(line)
          ? reject("another language's compiler says it")
          : accept();
      }),
    },
  ),
  reported(
    "other-lang-build-failed",
    BUILD,
    [
      sign("Process exited with code: ExitFailure", /Process exited with code: ExitFailure/, 0.86),
      sign("Plan construction failed", /Plan construction failed/, 0.9),
      sign("cabal: ", /cabal: (?:Could not resolve dependencies|Failed to build|There is no|Cannot)/, 0.9),
      sign("Could not resolve dependencies:", /Could not resolve dependencies:$/, 0.82),
      sign("error: terminated(1)", /error: terminated\(1\)/, 0.88),
      sign(".swift:", /\.swift:\d+:\d+: error: /, 0.86),
      sign("Unbound module", /Error: Unbound (?:module|value|constructor)/, 0.88),
      sign(
        "[ERROR] The compilation of",
        /\[ERROR\] The (?:compilation|installation) of (?<name>\S+) failed/,
        0.9,
      ),
      sign("opam ", /\[ERROR\] .*(?:opam|No package named|No solution)/, 0.88),
      sign(
        "installation of package",
        /installation of package ['‘](?<name>[^'’]+)['’] had non-zero exit status/,
        0.88,
      ),
      sign("Execution halted", /Execution halted/, 0.84),
      sign("there is no package called", /there is no package called ['‘](?<name>[^'’]+)/, 0.85),
      sign("Error in ", /^Error in (?:library|loadNamespace|install|download|if|file|\S+\().*/, 0.82),
      sign(
        "** (",
        /^\*\* \((?<name>[\w.]*(?:Mix|Error|UndefinedFunctionError|CompileError|RuntimeError|ArgumentError|Hex)[\w.]*)\)/,
        0.88,
      ),
      sign("== Compilation error in file", /== Compilation error in file/, 0.9),
      sign("could not compile dependency", /could not compile dependency :(?<name>\w+)/, 0.88),
      sign("Failed to fetch record for", /Failed to fetch record for '?(?<name>\S+)/, 0.85),
      sign("===> ", /^===> (?:Failed|Error|Compiling .* failed|Uncaught|Unable|Dependency|Package)/, 0.85),
      sign("Installing ", /! Installing (?<name>\S+) failed/, 0.88),
      sign("! Installing", /! (?:Installing|Configure) (?<name>\S+) failed/, 0.88),
      sign(
        "! Couldn't find module or a distribution",
        /! (?:Couldn't find module or a distribution|Finding) (?<name>\S+)/,
        0.86,
      ),
      sign("BEGIN failed--compilation aborted", /BEGIN failed--compilation aborted/, 0.82),
      sign("Can't locate ", /Can't locate (?<name>\S+\.pm) in @INC/, 0.84),
      sign(
        "ERROR: LoadError",
        /ERROR: (?:LoadError|Unsatisfiable requirements|type \w+ has no field|The following package)/,
        0.88,
      ),
      sign("Unsatisfiable requirements", /Unsatisfiable requirements detected for package/, 0.9),
      sign("LaTeX Error", /! LaTeX Error: |! Package \S+ Error|! Emergency stop/, 0.85),
      sign("tlmgr: ", /tlmgr: .*(?:is older than|not present|unexpected return|Remote repositor)/i, 0.88),
      sign(
        "is older than remote repository",
        /(?:Local TeX Live|local) .*is older than remote repository/i,
        0.92,
      ),
      sign("-- MISSING", /^-- (?:TYPE|NAMING|MISSING|CORRUPT|BAD|UNKNOWN) .*-{10,}/, 0.85),
      sign(
        "Error: Error loading shard",
        /Error: (?:Error loading|Failed to resolve|Missing shard)|shard\.yml/,
        0.8,
      ),
      sign("Error: unhandled exception", /Error: unhandled exception|\.nim\(\d+, \d+\) Error/, 0.82),
      sign(".hs:", /\.hs:\d+:\d+: (?:error|fatal)/, 0.88),
      sign("pub get failed", /pub (?:get|finished).* (?:failed|with exit code)/i, 0.82),
      sign("Error: Could not find", /Error: Could not find (?:package|a file named "pubspec\.yaml")/, 0.78),
      sign(
        "luarocks",
        /Error: (?:Failed installing dependency|No results matching query|Could not satisfy dependency)/,
        0.86,
      ),
      sign("nothing known about package", /raco \S+: |pkg: (?:nothing known about|cannot find)/, 0.82),
      sign(
        "While evaluating",
        /error: (?:attribute|undefined variable|builder for|build of|Package) .*(?:failed|missing|nix)/,
        0.75,
      ),
      sign(
        "ERROR: Analysis of target",
        /ERROR: (?:Analysis of target|no such (?:package|target)|An error occurred during the fetch|\S+\/BUILD)/,
        0.88,
      ),
      sign("ERROR: An error occurred during the fetch", /ERROR: An error occurred during the fetch/, 0.88),
      sign("Unhandled error", /Unhandled (?:exception|error)[: ].*(?:dart|pub|Dart)/, 0.7),
      sign("BiocManager", /install Bioconductor packages using BiocManager/, 0.9),
      sign("===SORRY!===", /===SORRY!===/, 0.9),
      sign("[FAIL]", /===> (?:Testing|Building|Fetching|Install\w*) \[FAIL\]/, 0.75),
    ],
    ({ name }) => `The build failed in a tool of another language${name === undefined ? "" : ` (${name})`}.`,
    ["    Process exited with code: ExitFailure 1", "Error: Unbound module X509.Encoding"],
    {
      severity: "consequence",
      identity: ["name"],
      decide: inContainer(),
      step: (build, context) =>
        build.keyword === "RUN" && build.exitCode !== null && build.exitCode !== 127 &&
          OTHER_TOOLS.test(build.instruction) &&
          context.lines.slice(Math.max(build.from, build.to - 12), build.to).some((line) =>
            /error|fail|✗|Error/.test(line) && !/^The command/.test(line)
          )
          ? accept(0.6)
          : undefined,
    },
  ),
];
