/** Causes of the shell and of files in a container build: programs, paths, rights, users, memory, disk, services. */
import { isNodeTool } from "../../code/node_names.ts";
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { after, before, inContainer, inStep, instructionOf, isNearEnd, linesLeft } from "./container.ts";
import { emptyArguments } from "./images.ts";
import { ANY, BUILD, reported, sign } from "./lines.ts";

/** Programs whose absence has a name of its own. */
const OWN_NAME =
  /^(?:RUN|COPY|ADD|ENV|FROM|CMD|WORKDIR|EXPOSE|USER|ENTRYPOINT|VOLUME|ARG|LABEL|gcc|g\+\+|cc|c\+\+|clang|clang\+\+|make|gmake|cmake|autoconf|automake|aclocal|autoreconf|libtoolize|libtool|gfortran|pkg-config|ninja|gpg|gpg2|apt-key|apt|apt-get|apk|yum|dnf|microdnf|pacman|zypper|dpkg|rpm|pg_config|mysql_config|curl-config|xml2-config|xslt-config|llvm-config|ssh|m4|bison|flex|swig)$/;

/** What the shell prints where a variable without a value leaves a word empty, or a page where a script should be. */
const NOT_A_PROGRAM =
  /^(?:\d+|line|<!DOCTYPE|<html|<|#|\S*\.(?:c|h|py|js|rb|go|conf|json|txt|xml|pm):?|checking|module|ERROR|error|Error|warning|Warning|npm|fatal|target|Package|package|command|file|File|which|type|Not|not|and|or)$/;

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
];
