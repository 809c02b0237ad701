/** Causes of the shell and of files in a container build: programs, paths, rights, users, memory, disk, services. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding, Verdict } from "../catalogue.ts";
import { isNodeTool } from "../../code/node_names.ts";
import { emptyArguments } from "./images.ts";
import { after, before, inContainer, inStep, instructionOf, isNearEnd, linesLeft } from "./container.ts";
import { ANY, BUILD, reported, sign } from "./lines.ts";

/** Files that tell a tool what to do in a folder. */
const MANIFEST =
  /(?:^|[/'"`])(?:package\.json|Gemfile|pom\.xml|go\.mod|Cargo\.toml|composer\.json|requirements[\w.-]*\.(?:txt|in|pip)|[\w-]*requirements\.txt|setup\.py|pyproject\.toml|Pipfile|CMakeLists\.txt|[Mm]akefile|GNUmakefile|build\.(?:gradle|xml|sbt)|Gopkg\.(?:toml|lock)|glide\.yaml|vendor\.(?:json|conf)|mix\.exs|rebar\.config|stack\.yaml|Package\.swift|configure\.(?:ac|in)|bower\.json|environment\.ya?ml|project\.clj|[\w.-]+\.(?:csproj|sln|gemspec|cabal))['"`:]?$/;

/** Programs whose absence has a name of its own. */
const OWN_NAME =
  /^(?:RUN|COPY|ADD|ENV|FROM|CMD|WORKDIR|EXPOSE|USER|ENTRYPOINT|VOLUME|ARG|LABEL|gcc|g\+\+|cc|c\+\+|clang|clang\+\+|make|gmake|cmake|autoconf|automake|aclocal|autoreconf|libtoolize|libtool|gfortran|pkg-config|ninja|gpg|gpg2|apt-key|apt|apt-get|apk|yum|dnf|microdnf|pacman|zypper|dpkg|rpm|pg_config|mysql_config|curl-config|xml2-config|xslt-config|llvm-config|ssh|m4|bison|flex|swig)$/;

/** What the shell prints where a variable without a value leaves a word empty, or a page where a script should be. */
const NOT_A_PROGRAM =
  /^(?:\d+|line|<!DOCTYPE|<html|<|#|\S*\.(?:c|h|py|js|rb|go|conf|json|txt|xml|pm):?|checking|module|ERROR|error|Error|warning|Warning|npm|fatal|target|Package|package|command|file|File|which|type|Not|not|and|or)$/;

const FILE_SIGNS = [
  sign("No such file", /^\S*[Mm]akefile\S*:\d+: (?<file>\S+): No such file or directory/, 0.9),
  sign("Directory nonexistent", /cannot create (?<file>\S+): Directory nonexistent/, 0.92),
  sign("could not read file", /could not read file "(?<file>[^"]+)": no such file/, 0.88),
  sign("not found", /(?:ba|da|a)?sh: (?:line )?(?:\d+: )?(?:\d+: )?(?<file>\S*\/\S+): not found$/, 0.9),
  sign(
    "annot stat",
    /(?:cp|mv|install|chmod|rm|touch|ls|ln|stat|du): (?:cannot|can't) (?:stat|access|open) ['‘`]?(?<file>[^'’`]+?)['’]?: No such file or directory/,
    0.92,
  ),
  sign(
    "cannot access",
    /(?:chmod|chown|ls|chgrp|cp): cannot access ['‘`]?(?<file>[^'’`]+?)['’`]?: No such file/,
    0.92,
  ),
  sign(
    "can't stat",
    /\w+: can't (?:stat|open|rename|cd to) '?(?<file>[^'\n]+?)'?(?:: No such file.*)?$/,
    0.9,
  ),
  sign(
    "Cannot open: No such file",
    /tar(?: \(child\))?: (?<file>.+?): Cannot open: No such file or directory/,
    0.93,
  ),
  sign("cannot find or open", /unzip:\s+cannot find or open (?<file>[^\s,]+)/, 0.92),
  sign("can't open '", /(?:tar|unzip|sh|gzip|cat|grep|sed|awk): can't open '?(?<file>[^'\n:]+)'?/, 0.9),
  sign("can't open file", /can't open file '(?<file>[^']+)': \[Errno 2\]/, 0.93),
  sign(
    "No such file or directory",
    /(?:^|\s)(?:\/bin\/)?(?:ba|da)?sh: (?:line )?(?:\d+: )?(?:\d+: )?(?:cannot open |can't open |cd: |source: |\.: )?'?(?<file>[^\s:']+)'?: No such file or directory/,
    0.9,
  ),
  sign(
    "No such file",
    /^(?:\/\S+|[\w./-]+): (?:line )?\d+: (?:cannot open |can't open |cd: |\.: |source: )?(?<file>[^\s:]+): No such file(?: or directory)?$/,
    0.88,
  ),
  sign("can't cd to", /cd: (?:line \d+: )?can't cd to (?<file>\S+)/, 0.92),
  sign("cd: ", /\bcd: (?<file>[^:]+): No such file or directory/, 0.9),
  sign(
    "No such file or directory",
    /^(?:cat|sed|grep|head|tail|find|source|dos2unix|patch|awk|sha256sum|md5sum|mv|cp|rm|ln|chmod|chown|bash|sh|zcat|gzip|gunzip|tee|python\d?|perl|ruby|node|mkdir|rmdir|touch|java|jar|nginx|\S*strip|\S*objcopy|git|dpkg|rpm|apk|file|openssl|envsubst|env|unzip|7z|xargs|wc|sort|diff|cmp|install)(?:: can't read|: cannot (?:open|create \w+|stat|access|overwrite|touch))?: ?(?:error: |fatal: )?['‘`"]?(?<file>[^'’`"]+?)['’"]?:? (?:\(?No such file or directory\)?|for reading.*No such file.*)/,
    0.9,
  ),
  sign("can't read", /sed: can't read (?<file>[^:]+): No such file/, 0.92),
  sign(
    "[Errno 2]",
    /(?:FileNotFoundError|IOError|OSError|EnvironmentError)?:? ?\[Errno 2\] No such file or directory:? '?(?<file>[^'\n]+)'?/,
    0.82,
  ),
  sign(
    "ENOENT",
    /ENOENT: no such file or directory, (?:open|stat|scandir|lstat|access|chmod|rename|copyfile|mkdir|unlink) '(?<file>[^']+)'/,
    0.82,
  ),
  sign("ENOENT, ", /ENOENT, (?:no such file or directory,? ?)?(?:open|stat)? ?'?(?<file>[^'\n]+)'?/, 0.78),
  sign("Error: Cannot find module '/", /Error: Cannot find module '(?<file>\/[^']+)'/, 0.86),
  sign(
    "No such file or directory",
    /^(?:E: |error: |ERROR: |Error: |fatal: )?(?:open|stat|lstat|read|could not open|[Cc]ouldn't open|[Uu]nable to (?:open|read|find)|[Cc]annot (?:open|read|find|access)|[Ff]ailed to (?:open|read)) (?:file )?['"`]?(?<file>[^'"`:]+)['"`]?.*[Nn]o such file or directory/,
    0.85,
  ),
  sign(
    "no such file or directory",
    /(?:open|stat|lstat|chdir|exec:?|fork\/exec) "?(?<file>[^\s":]+)"?: no such file or directory/,
    0.84,
  ),
  sign(
    "COPY failed",
    /(?:COPY|ADD) failed: (?:(?:stat|lstat|Forbidden path).*?(?<file>[\w./*-]+)(?:: no such file|$)|no source files|file not found in build context or excluded by \.dockerignore: stat (?<file2>[^:]+))/,
    0.96,
  ),
  sign(
    "failed to compute cache key",
    /failed to (?:compute cache key|calculate checksum of ref)[^"]*"(?<file>[^"]+)": not found/,
    0.97,
  ),
  sign("no source files were specified", /(?:COPY|ADD) failed: no source files were specified/, 0.96),
  sign(
    "checking on sources",
    /checking on sources under .*copier: stat: "(?<file>[^"]+)": no such file/,
    0.95,
  ),
  sign("MSB1009", /MSB1009: Project file does not exist/, 0.95),
  sign("MSB1003", /MSB1003: Specify a project or solution file/, 0.85),
  sign("E: Unsupported file", /E: Unsupported file (?<file>\S+) given on commandline/, 0.9),
  sign("cannot access archive", /dpkg: error: cannot access archive '?(?<file>[^':]+)/, 0.92),
  sign(
    "Cannot open file",
    /(?:Could not open|Cannot open|Can't open|can't find|could not find|cannot find|Unable to (?:open|find|locate)) (?:the )?(?:input |source )?(?:file|script|path|archive|jarfile|directory):? ['"`]?(?<file>[\w./-]+)/i,
    0.82,
  ),
  sign("Unable to access jarfile", /Unable to access jarfile (?<file>\S+)/, 0.93),
  sign("Could not open input file", /Could not open input file: (?<file>\S+)/, 0.93),
  sign("No such file or directory @", /No such file or directory @ \w+ - (?<file>\S+)/, 0.85),
  sign("can't find file to patch", /can't find file to patch/, 0.85),
  sign("Can't open patch file", /(?:Can't open patch file|can't open patch) (?<file>\S+)/, 0.88),
  sign(
    "does not exist",
    /(?:[Ff]ile|[Pp]ath|[Dd]irectory|[Ff]older|[Ss]ource) ['"`]?(?<file>[\w./-]+[/.][\w./-]+)['"`]? (?:does not|doesn't) exist/,
    0.82,
  ),
  sign(
    "The system cannot find the file specified",
    /The system cannot find the (?:file|path) specified/,
    0.8,
  ),
  sign("the playbook:", /ERROR! the playbook: (?<file>\S+) could not be found/, 0.5),
];

const decideFile = (wanted: "file" | "manifest") => (finding: Finding, context: Context): Verdict => {
  const { file = "" } = finding.captures;
  const line = context.lines[finding.at]!;
  if (/fatal error: |error: \S+\.h:|\.(?:c|cc|cpp|h|hpp):\d+/.test(line) || /\.so[.\d]*$/.test(file)) {
    return reject("a header or a library is missing");
  }
  const isManifest = MANIFEST.test(file) && !/can't open file/.test(line) ||
    /requirements file|package\.json/.test(line);
  if (
    wanted === "file" && isManifest &&
    !/failed to compute|failed to calculate|(?:COPY|ADD) failed|cannot stat|cp: /.test(line)
  ) return reject("it is the manifest of a tool");
  if (wanted === "manifest" && !isManifest) return reject("it is no manifest");
  if (context.docker?.keyword === "COPY" || context.docker?.keyword === "ADD") return accept(0.95);
  if (/\.git$|^\/root\/\.ssh|docker\.sock|^\/dev\/|^\/proc\//.test(file)) return accept(0.6, {}, "symptom");
  if (emptyArguments(context.docker!).length > 0) return accept(0.7, {}, "symptom");
  // An archive that an earlier download did not bring is missing for that reason, and that stands above.
  const left = linesLeft(finding, context);
  if (left > 40) return accept(0.55, {}, "symptom");
  return accept(
    left > 15 ? Math.min(0.78, finding.confidence) : finding.confidence,
    {},
    left > 15 ? "symptom" : "consequence",
  );
};

export const shellCauses: readonly Cause[] = [
  reported(
    "command-not-found",
    ANY,
    [
      sign(
        "not found",
        /(?:^|[\s/])(?:ba|da|z|a|k)?sh: (?:line )?(?:\d+: )?(?:\d+: )?(?<program>[^\s:]+): (?:command )?not found/,
        0.9,
      ),
      sign("ommand not found", /(?:^|[\s:])(?<program>[\w@.+/-]+): [Cc]ommand not found/, 0.9),
      sign("command not found:", /command not found: (?<program>\S+)/, 0.92),
      sign(": not found", /^\S+: (?:line )?\d+: (?:\S+: )?(?<program>[\w@.+/-]+): not found$/, 0.88),
      sign(
        "executable file not found in",
        /exec: \\?"(?<program>[^"\\\s]+)\\?": executable file not found in/,
        0.92,
      ),
      sign(
        "No such file or directory",
        /env: (?:can't execute )?['‘`]?(?<program>[\w.+-]+)(?:\\r)?['’`]?: No such file or directory/,
        0.92,
      ),
      sign(
        "can't execute",
        /(?:can't execute|cannot exec|failed to execute|Cannot run program) ['"](?<program>[^'"]+)['"]/,
        0.85,
      ),
      sign(
        "make: ",
        /make(?:\[\d+\])?: (?<program>[\w.+-]+): (?:No such file or directory|Command not found|not found)/,
        0.92,
      ),
      sign("bad interpreter", /(?<program>\S+): (?:.*)?bad interpreter: No such file/, 0.85),
      sign("Cannot exec: No such file", /tar \(child\): (?<program>\S+): Cannot exec: No such file/, 0.95),
      sign("No git binary found in $PATH", /No (?<program>git) binary found in \$PATH/, 0.96),
      sign("find the binary", /error Couldn't find the binary (?<program>\w+)/, 0.96),
      sign("ENOENT", /(?:spawn|npm (?:ERR!|error) (?:enoent|ENOENT).*) (?<program>git|\w+) ENOENT/, 0.86),
      sign(
        "No such file or directory: '",
        /No such file or directory: '(?<program>git|svn|hg|curl|wget|unzip|patch|java|node|npm|sudo|bash|ruby|go|perl|cargo|rustc|svn|which|lsb_release|tar|file|dot|ffmpeg|ldconfig|nvcc|docker)'/,
        0.9,
      ),
      sign("Cannot find command", /Cannot find command ['"](?<program>[^'"]+)['"]/, 0.93),
      sign("Please install", /Please install (?<program>\w+) on your system/, 0.88),
      sign(
        "is not installed",
        /(?:ERROR|[Ee]rror|fatal|FATAL):? ?(?:.{0,40} )?['"`]?(?<program>[\w.+-]+)['"`]? is not installed/,
        0.82,
      ),
      sign(
        "not found in",
        /(?:ERROR|[Ee]rror|fatal|FATAL).{0,40}['"`]?(?<program>\b[a-z][\w.+-]+)['"`]? (?:was |could )?not (?:be )?found in (?:your |the )?\$?(?:PATH|path)/,
        0.85,
      ),
      sign(
        "required",
        /(?:You need|You must|This script requires|requires) (?:to (?:have|install) )?['"`]?(?<program>curl|wget|git|unzip|python3?|bash|java|node|npm|sudo|which|perl|ruby|lsb_release|tar|xz|bzip2|file|patch|help2man|texinfo|makeinfo|gawk|rsync)['"`]? (?:to be |is )?(?:installed|required|in order|to)/i,
        0.82,
      ),
      sign(
        "is required",
        /(?<program>curl|wget|git|unzip|python3?|bash|java|node|npm|sudo|perl|makeinfo|gawk|rsync) is required/i,
        0.82,
      ),
      sign("exec:", /exec: "(?<program>[\w.+-]+)": executable file not found/, 0.92),
      sign("go: missing Git command", /go: missing (?<program>Git) command/, 0.97),
      sign("missing Git command", /missing (?<program>Git) command/, 0.97),
      sign(
        "java: ",
        /JAVA_HOME (?:is not set|environment variable is not defined|is not defined correctly)/,
        0.7,
      ),
      sign("JAVA_HOME", /JAVA_HOME (?:is not set|(?:environment variable )?is not defined)/, 0.82),
      sign("WARNING: Failed to set up", /OSError: \[Errno 2\] No such file or directory$/, 0.5),
    ],
    ({ program }) => `The program ${program ?? "that the step runs"} is not installed.`,
    [
      "/bin/sh: 1: pip: not found",
      "/build/install.sh: line 28: npm: command not found",
      "env: can't execute 'bash': No such file or directory",
    ],
    {
      severity: "consequence",
      identity: ["program"],
      decide: inContainer((finding, context) => {
        const { program = "" } = finding.captures;
        const name = program.split("/").at(-1)!;
        const line = context.lines[finding.at]!;
        if (OWN_NAME.test(name) || NOT_A_PROGRAM.test(program)) {
          return reject("it has a name of its own, or is no program");
        }
        if (program.includes("/") && /sh: /.test(line)) return reject("it is a path: a file is missing");
        if (/^\s*checking|warning|WARNING|which: no/.test(line)) return reject("it is a check or a warning");
        const ends = context.docker?.exitCode === 127 && linesLeft(finding, context) <= 4;
        if (isNodeTool(name) && !/^(?:npm|npx|yarn|pnpm|node|bun)$/.test(name)) return accept(0.7);
        if (emptyArguments(context.docker!).length > 0 && !ends) return accept(0.6, {}, "symptom");
        if (ends) return accept(/\//.test(program) ? 0.85 : 0.93, {}, "cause");
        if (/bad interpreter/.test(line)) return accept(0.82);
        const left = linesLeft(finding, context);
        if (left <= 6) return accept(0.9, {}, "cause");
        return left <= 30 ? accept(Math.min(0.82, finding.confidence)) : accept(0.55, {}, "symptom");
      }),
      step: (build, context) =>
        build.exitCode === 127 && inStep(context, /not found|No such file/) ? accept(0.7) : undefined,
    },
  ),
  reported(
    "file-missing-in-image",
    BUILD,
    FILE_SIGNS,
    ({ file }) => `The step uses ${file ?? "a file"}, which is not in the image.`,
    [
      "cp: cannot stat './data/*': No such file or directory",
      'ERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref abc::def: "/requirements.txt": not found',
      "COPY failed: file not found in build context or excluded by .dockerignore: stat app.jar: file does not exist",
    ],
    { identity: ["file"], decide: inContainer(decideFile("file")) },
  ),
  reported(
    "manifest-missing",
    BUILD,
    FILE_SIGNS,
    ({ file }) => `The tool finds no ${file} in the folder it works in.`,
    [
      "FileNotFoundError: [Errno 2] No such file or directory: 'requirements.txt'",
      "ENOENT: no such file or directory, open '/app/package.json'",
    ],
    { identity: ["file"], decide: inContainer(decideFile("manifest")) },
  ),
  reported(
    "manifest-missing",
    BUILD,
    [
      sign(
        "Could not open requirements file",
        /Could not open requirements file:.*(?:No such file or directory: '(?<file>[^']+)')?/,
        0.95,
      ),
      sign("Could not locate Gemfile", /Could not locate (?<file>Gemfile)/, 0.97),
      sign(
        "package.json",
        /(?:ENOENT|no such file|Couldn't find|Could not (?:find|read)|No) .{0,120}(?<file>package\.json)/,
        0.93,
      ),
      sign("Couldn't read dependencies", /npm ERR! Couldn't read dependencies/, 0.93),
      sign(
        "No targets specified and no makefile found",
        /No targets specified and no (?<file>makefile) found/,
        0.95,
      ),
      sign(
        "make: Makefile: No such file",
        /make(?:\[\d+\])?: (?<file>\S*[Mm]akefile\S*): No such file/,
        0.95,
      ),
      sign("could not find a composer.json", /Composer could not find a (?<file>composer\.json)/, 0.97),
      sign("there is no POM in this directory", /there is no (?<file>POM) in this directory/, 0.97),
      sign("could not find `Cargo.toml`", /could not find `(?<file>Cargo\.toml)`/, 0.9),
      sign("cannot find main module", /cannot find main module/, 0.93),
      sign("go.mod file not found", /(?<file>go\.mod) file not found/, 0.95),
      sign(
        "does not appear to contain CMakeLists.txt",
        /does not appear to contain (?<file>CMakeLists\.txt)/,
        0.9,
      ),
      sign("Buildfile: ", /Buildfile: (?<file>\S+) does not exist/, 0.96),
      sign("is required", /autoreconf: '(?<file>configure\.ac)' or 'configure\.in' is required/, 0.95),
      sign(
        "neither 'setup.py' nor 'pyproject.toml'",
        /neither '(?<file>setup\.py)' nor 'pyproject\.toml' found/,
        0.95,
      ),
      sign("does not appear to be a Python project", /does not appear to be a Python project/, 0.93),
      sign(
        "Directory '.' is not installable",
        /Directory '\S+' is not installable\. (?:File|Neither) '(?<file>setup\.py)'/,
        0.95,
      ),
      sign("is not installable", /Directory '\S+' is not installable/, 0.93),
      sign("File 'setup.py' not found", /File '(?<file>setup\.py)' not found/, 0.93),
      sign("could not find a pyproject.toml", /could not find a (?<file>pyproject\.toml) file/i, 0.95),
      sign(
        "Pipfile",
        /(?:No|not find|not found).{0,20}(?<file>Pipfile)(?: present| found| at)?|(?<file2>Pipfile\.lock) (?:not found|must exist)/i,
        0.88,
      ),
      sign("Could not find a Mix.Project", /Could not find a (?<file>Mix\.Project)/, 0.93),
      sign("root manifest not found", /root manifest not found/, 0.9),
      sign("configure: error: cannot find sources", /configure: error: cannot find sources/, 0.75),
      sign("Neither pyproject.toml nor", /Neither (?<file>pyproject\.toml) nor \S+ found/, 0.95),
      sign("Vendor file at", /Vendor file at "(?<file>[^"]+)" not found/, 0.92),
      sign("no Gopkg.toml", /(?:no|could not find project) (?<file>Gopkg\.toml)/i, 0.93),
      sign("does not contain a Gradle build", /does not contain a Gradle build/, 0.95),
      sign("Failed to find", /Failed to find (?:a )?(?<file>glide\.yaml|Glide)/i, 0.85),
      sign("environment.yml", /(?<file>environment\.ya?ml).*(?:not found|does not exist|no such file)/i, 0.9),
      sign("bower ENOENT No bower.json", /ENOENT No (?<file>bower\.json)/, 0.95),
      sign("MSB1003", /MSB1003: Specify a project or solution file/, 0.92),
      sign("find a project to", /Couldn't find a project to (?:run|restore)/i, 0.9),
      sign("Could not find stack.yaml", /(?:Stack looks for|no)\s.*(?<file>stack\.yaml)/, 0.8),
      sign("error: no Package.swift", /(?:Could not find|no) (?<file>Package\.swift)/i, 0.88),
      sign(
        "tsconfig.json",
        /(?:Cannot find a|Could not (?:find|resolve)|no such file).{0,80}(?<file>tsconfig\.json)/i,
        0.75,
      ),
    ],
    ({ file }) => `The tool finds no ${file ?? "manifest"} in the folder it works in.`,
    ["Could not locate Gemfile", "make: *** No targets specified and no makefile found.  Stop."],
    {
      identity: ["file"],
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (emptyArguments(context.docker!).length > 0) return accept(0.7, {}, "symptom");
        if (/npm (?:WARN|warn)|[Ww]arning/.test(line)) return reject("it is a warning");
        if (
          /CMakeLists/.test(line) && context.repository?.paths.some((path) => path.endsWith(".gitmodules"))
        ) return reject("a submodule is empty");
        if (/no makefile found/.test(line) && before(finding, context, /CMake Error|configure: error/)) {
          return accept(0.7, {}, "consequence");
        }
        return isNearEnd(finding, context, 40) ? accept() : accept(0.7, {}, "consequence");
      }),
    },
  ),
  reported(
    "permission-denied",
    ANY,
    [
      sign(
        "ermission denied",
        /(?:^|[\s/'"])(?:ba|da|a)?sh: (?:line )?(?:\d+: )?(?:\d+: )?(?<file>\S+): Permission denied/,
        0.93,
      ),
      sign(
        "ermission denied",
        /^(?:mkdir|cp|mv|rm|chmod|chown|touch|ln|tar|install|tee|cat|sed|make(?:\[\d+\])?|unzip|wget|curl|git|npm|go|env|find|ldconfig|useradd|groupadd)(?: [^:]+)?: .*[Pp]ermission denied/,
        0.88,
      ),
      sign("(13: Permission denied)", /\(13: Permission denied\)/, 0.95),
      sign("are you root?", /are you root\?/, 0.93),
      sign(
        "EACCES",
        /(?:npm (?:ERR!|error) |error ).*EACCES|EACCES: permission denied|EACCES, (?:mkdir|open|unlink)/,
        0.9,
      ),
      sign(
        "Permission denied",
        /(?:PermissionError: )?\[Errno 13\] Permission denied:? ?'?(?<file>[^'\n]*)/,
        0.9,
      ),
      sign(
        "permission denied",
        /: (?:mkdir|open|unlink|lchown|fork\/exec|exec:?) (?<file>\S+): permission denied/,
        0.9,
      ),
      sign(
        "Operation not permitted",
        /(?:chown|chmod|chgrp|mount|setcap|sysctl|cp|tar|useradd|su|sudo|iptables|modprobe|mknod): .*Operation not permitted/,
        0.78,
      ),
      sign(
        "You need to be root",
        /(?:[Yy]ou (?:need to|must|have to) be|[Mm]ust be run as|run (?:this )?(?:script )?as|Please run as|requires?) (?:the )?(?:root|superuser|super user|administrator)/,
        0.85,
      ),
      sign("must be run as root", /must be (?:run )?(?:as )?root/i, 0.85),
      sign(
        "This command has to be run under the root user",
        /has to be run under the root user|You need to be root to perform this command/i,
        0.95,
      ),
      sign(
        "is not writable",
        /(?:is not writable|not writeable) (?:by|for) (?:the )?(?:current )?user/i,
        0.85,
      ),
      sign("don't have write permissions", /You don't have write permissions/i, 0.93),
      sign("Gem::FilePermissionError", /Gem::FilePermissionError/, 0.93),
      sign("Could not open lock file", /Could not open lock file \S+ - open \(13/, 0.95),
      sign(
        "There was an error while trying to write to",
        /There was an error while trying to write to/,
        0.75,
      ),
      sign("EPERM", /npm (?:ERR!|error) code EPERM|EPERM: operation not permitted/, 0.75),
      sign("running commands as root", /Cannot create directory .*Permission/, 0.8),
    ],
    ({ file }) =>
      `${
        file === undefined || file === "" ? "The step" : file
      } may not be run or written: rights are missing.`,
    [
      "/bin/sh: 1: ./build.sh: Permission denied",
      "E: List directory /var/lib/apt/lists/partial is missing. - Acquire (13: Permission denied)",
    ],
    {
      identity: ["file"],
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (/publickey/.test(line)) return reject("it is about an ssh key");
        if (/^(?:find|ls|W:|warning|WARNING|du):? /.test(line)) return accept(0.5, {}, "symptom");
        if (/^ERROR: Unable to lock database|apk/.test(line)) return accept(0.93);
        return isNearEnd(finding, context, 25) ? accept() : accept(0.7, {}, "consequence");
      }),
      step: (
        build,
        context,
      ) => (build.exitCode === 126 && !inStep(context, /exec format|cannot execute binary/i)
        ? accept(0.85)
        : undefined),
    },
  ),
  reported(
    "path-already-exists",
    BUILD,
    [
      sign(
        "File exists",
        /(?:ln|mkdir|link|symlink|cp|mv|mknod): .*(?<path>['‘`][^'’`]+['’`]|\/\S+).*: File exists/,
        0.94,
      ),
      sign(
        "already exists",
        /(?:useradd|groupadd|adduser|addgroup): (?:The |user |group |fatal: )?.*already (?:exists|in use)/,
        0.94,
      ),
      sign("in use", /(?:adduser|addgroup): (?:user|group|uid|gid) '(?<path>[^']+)' in use/, 0.94),
      sign(
        "already exists",
        /(?:fatal: )?destination path '(?<path>[^']+)' already exists and is not an empty directory/,
        0.95,
      ),
      sign(
        "already exists",
        /(?:The (?:user|group) `(?<path>[^']+)' already exists|Directory already exists)/,
        0.93,
      ),
      sign("Directory not empty", /(?:mv|rmdir|cp): .*Directory not empty/, 0.8),
      sign(
        "prefix already exists",
        /(?:CondaValueError: prefix already exists|ERROR: File or directory already exists): ?'?(?<path>[^']*)/,
        0.95,
      ),
      sign(
        "File or directory already exists",
        /ERROR: File or directory already exists: '(?<path>[^']+)'/,
        0.96,
      ),
      sign("are the same file", /(?:cp|ln|mv): .*are the same file/, 0.88),
      sign("is not a directory", /mkdir: .*(?:Not a directory|is not a directory)/, 0.7),
      sign("cannot overwrite", /(?:cp|mv|ln): cannot overwrite/, 0.85),
    ],
    ({ path }) => `${path ?? "What the step creates"} exists already.`,
    ["mkdir: can't create directory '/opt': File exists", "groupadd: group 'node' already exists"],
    {
      identity: ["path"],
      decide: inContainer((
        finding,
        context,
      ) => (isNearEnd(finding, context, 12) ? accept() : accept(0.6, {}, "symptom"))),
    },
  ),
  reported(
    "user-or-group-invalid",
    BUILD,
    [
      sign(
        "invalid user",
        /(?:chown|install|su|sudo|usermod|crontab): (?:invalid user|user ['‘`]?)(?:: )?['‘`]?(?<user>[^'’`\s]*)/,
        0.94,
      ),
      sign(
        "invalid group",
        /(?:chown|chgrp|install): invalid (?:group|spec): ?['‘`]?(?<user>[^'’`\s]*)/,
        0.94,
      ),
      sign(
        "unknown user",
        /(?:chown|su|sudo|install|chgrp|adduser|addgroup): unknown (?:user|group|user\/group)[: /]*(?<user>\S*)/,
        0.94,
      ),
      sign(
        "does not exist",
        /(?:useradd|usermod|gpasswd|chpasswd|adduser|su|passwd|userdel|groupmod): .*(?:user|group) ['‘`"]?(?<user>[^'’`"\s]+)['’`"]? does not exist/,
        0.94,
      ),
      sign(
        "is not unique",
        /(?:useradd|groupadd|usermod|groupmod): (?:UID|GID) ['‘`]?(?<user>\S+?)['’`]? (?:is not unique|already exists)/,
        0.93,
      ),
      sign(
        "unknown group",
        /(?:chgrp|adduser|addgroup|useradd): (?:unknown|invalid) group (?<user>\S+)/,
        0.93,
      ),
      sign("invalid user ID", /useradd: invalid user ID '(?<user>[^']*)'/, 0.85),
      sign("unable to find user", /unable to find user (?<user>\S+): no matching entries/, 0.95),
      sign("no matching entries in passwd file", /no matching entries in (?:passwd|group) file/, 0.95),
      sign("no users in passwd", /(?:linux spec user: |getpwnam\().*(?:unable to find|failed)/, 0.85),
      sign("No such user", /(?:[Nn]o (?:such user|passwd entry for user)|User \S+ not found)/, 0.88),
      sign(
        "Only one or two names allowed",
        /adduser: (?:Only one or two names allowed|The (?:user|group) `\S+' does not exist)/,
        0.9,
      ),
      sign(
        "Please enter a username matching",
        /Please enter a username matching the regular expression/,
        0.9,
      ),
      sign("invalid user name", /(?:useradd|adduser): invalid user name/, 0.92),
    ],
    ({ user }) => `The user or group ${user ?? "that the step names"} does not exist or cannot be made.`,
    ["chown: invalid user: 'app:app'", "useradd: UID 1000 is not unique"],
    {
      identity: ["user"],
      decide: inContainer((
        finding,
        context,
      ) => (emptyArguments(context.docker!).length > 0
        ? accept(0.7, {}, "consequence")
        : isNearEnd(finding, context, 12)
        ? accept()
        : accept(0.6, {}, "symptom"))
      ),
    },
  ),
  reported(
    "shell-syntax-error",
    BUILD,
    [
      sign("yntax error", /(?:ba|da|a|z)?sh: (?:-c: )?(?:line )?\d*:? ?(?:\d+: )?[Ss]yntax error/, 0.9),
      sign("syntax error near unexpected token", /syntax error near unexpected token/, 0.9),
      sign(
        "Syntax error: ",
        /Syntax error: (?:"\S+" unexpected|Unterminated|word unexpected|end of file unexpected|Bad)/,
        0.92,
      ),
      sign("syntax error: ", /(?:sh|bash): syntax error: unexpected/, 0.9),
      sign("Bad substitution", /[Bb]ad substitution/, 0.92),
      sign("unexpected EOF while looking for matching", /unexpected EOF while looking for matching/, 0.93),
      sign("bad interpreter", /\^M: bad interpreter|bad interpreter: .*\^M/, 0.95),
      sign("$'\\r': command not found", /\$'\\r': command not found/, 0.96),
      sign("\\r", /(?:env|\/usr\/bin\/env): ['‘`]?\w+\\r['’`]?: No such file/, 0.95),
      sign("Illegal option", /(?:sh|set): \d*:? ?(?:set: )?Illegal option/, 0.92),
      sign("illegal option", /set: illegal option -o pipefail/, 0.93),
      sign("source: not found", /source: not found/, 0.9),
      sign("pushd: not found", /(?:pushd|popd|shopt|declare|function|let): not found/, 0.9),
      sign("unexpected operator", /\[: .*unexpected operator/, 0.6),
      sign("event not found", /event not found/, 0.75),
    ],
    () => "The shell cannot read the command: it is written for another shell, or quoted wrongly.",
    ['/bin/sh: 1: Syntax error: "(" unexpected', "/bin/sh: 1: Bad substitution"],
    {
      decide: inContainer((finding, context) => {
        if (
          before(finding, context, /<!DOCTYPE|<html/i, 3) ||
          /<!DOCTYPE|`<|newline'/.test(context.lines[finding.at]!)
        ) return reject("a page stands where a script should");
        return isNearEnd(finding, context, 6) ? accept() : accept(0.6, {}, "symptom");
      }),
    },
  ),
  reported(
    "tool-option-unsupported",
    BUILD,
    [
      sign(
        "unrecognized option",
        /^(?<program>[\w./-]+): unrecognized option:? ['‘`]?(?<option>[^'’`\s]+)/,
        0.9,
      ),
      sign("invalid option", /^(?<program>[\w./-]+): invalid option -- ['‘`]?(?<option>[^'’`\s]+)/, 0.9),
      sign(
        "unknown option",
        /^(?:error: |Error: |ERROR: )?(?<program>[\w./-]+)?:? ?unknown option:? ['‘`"]?(?<option>-[^'’`"\s]+)/i,
        0.85,
      ),
      sign("unknown flag: ", /(?:Error|error): unknown (?:shorthand )?flag: (?<option>\S+)/, 0.88),
      sign("unrecognized arguments", /error: unrecognized arguments: (?<option>.*)/, 0.88),
      sign("flag provided but not defined", /flag provided but not defined: (?<option>\S+)/, 0.82),
      sign(
        "option requires an argument",
        /^(?<program>[\w./-]+): option requires an argument(?: --|:)? ['‘`]?(?<option>\S+)/,
        0.6,
      ),
      sign("Found argument '", /error: Found argument '(?<option>[^']+)' which wasn't expected/, 0.9),
      sign("unexpected argument '", /error: unexpected argument '(?<option>[^']+)' found/, 0.9),
      sign("No such option: ", /Error: [Nn]o such option:? (?<option>\S+)/, 0.88),
      sign(
        "unknown command",
        /(?:Error|error): unknown command "(?<option>[^"]+)" for "(?<program>[^"]+)"/,
        0.88,
      ),
      sign(
        "Unknown option",
        /Unknown (?:command line )?(?:option|argument|switch):? ['"]?(?<option>-[^'"\s]+)/,
        0.85,
      ),
      sign("no such subcommand", /(?:no such (?:sub)?command|Unknown command):? ['"`]?(?<option>\w+)/i, 0.75),
    ],
    ({ program, option }) => `${program ?? "The tool"} of the image does not know ${option}.`,
    ["tar: unrecognized option '--zstd'", "Error: unknown flag: --purge"],
    {
      severity: "consequence",
      identity: ["program", "option"],
      decide: inContainer((finding, context) => {
        if (emptyArguments(context.docker!).length > 0) return accept(0.7, {}, "symptom");
        return after(finding, context, /[Uu]sage|Try '|--help|BusyBox/, 6) || isNearEnd(finding, context, 12)
          ? accept()
          : accept(0.6, {}, "symptom");
      }),
    },
  ),
  reported(
    "service-unavailable-at-build",
    BUILD,
    [
      sign(
        "connect to local MySQL server through socket",
        /Can't connect to local (?:MySQL|MariaDB|server).*through socket/,
        0.95,
      ),
      sign(
        "Is the server running",
        /(?:could not connect to server|connection to server).*|Is the server running (?:locally|on)/,
        0.9,
      ),
      sign(
        "ould not connect to server",
        /[Cc]ould not connect to server: (?:Connection refused|No such file)/,
        0.92,
      ),
      sign("Failed to connect to bus", /Failed to connect to bus/, 0.92),
      sign("Failed to get D-Bus connection", /Failed to get D-Bus connection/, 0.95),
      sign("System has not been booted with systemd", /System has not been booted with systemd/, 0.95),
      sign("connect to the Docker daemon", /Cannot connect to the Docker daemon/i, 0.93),
      sign(
        "Connection refused",
        /(?:Could not connect to|connect(?:ion)? to|dial tcp) (?:Redis|MongoDB|redis|mongo|localhost|127\.0\.0\.1)\S*.*[Cc]onnection refused/,
        0.9,
      ),
      sign("ECONNREFUSED", /ECONNREFUSED (?:127\.0\.0\.1|localhost|::1):(?<port>\d+)/, 0.88),
      sign("SQLSTATE[HY000] [2002]", /SQLSTATE\[HY000\] \[200[235]\]/, 0.93),
      sign(
        "Unable to connect to",
        /Unable to connect to upstart|Unable to connect to (?:the )?(?:database|redis|mysql|postgres)/i,
        0.9,
      ),
      sign(
        "X server",
        /(?:cannot|Can't|could not|unable to) (?:open|connect to) (?:X server|display)/i,
        0.85,
      ),
      sign("cannot open display", /cannot open display/i, 0.85),
      sign("modprobe: ", /modprobe: (?:FATAL|ERROR): /, 0.8),
      sign(
        "PG::ConnectionBad",
        /PG::ConnectionBad|Mysql2::Error::ConnectionError|Redis::CannotConnectError/,
        0.9,
      ),
      sign(
        "ServerSelectionTimeoutError",
        /ServerSelectionTimeoutError|MongoNetworkError|failed to connect to server \[/,
        0.88,
      ),
      sign(
        "Failed to open connection to",
        /Failed to (?:open connection to|connect to socket) .*(?:system message bus|dbus)/i,
        0.93,
      ),
      sign("invoke-rc.d: ", /invoke-rc\.d: .*(?:failed|could not determine)/, 0.45),
      sign(
        "no configuration has been provided",
        /invalid configuration: no configuration has been provided/,
        0.75,
      ),
      sign("Error connecting to", /Error connecting to (?:Redis|MySQL|Postgres|database)/i, 0.85),
    ],
    () => "The step needs a service that does not run during a build.",
    [
      "ERROR 2002 (HY000): Can't connect to local MySQL server through socket '/var/run/mysqld/mysqld.sock' (2)",
      "System has not been booted with systemd as init system (PID 1). Can't operate.",
    ],
    {
      decide: inContainer((
        finding,
        context,
      ) => (isNearEnd(finding, context, 40) ? accept() : accept(0.65, {}, "symptom"))),
    },
  ),
  reported(
    "config-mgmt-failed",
    BUILD,
    [
      sign("fatal: [", /^fatal: \[(?<host>[^\]]+)\]: (?:FAILED|UNREACHABLE)!/, 0.95),
      sign("ERROR! ", /^ERROR! (?<detail>.*)/, 0.92),
      sign(
        "Evaluation Error",
        /Error: (?:Evaluation Error|Could not (?:find|parse|retrieve|apply|run)|Could not autoload).*/,
        0.88,
      ),
      sign("Chef Client failed", /Chef (?:Infra )?Client failed/, 0.93),
      sign("FATAL: Chef", /FATAL: (?:Chef|Mixlib|Stacktrace dumped|Net::HTTP)/, 0.88),
      sign("PLAY RECAP", /failed=[1-9]\d*/, 0.85),
      sign("[ERROR   ] ", /salt-call.*ERROR|^\[(?:ERROR|CRITICAL) *\] /, 0.78),
      sign(
        "Librarian",
        /(?:Could not resolve the dependencies|Unable to satisfy the following requirements|Berkshelf::)/,
        0.85,
      ),
    ],
    ({ detail }) => `Ansible, Puppet or Chef failed${detail === undefined ? "" : `: ${detail}`}.`,
    [
      'fatal: [localhost]: FAILED! => {"changed": false, "msg": "No package matching"}',
      "ERROR! the playbook: /srv/site.yml could not be found",
    ],
    {
      decide: inContainer((
        finding,
        context,
      ) => (inStep(context, /ansible|puppet|chef|salt|TASK \[|PLAY |playbook|cookbook/i) ||
          /ansible|puppet|chef|salt/.test(instructionOf(context))
        ? (after(finding, context, /\.\.\.ignoring/, 2) ? reject("the play goes on") : accept())
        : reject("no such tool runs"))
      ),
    },
  ),
  reported(
    "out-of-memory",
    BUILD,
    [
      sign("llowed memory size of", /Allowed memory size of \d+ bytes exhausted/, 0.96),
      sign("JavaScript heap out of memory", /JavaScript heap out of memory/, 0.95),
      sign("java.lang.OutOfMemoryError", /java\.lang\.OutOfMemoryError/, 0.93),
      sign("Killed", /(?:^|\s|: )Killed(?: \(program (?:cc1plus|cc1|as|ld)\)|$|\s)/, 0.85),
      sign("fatal error: Killed signal", /fatal error: Killed signal terminated program/, 0.95),
      sign("internal compiler error: Killed", /internal compiler error: Killed/, 0.95),
      sign("Cannot allocate memory", /[Cc]annot allocate memory/, 0.9),
      sign("virtual memory exhausted", /virtual memory exhausted/, 0.95),
      sign("MemoryError", /^(?:\w+\.)?MemoryError/, 0.92),
      sign("signal: killed", /signal: killed/, 0.93),
      sign("(signal: 9, SIGKILL", /signal: 9, SIGKILL/, 0.92),
      sign("insufficient memory for the Java Runtime", /insufficient memory for the Java Runtime/, 0.93),
      sign("Could not reserve enough space for", /Could not reserve enough space for/, 0.9),
      sign("process exited too early", /The build failed because the process exited too early/, 0.9),
      sign("out of memory", /(?:error|Error|ERROR|fatal|FATAL).*\bout of memory\b/, 0.85),
      sign("exit code: 137", /did not complete successfully: exit code: 137/, 0.88),
      sign("ResourceExhausted", /(?:ResourceExhausted|cannot allocate memory)/, 0.85),
    ],
    () => "The build ran out of memory.",
    [
      "PHP Fatal error:  Allowed memory size of 1610612736 bytes exhausted (tried to allocate 4096 bytes)",
      "g++: fatal error: Killed signal terminated program cc1plus",
    ],
    {
      decide: inContainer((
        finding,
        context,
      ) => (/exit code: 137|Killed/.test(context.lines[finding.at]!) && !isNearEnd(finding, context, 20)
        ? accept(0.7, {}, "symptom")
        : accept())
      ),
      step: (build) => (build.exitCode === 137 ? accept(0.85) : undefined),
    },
  ),
  reported(
    "disk-full",
    ANY,
    [
      sign("o space left on device", /[Nn]o space left on device/, 0.95),
      sign("ENOSPC", /ENOSPC/, 0.9),
      sign("You don't have enough free space in", /You don't have enough free space in/, 0.95),
      sign("isk quota exceeded", /[Dd]isk quota exceeded/, 0.93),
      sign("needs more space on the", /needs \d+\S* (?:more space )?on the \S+ filesystem/, 0.93),
    ],
    () => "The disk of the build's host is full.",
    [
      "tar: ./lib/x.so: Cannot write: No space left on device",
      "npm ERR! nospc ENOSPC: no space left on device, write",
    ],
    {
      decide: (
        finding,
        context,
      ) => (/file watchers|inotify/.test(context.lines[finding.at]!)
        ? reject("it is about watched files")
        : context.docker === null
        ? accept()
        : accept()),
    },
  ),
];
