/** Causes of native builds in any language: compilers, headers, libraries, make, CMake and the C library. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding } from "../catalogue.ts";
import { after, before, inContainer, inStep, isNearEnd, linesLeft } from "./container.ts";
import { ANY, BUILD, reported, sign } from "./lines.ts";

/** Programs that come with a distribution's build tools. */
const TOOLS =
  "gcc|g\\+\\+|cc|c\\+\\+|clang|clang\\+\\+|make|gmake|cmake|autoconf|automake|aclocal|autoreconf|autoheader|libtoolize|libtool|gfortran|x86_64-linux-gnu-gcc|gcc-\\d+|pkg-config|ninja|m4|bison|flex|yacc|nasm|yasm|ld|ar|patch|swig";
const toolNotFound = new RegExp(`(?:^|[\\s/:'"])(?<tool>${TOOLS}): (?:command )?not found`);
const toolNoFile = new RegExp(`(?:^|[\\s/:'"])(?<tool>${TOOLS}): No such file or directory`);

/** A configure script tries many things; what it does not need it says no more about. */
const weakUnlessLast = (finding: Finding, context: Context) =>
  linesLeft(finding, context) > 150 ? accept(0.6, {}, "consequence") : accept();

export const nativeCauses: readonly Cause[] = [
  reported(
    "build-tools-missing",
    ANY,
    [
      sign(
        "unable to execute",
        /unable to execute '?(?<tool>[\w+.-]*(?:gcc|g\+\+|cc|clang|swig|c\+\+)[\w+.-]*)'?: No such file/,
        0.95,
      ),
      sign(
        "command '",
        /error: command '(?<tool>[\w+.-]*(?:gcc|g\+\+|cc|clang)[\w+.-]*)' failed: No such file or directory/,
        0.93,
      ),
      sign("no acceptable C compiler", /no acceptable C(?:\+\+)? compiler found/, 0.95),
      sign("not found", toolNotFound, 0.92),
      sign("No such file or directory", toolNoFile, 0.88),
      sign("C compiler cannot create executables", /C(?:\+\+)? compiler cannot create executables/, 0.82),
      sign("No CMAKE_C", /No CMAKE_(?:C|CXX)_COMPILER could be found/, 0.93),
      sign("CMAKE_", /CMAKE_(?:C|CXX)_COMPILER (?:not set|could be found)/, 0.85),
      sign(
        "Can't exec \"",
        /Can't exec "(?<tool>aclocal|autoconf|autoheader|automake|libtoolize|autopoint|autoreconf)"/,
        0.93,
      ),
      sign("linker `cc` not found", /linker `(?<tool>\w+)` not found/, 0.95),
      sign("Failed to find tool. Is", /[Ff]ailed to find tool\. Is `(?<tool>[^`]+)` installed/, 0.93),
      sign('exec: "gcc"', /exec: "(?<tool>gcc|g\+\+|cc|clang)": executable file not found/, 0.95),
      sign("is `cmake` not installed", /is `(?<tool>cmake|make|pkg-config)` not installed/, 0.93),
      sign(
        "You have to install development tools first",
        /You have to install development tools first/,
        0.93,
      ),
      sign("not found: make", /(?:gyp ERR! stack Error: |Error: )not found: (?<tool>make|gcc|g\+\+)/, 0.95),
      sign("Cannot find autoconf", /Cannot find (?<tool>autoconf)/, 0.95),
      sign("CMake must be installed to build", /(?<tool>CMake) must be installed to build/, 0.95),
      sign("Problem with the CMake installation", /Problem with the (?<tool>CMake) installation/, 0.93),
      sign(
        "ou need to have",
        /You (?:need to|must|should) have '?(?<tool>autoconf|automake|libtool|cmake|make)'? installed/i,
        0.92,
      ),
      sign("must be installed", /(?<tool>cmake|automake|autoconf|libtool|make|gcc) must be installed/i, 0.85),
      sign(
        "LT_INIT",
        /(?:possibly undefined macro: (?:AC_PROG_LIBTOOL|LT_INIT|AM_|AC_LIBTOOL)|Libtool library used but 'LIBTOOL' is undefined)/,
        0.85,
      ),
      sign("AC_PROG_LIBTOOL", /possibly undefined macro: AC_PROG_LIBTOOL/, 0.85),
      sign(
        "No usable compiler",
        /(?:No (?:suitable|usable|working) (?:C|C\+\+) ?compiler|[Cc]ompiler not found|Could not find a (?:C|C\+\+) compiler)/i,
        0.85,
      ),
      sign("ompiler not found", /[Cc]ompiler not found/, 0.8),
      sign(
        "No such file or directory: '",
        /No such file or directory: '(?<tool>gcc|g\+\+|make|cmake|cc|x86_64-linux-gnu-gcc|swig|gfortran)'/,
        0.93,
      ),
      sign("no Fortran compiler", /(?:[Nn]o Fortran compiler|Unknown compiler\(s\): \[\['?gfortran)/i, 0.88),
      sign("Unknown compiler(s)", /Unknown compiler\(s\)/, 0.9),
      sign(
        "we require",
        /configure: error: (?:no |.*)?(?<tool>make|yasm|nasm|bison|flex|gperf|m4)\b.*(?:not found|required|missing|install)/,
        0.85,
      ),
    ],
    ({ tool }) => `The build needs ${tool ?? "a compiler"}, which is not installed.`,
    [
      "unable to execute 'gcc': No such file or directory",
      "configure: error: no acceptable C compiler found in $PATH",
      "error: linker `cc` not found",
    ],
    {
      identity: ["tool"],
      decide: (finding, context) => {
        const line = context.lines[finding.at]!;
        if (/^\s*(?:checking|-- |warning|WARNING)/.test(line)) return reject("it is a check or a warning");
        return context.docker === null ? accept() : weakUnlessLast(finding, context);
      },
    },
  ),
  reported(
    "missing-header",
    ANY,
    [
      sign("fatal error: ", /fatal error: '?(?<header>[\w./+-]+)'?: No such file or directory/, 0.94),
      sign("file not found", /fatal error: '(?<header>[^']+)' file not found/, 0.94),
      sign("error: ", /error: (?<header>[\w./+-]+\.h(?:pp|h)?): No such file or directory/, 0.92),
      sign(
        "header",
        /(?:cannot find|[Cc]ould not find|can't find|missing|Missing).{0,20}(?:header|headers).{0,40}(?<header>[\w./]+\.h\b)/,
        0.82,
      ),
      sign("header files", /(?:Please|please|must) (?:install|reinstall).*header/, 0.78),
    ],
    ({ header }) => `The C header ${header ?? "that is included"} is not installed.`,
    [
      "src/ext.c:15:17: fatal error: ffi.h: No such file or directory",
      "include/c_ssl.h:17:10: fatal error: 'openssl/conf.h' file not found",
    ],
    {
      identity: ["header"],
      decide: (finding, context) => {
        if (/Python\.h$/.test(finding.captures["header"] ?? "")) return accept(0.95);
        if (/^\s*checking/.test(context.lines[finding.at]!)) return reject("it is a check");
        return context.docker === null
          ? accept()
          : linesLeft(finding, context) > 250
          ? accept(0.7, {}, "consequence")
          : accept();
      },
    },
  ),
  reported(
    "missing-dev-library",
    ANY,
    [
      sign("No package '", /No package '(?<library>[^']+)' found/, 0.92),
      sign(", required by '", /Package '?(?<library>[^',]+)'?, required by '[^']+', not found/, 0.93),
      sign(
        "was not found in the pkg-config search path",
        /Package (?<library>\S+) was not found in the pkg-config search path/,
        0.88,
      ),
      sign("cannot find -l", /cannot find -l(?<library>[\w.+-]+)/, 0.94),
      sign("library not found for -l", /library not found for -l(?<library>[\w.+-]+)/, 0.94),
      sign(
        "pg_config",
        /(?<library>pg_config) executable not found|(?<library2>pg_config)(?: is required|: not found)/,
        0.94,
      ),
      sign(
        "mysql_config",
        /(?<library>mysql_config|mariadb_config)(?:: (?:command )?not found| not found)/,
        0.94,
      ),
      sign(
        "-config",
        /(?:OSError: |EnvironmentError: |Error: |RuntimeError: |not find |: )'?(?<library>\w+-config)'?(?: (?:failed executing|not found)|: (?:command )?not found)/,
        0.88,
      ),
      sign("Could NOT find ", /Could NOT find (?<library>\w+)/, 0.8),
      sign(
        "configure: error:",
        /configure: error: (?!in [`'])(?<detail>.*(?:librar|[Ll]ib\w*|headers?|not found|missing|Please (?:re)?install|Cannot find|cannot find|required|development|could not find|Package requirements).*)/,
        0.85,
      ),
      sign(
        "package configuration file provided by",
        /Could not find a package configuration file provided by "(?<library>[^"]+)"/,
        0.9,
      ),
      sign(
        "Package requirements",
        /configure: error: Package requirements \((?<library>[^)]*)\) were not met/,
        0.93,
      ),
      sign("Could not run curl-config", /Could not run curl-config|(?<library>curl-config): not found/, 0.94),
      sign(
        "development packages are installed",
        /make sure the (?<library>\S+) development packages are installed/i,
        0.9,
      ),
      sign("please point LLVM_CONFIG", /(?<library>llvm-config) failed executing/, 0.92),
      sign("Setup script exited with error: ", /(?:libxml2|libxslt) development packages/, 0.88),
      sign(
        "make sure the development packages of",
        /make sure the development packages of (?<library>libxml2 and libxslt)/i,
        0.95,
      ),
      sign("is missing. Please", /(?<library>\w+) (?:library|lib) (?:is )?missing/i, 0.82),
      sign("is missing.", /ERROR: (?<library>\S+) is missing\. (?:Install locally|Try)/, 0.85),
      sign("libxml2 is missing", /(?<library>libxml2|libxslt|zlib|libsqlite3) is missing/, 0.9),
      sign(
        "headers or library files could not be found",
        /headers or library files could not be found for (?<library>\w+)/,
        0.94,
      ),
      sign("Could not find BLAS", /(?:Could not find|No) (?<library>BLAS|LAPACK|lapack\/blas)/i, 0.88),
      sign("lapack/blas resources", /no (?<library>lapack\/blas) resources found/i, 0.92),
      sign(
        "Could not find openssl",
        /Could not find (?:directory of |the )?(?<library>[Oo]pen[Ss][Ss][Ll])/,
        0.9,
      ),
      sign("the system library", /The system library `(?<library>[^`]+)` required by crate/, 0.95),
      sign(
        "pkg-config exited with",
        /`?"?pkg-config"?.{0,200}(?:did not exit successfully|exited with)/,
        0.82,
      ),
      sign(
        "Unable to find lib",
        /Unable to find lib(?<library>\w+)|[Cc]an(?:'t|not) find lib(?<library2>\w+)/,
        0.85,
      ),
      sign(
        "Missing dependency",
        /(?:Missing|missing) (?:C )?(?:librar(?:y|ies)|dependency): ?\*? ?(?<library>\S+)/,
        0.82,
      ),
      sign("(C) librar", /Missing \(?C\)? librar(?:y|ies): (?<library>\S+)/i, 0.92),
      sign(
        "Unmet build dependencies",
        /dpkg-checkbuilddeps: error: Unmet build dependencies: (?<library>\S+)/,
        0.92,
      ),
      sign("Dependency ", /ERROR: Dependency "?(?<library>[\w.+-]+)"? (?:not found|is required)/, 0.92),
      sign(
        "ERROR: ",
        /^ERROR: (?!CMake)(?<library>\S+) (?:not found(?: using pkg-config)?|requested but not found|is required)/,
        0.88,
      ),
      sign("Could not find any of:", /Could not find (?:any|one) of: (?<library>.*)/, 0.85),
      sign("Unable to detect OpenSSL version", /Unable to detect (?<library>OpenSSL) version/, 0.92),
      sign("directory of OpenSSL", /Could not find directory of (?<library>OpenSSL)/, 0.93),
      sign(
        "unable to find library",
        /(?:unable|[Uu]nable) to find (?:the )?library '?-?l?(?<library>[\w.+-]+)/,
        0.9,
      ),
      sign("Failed to find ", /[Ff]ailed to find (?:system )?(?<library>lib\w+|\w+ library)/, 0.82),
    ],
    ({ library, detail }) =>
      `The development files of ${library ?? detail ?? "a library"} are not installed.`,
    ["No package 'libzip' found", "/usr/bin/ld: cannot find -lssl", "Error: pg_config executable not found."],
    {
      identity: ["library"],
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (/^\s*(?:-- |warning|WARNING|checking)/.test(line) && !/not found$/.test(line)) {
          return reject("it is a check or a warning");
        }
        if (line.includes("Could NOT find")) {
          return after(finding, context, /CMake Error|REQUIRED|missing:/, 3) ||
              before(finding, context, /CMake Error/, 4)
            ? accept(0.88)
            : accept(0.6, {}, "symptom");
        }
        if (/pkg-config search path/.test(line)) return accept(0.8, {}, "consequence");
        if (/No package '|No such file/.test(line) && linesLeft(finding, context) > 40) {
          return accept(0.7, {}, "consequence");
        }
        if (/no acceptable|compiler/.test(line)) return reject("the compiler is missing");
        return /cannot find -l/.test(line) && linesLeft(finding, context) < 400
          ? accept()
          : weakUnlessLast(finding, context);
      }),
    },
  ),
  reported(
    "cmake-too-old",
    ANY,
    [
      sign(
        "or higher is required.  You are running version",
        /CMake (?<version>[\d.]+) or higher is required\.\s+You are running version (?<have>[\d.]+)/,
        0.97,
      ),
      sign(
        "CMake 3",
        /CMake (?:version )?(?:>=? ?)?(?<version>[\d.]+)\+? (?:or (?:higher|newer|later|above) )?(?:is )?required/,
        0.9,
      ),
      sign("CMake >=", /CMake ?>= ?(?<version>[\d.]+) is required/i, 0.9),
    ],
    ({ version, have }) =>
      `The project needs CMake ${version}${have === undefined ? "" : `, the image has ${have}`}.`,
    [
      "  CMake 3.9 or higher is required.  You are running version 3.5.1",
      "  CMake 3.16 or higher is required.  You are running version 3.10.2",
    ],
    { identity: ["version"] },
  ),
  reported(
    "cmake-configure-failed",
    BUILD,
    [
      sign("CMake Error", /^\s*CMake Error(?: at (?<file>\S+?):\d+)?/, 0.85),
      sign("Configuring incomplete, errors occurred", /Configuring incomplete, errors occurred/, 0.82),
      sign(
        "Compatibility with CMake < 3.5 has been removed",
        /Compatibility with CMake < 3\.5 has been removed/,
        0.88,
      ),
    ],
    ({ file }) => `CMake cannot configure the project${file === undefined ? "" : ` (${file})`}.`,
    [
      "CMake Error at unittest/CMakeLists.txt:13 (target_compile_features):",
      "-- Configuring incomplete, errors occurred!",
    ],
    { severity: "consequence" },
  ),
  reported(
    "make-target-missing",
    BUILD,
    [sign(
      "No rule to make target",
      /No rule to make target [`'"](?<target>[^'"`]+)['"`](?:, needed by [`'"](?<by>[^'"`]+)['"`])?/,
      0.92,
    )],
    ({ target }) => `make has no rule for ${target}.`,
    [
      "make: *** No rule to make target 'install'.  Stop.",
      "make[1]: *** No rule to make target 'x.o', needed by 'all'.  Stop.",
    ],
    {
      identity: ["target"],
      decide: (finding, context) =>
        before(finding, context, /[Mm]akefile\S*:\d+: \S+: No such file/, 4)
          ? reject("a file that the makefile includes is missing")
          : before(finding, context, /CMake Error|configure: error|No targets specified/)
          ? accept(0.8, {}, "consequence")
          : accept(),
    },
  ),
  reported(
    "libc-too-old",
    ANY,
    [
      sign("GLIBC", /version [`'](?<version>GLIBC(?:XX)?_[\d.]+)' not found/, 0.95),
      sign("__", /Error relocating .*: (?<version>__\w+|\w+): symbol not found/, 0.85),
      sign(
        "ld-linux",
        /(?:error while loading shared libraries|cannot open shared object file|No such file|not found).{0,300}?(?<version>ld-linux[\w.-]{1,60})|(?<version2>ld-linux[\w.-]{1,60})(?![\w.-]).{0,300}?(?:No such file|not found|Could not open)/,
        0.8,
      ),
      sign("ld-musl", /(?<version>ld-musl[\w.-]{1,60})(?![\w.-]).{0,300}?(?:No such file|not found)/, 0.85),
    ],
    ({ version }) =>
      `A program needs ${version ?? "another C library"}, which the image's C library does not have.`,
    [
      "node: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.28' not found (required by node)",
      "Error relocating /usr/bin/protoc: __strdup: symbol not found",
    ],
    { identity: ["version"] },
  ),
  reported(
    "shared-library-missing",
    ANY,
    [
      sign(
        "cannot open shared object file",
        /(?<library>[\w.+-]+\.so[\w.]*): cannot open shared object file/,
        0.92,
      ),
      sign(
        "Error loading shared library",
        /Error loading shared library (?<library>[\w.+-]+\.so[\w.]*)/,
        0.92,
      ),
      sign(
        "Unable to load dynamic library",
        /Unable to load (?:dynamic|shared) library '?(?<library>[^\s']+)/,
        0.7,
      ),
      sign("DllNotFoundException", /DllNotFoundException: .*'(?<library>[^']+)'/, 0.85),
    ],
    ({ library }) => `The shared library ${library ?? "that a program needs"} is not installed.`,
    [
      "libglpk.so.40: cannot open shared object file: No such file or directory",
      "Error loading shared library libstdc++.so.6: No such file or directory (needed by /usr/bin/node)",
    ],
    {
      identity: ["library"],
      decide: (finding, context) =>
        /libQt5Core\.so/.test(context.lines[finding.at]!)
          ? reject("Qt's library asks for a newer kernel")
          : /LD_PRELOAD|warning/i.test(context.lines[finding.at]!)
          ? reject("it is a warning")
          : context.docker !== null && !isNearEnd(finding, context, 25)
          ? accept(0.7, {}, "consequence")
          : accept(),
    },
  ),
  reported(
    "toolchain-version-mismatch",
    ANY,
    [
      sign("requires SDK version", /requires SDK version (?<version>\S+)/, 0.92),
      sign(
        "unrecognized command line option",
        /(?:gcc|g\+\+|cc1|cc1plus|c\+\+|clang).*error: unrecognized command[- ]line option [‘'"“](?<version>[^’'"”]+)/,
        0.88,
      ),
      sign(
        "compiler version",
        /(?:[Uu]nsupported|requires? (?:at least )?|too old|needs? ).{0,40}(?:GCC|gcc|g\+\+|clang|compiler) (?:version )?(?<version>[\d.]+)/,
        0.85,
      ),
      sign(
        "or newer",
        /(?:GCC|gcc|G\+\+|g\+\+|[Cc]lang|compiler|LLVM|Autoconf|autoconf|automake|bison|meson|Meson) (?:version )?(?<version>[\d.]+) or (?:newer|higher|later|above)(?: is)? required/i,
        0.88,
      ),
      sign(
        "or higher is required",
        /(?:Autoconf|GCC|[Cc]lang|Bison|Automake|Meson|swig|SWIG|OTP|Erlang|Elixir|GHC|Perl|R|OCaml) (?:version )?(?<version>[\d.]+) or higher is required/i,
        0.9,
      ),
      sign("read-compiled-linklet", /read-compiled-linklet: (?:wrong version|version mismatch)/, 0.93),
      sign(
        "error: Autoconf version",
        /error: Autoconf version (?<version>[\d.]+) or higher is required/,
        0.95,
      ),
      sign(
        "requires a compiler with",
        /requires? (?:a )?(?:compiler|C\+\+ compiler) (?:with|that supports)/i,
        0.85,
      ),
      sign(
        "does not support C++",
        /(?:[Cc]ompiler|CXX) .{0,40}(?:does not|has no|doesn't) support (?:for )?C\+\+(?<version>\d+)/,
        0.88,
      ),
      sign(
        "use of the --version",
        /WARNING: '(?<version>automake-[\d.]+|aclocal-[\d.]+)' is missing on your system/,
        0.85,
      ),
      sign(
        "is missing on your system",
        /'(?<version>(?:automake|aclocal|autoconf|makeinfo)[\w.-]*)' is missing on your system/,
        0.8,
      ),
      sign("OTP ", /(?:requires|require|needs?) (?:at least )?(?:Erlang\/)?OTP (?<version>[\d.]+)/i, 0.88),
      sign(
        "on Elixir version",
        /but (?:it has been|you are) .*on Elixir|trying to run it on Elixir|requires? Elixir (?<version>\S+)/i,
        0.9,
      ),
      sign("it on Elixir", /trying to run on v(?<version>[\d.]+)|only supports Elixir/i, 0.85),
      sign(
        "is using Swift tools version",
        /is using Swift tools version (?<version>[\d.]+) (?:but the installed|which is no longer supported)/,
        0.95,
      ),
      sign("Swift compiler", /(?:compiled with|requires) Swift (?<version>[\d.]+)/, 0.8),
      sign("depends on R (>=", /(?:depends on|requires) R \(>= (?<version>[\d.]+)\)/, 0.85),
      sign("this Perl is v", /Perl v(?<version>[\d.]+) required--this is only v/, 0.93),
      sign("Perl v", /Perl v(?<version>[\d.]+) required--this is only v/, 0.93),
      sign("The current Dart SDK version is", /The current Dart SDK version is (?<version>[\d.]+)/, 0.92),
      sign("requires Flutter SDK", /requires Flutter SDK version (?<version>\S+)/, 0.92),
    ],
    ({ version }) =>
      `A build tool is of another version than the project needs${
        version === undefined ? "" : ` (${version})`
      }.`,
    [
      "Because sample requires SDK version >=1.0.0 <2.0.0, version solving failed.",
      "error: Autoconf version 2.71 or higher is required",
    ],
    {
      identity: ["version"],
      decide: (
        finding,
        context,
      ) => (context.docker !== null && linesLeft(finding, context) > 150
        ? accept(0.7, {}, "consequence")
        : accept()),
    },
  ),
  reported(
    "native-compile-error",
    ANY,
    [
      sign(
        ": error: ",
        /\.(?:c|cc|cpp|cxx|h|hpp|hh|hxx|cu|C|m|mm|inc|ipp|tcc|pyx|i|y|l):\d+(?::\d+)?: error: (?<detail>.*)/,
        0.85,
      ),
      sign("undefined reference to", /undefined reference to [`'](?<detail>[^'`]+)/, 0.82),
      sign("multiple definition of", /multiple definition of [`'](?<detail>[^'`]+)/, 0.85),
      sign("Werror", /\[-Werror[=\w-]*\]/, 0.85),
      sign("#error", /error: #error (?<detail>.*)/, 0.85),
      sign("internal compiler error", /internal compiler error: (?<detail>.*)/, 0.82),
      sign("collect2: error: ld returned", /collect2: error: ld returned/, 0.75),
      sign("Compile failed", /(?<detail>Compile failed|Compilation failed) .*\.(?:c|cc|cpp)/, 0.7),
      {
        ...sign(
          "failed with exit",
          /error: command '[^']*(?:gcc|g\+\+|cc|c\+\+)' failed with exit (?:status|code) \d+/,
          0.75,
        ),
        severity: "consequence" as const,
      },
    ],
    ({ detail }) => `C or C++ code does not compile${detail === undefined ? "" : `: ${detail}`}.`,
    [
      "csrc/mlp.cpp:147:46: error: expected primary-expression before '>' token",
      "src/types.h:36:2: error: #error You need a compatible libgit2 version (v0.28.x)",
    ],
    {
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (/No such file or directory/.test(line)) return reject("a file is missing");
        if (/internal compiler error: Killed/.test(line)) return reject("memory ran out");
        if (before(finding, context, /fatal error: .*No such file|error: \S+\.h: No such file/, 60)) {
          return reject("a header is missing");
        }
        if (/^\S*conftest|_configtest/.test(line)) return reject("it is a check");
        if (
          inStep(context, /Package '?\S+'?, required by|\bnode-gyp|gyp ERR!/) && /v8|nan|node/i.test(line)
        ) return accept(0.6, {}, "consequence");
        return linesLeft(finding, context) > 200 ? accept(0.65, {}, "consequence") : accept();
      }),
    },
  ),
];
