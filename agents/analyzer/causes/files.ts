/** Causes of files in a container build: missing, there already, without rights, or no room for them. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding, Verdict } from "../catalogue.ts";
import { before, inContainer, inStep, isNearEnd, linesLeft } from "./container.ts";
import { emptyArguments } from "./images.ts";
import { ANY, BUILD, reported, sign } from "./lines.ts";

/** Files that tell a tool what to do in a folder. */
const MANIFEST =
  /(?:^|[/'"`])(?:package\.json|Gemfile|pom\.xml|go\.mod|Cargo\.toml|composer\.json|requirements[\w.-]*\.(?:txt|in|pip)|[\w-]*requirements\.txt|setup\.py|pyproject\.toml|Pipfile|CMakeLists\.txt|[Mm]akefile|GNUmakefile|build\.(?:gradle|xml|sbt)|Gopkg\.(?:toml|lock)|glide\.yaml|vendor\.(?:json|conf)|mix\.exs|rebar\.config|stack\.yaml|Package\.swift|configure\.(?:ac|in)|bower\.json|environment\.ya?ml|project\.clj|[\w.-]+\.(?:csproj|sln|gemspec|cabal))['"`:]?$/;

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

export const fileCauses: readonly Cause[] = [
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
