/** Causes of the Dockerfile itself: its base image, its syntax, its arguments, and the builder. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding, Verdict } from "../catalogue.ts";
import type { DockerBuild } from "../docker_build.ts";
import { before, inContainer, inStep, isNearEnd } from "./container.ts";
import { BUILD, reported, sign } from "./lines.ts";

/** Names of variables in a command, such as `$VERSION` or `${VERSION}`, without those that have a default. */
function variablesIn(text: string): string[] {
  return [...text.matchAll(/\$(?:\{(\w+)\}|\{(\w+):?\?[^}]*\}|(\w+))/g)]
    .map((found) => found[1] ?? found[2] ?? found[3]!);
}

/** Arguments that the builder sets itself, or that add to a command which works without them. */
const MAY_BE_EMPTY =
  /^(?:(?:https?|ftp|all|no)_proxy|(?:TARGET|BUILD)(?:PLATFORM|ARCH|OS|VARIANT)|\w*(?:FLAGS|OPTS|OPTIONS|ARGS|EXTRA|DEBUG)\w*|DEBIAN_FRONTEND)$/i;

/** What a command prints where a word of it was empty. */
const HOLE =
  /\/\/\.git\b|\/\.git\/|branch\s{2}not|[@=]'?$|(?:^|[\s"'/])(?:v|-|_)?(?:_|-)(?:linux|amd64|x86_64)|\/v?\/(?!\/)\S*$|'--\w+'|""|__gnu|_-?gnu_/;

/** Build arguments without a value that an instruction uses. */
export function emptyArguments(build: DockerBuild): string[] {
  const names = variablesIn(build.instruction.replace(/-ldflags[= ](?:"[^"]*"|'[^']*')/g, ""));
  return [...new Set(names.filter((name) => build.variables.get(name) === "" && !MAY_BE_EMPTY.test(name)))];
}

function fromText(context: Context, finding?: Finding): string {
  const build = context.docker;
  if (build?.keyword === "FROM") return build.instruction;
  const line = context.lines[finding?.at ?? 0] ?? "";
  return /FROM (\S+)/.exec(line)?.[1] ?? build?.instruction ?? "";
}

const INVALID = [
  sign("invalid reference format", /invalid reference format/, 0.95),
  sign("should not be blank", /base name \(.*\) should not be blank/, 0.95),
  sign("failed to parse stage name", /failed to parse stage name "(?<image>[^"]*)"/, 0.95),
  sign("failed to process", /failed to process "(?<image>[^"]*\$[^"]*)"/, 0.4),
];

/** Words by which a builder says what the failing instruction is at fault for. */
const decideInvalid =
  (slug: "from-unset-arg" | "from-invalid-reference") => (finding: Finding, context: Context): Verdict => {
    const text = fromText(context, finding);
    const line = context.lines[finding.at]!;
    const isCopy = context.docker?.keyword === "COPY" || context.docker?.keyword === "ADD";
    const unset = /should not be blank/.test(line) || /\$\{?\w/.test(text.split(/\s+as\s/i)[0]!) ||
      isCopy && /--from=\S*\$/.test(text);
    if (context.docker === null && !unset) return reject("it is no container build");
    const found = unset ? "from-unset-arg" : "from-invalid-reference";
    return found === slug ? accept(undefined, { image: text.slice(0, 120) }) : reject(`it reads as ${found}`);
  };

const daemon = /(?:Cannot connect to the Docker daemon|error during connect|docker daemon is not running)/;

export const imageCauses: readonly Cause[] = [
  reported(
    "from-unset-arg",
    BUILD,
    [
      ...INVALID,
      sign(
        "stat /bin/sh: no such file or directory",
        /exec: \\?"\/bin\/sh\\?": stat \/bin\/sh: no such file or directory/,
        0.85,
      ),
    ],
    ({ image }) => `FROM uses a build argument that has no value: ${image ?? "the image's name is empty"}.`,
    [
      "invalid reference format",
      "ERROR: failed to solve: base name (${BASE_IMAGE}) should not be blank",
    ],
    {
      identity: ["image"],
      decide: (finding, context) => {
        if (!context.lines[finding.at]!.includes("/bin/sh")) {
          return decideInvalid("from-unset-arg")(finding, context);
        }
        const froms = context.docker?.dockerfile?.instructions.filter(({ keyword }) => keyword === "FROM") ??
          [];
        return context.docker?.image === "" || froms.some(({ text }) => /^\$/.test(text))
          ? accept()
          : reject("the base image has a name");
      },
    },
  ),
  reported(
    "from-invalid-reference",
    BUILD,
    INVALID,
    ({ image }) => `FROM names no image: ${image}.`,
    [
      "invalid reference format: repository name must be lowercase",
      'ERROR: failed to solve: failed to parse stage name "<target>": invalid reference format',
    ],
    { identity: ["image"], decide: decideInvalid("from-invalid-reference") },
  ),
  reported(
    "base-image-not-found",
    BUILD,
    [
      sign("manifest for ", /manifest for (?<image>\S+) not found/, 0.97),
      sign("manifest unknown", /manifest unknown(?:: .*)?$/, 0.93),
      sign("repository does not exist", /(?<image>\S+)?,? ?repository does not exist/, 0.9),
      sign(
        "docker.io",
        /(?<image>\S+): (?:not found|failed to resolve source metadata for \S+: \S+: not found)$/,
        0.85,
      ),
      sign(
        ": not found",
        /(?:failed to solve|load metadata for).*?(?<image>[\w./-]+\/[\w./-]+:[\w.-]+): not found/,
        0.95,
      ),
      sign(
        "pull access denied for",
        /pull access denied for (?<image>\S+?), repository does not exist or may require/,
        0.93,
      ),
      sign("No such image", /(?:Error: )?No such image: (?<image>\S+)/, 0.8),
      sign("repository name not known to registry", /repository name not known to registry/, 0.93),
      sign("manifest invalid", /manifest invalid/, 0.6),
      sign("no longer supported", /(?:manifest|schema) v?1.*no longer supported/, 0.85),
      sign("Tag ", /^Tag (?<image>\S+) not found in repository/, 0.95),
      sign("invalid from flag value", /invalid from flag value (?<image>[^:\s]+)/, 0.85),
    ],
    ({ image }) => `The image ${image ?? "that FROM names"} does not exist.`,
    [
      "manifest for node:99-alpine not found",
      "ERROR: failed to solve: node:99: docker.io/library/node:99: not found",
    ],
    {
      identity: ["image"],
      decide: inContainer((finding, context) =>
        /denied: requested access/.test(context.lines[finding.at]!) &&
          !/repository does not exist/.test(context.lines[finding.at]!)
          ? reject("the registry wants a login")
          : !/pull|FROM|COPY|ADD/.test(context.docker?.keyword ?? "") &&
              !/failed to solve|load metadata|invalid from flag/.test(context.lines[finding.at]!)
          ? reject("the failing step names no image")
          : accept()
      ),
    },
  ),
  reported(
    "base-image-auth-required",
    BUILD,
    [
      sign("no basic auth credentials", /no basic auth credentials/, 0.96),
      sign("unauthorized", /(?:^|: |#\d+ ERROR: )(?:unauthorized|error parsing HTTP 401)(?::|$)/, 0.92),
      sign("denied: ", /(?:^|: )denied: (?:requested access|access|Permission|Unauthenticated)/, 0.9),
      sign("401 Unauthorized", /(?:failed to (?:authorize|fetch)|unexpected status).*401 Unauthorized/, 0.9),
      sign("403 Forbidden", /(?:failed to (?:authorize|fetch)|unexpected status).*403 Forbidden/, 0.88),
      sign("incorrect username or password", /unauthorized: incorrect username or password/, 0.9),
      sign("authentication required", /(?:unauthorized|denied): authentication required/, 0.95),
      sign("You don't have the needed permissions", /denied: .*You don't have the needed permissions/, 0.93),
    ],
    () => "The registry of the base image wants a login.",
    [
      "Get https://registry.example/v2/team/base/manifests/latest: no basic auth credentials",
      "unauthorized: authentication required",
    ],
    {
      decide: inContainer((finding, context) =>
        context.docker?.keyword === "RUN"
          ? reject("the failing step pulls no image")
          : /pull access denied/.test(context.lines[finding.at]!)
          ? reject("the repository does not exist")
          : accept()
      ),
    },
  ),
  reported(
    "base-image-registry-unreachable",
    BUILD,
    [
      sign(
        "/v2/",
        /Get "?(?<url>https?:\/\/[^/\s]+)\/v2\/\S*: .*(?:no such host|dial tcp|connection refused|Client\.Timeout|i\/o timeout|EOF|x509|gave HTTP response|handshake|Service Unavailable|deadline)/,
        0.94,
      ),
      sign(
        "failed to do request",
        /failed to do request: (?:Head|Get) "?(?<url>https?:\/\/[^/\s"]+).*(?:no such host|dial tcp|i\/o timeout|connection refused)/,
        0.93,
      ),
      sign("received unexpected HTTP status", /received unexpected HTTP status: 5\d\d/, 0.88),
      sign("server misbehaving", /lookup (?<url>\S+).*server misbehaving/, 0.85),
      sign("net/http: ", /net\/http: (?:request canceled while waiting|TLS handshake timeout)/, 0.85),
      sign("no such host", /dial tcp: lookup (?<url>\S+) on \S+: no such host/, 0.85),
      sign("error parsing HTTP 404 response", /error parsing HTTP (?:404|403|408|5\d\d) response body/, 0.85),
    ],
    ({ url }) => `The registry ${url ?? "of the base image"} does not answer.`,
    [
      "Get https://registry.corp.example/v2/: dial tcp: lookup registry.corp.example on 10.0.0.2:53: no such host",
      "Get https://registry.corp.example/v2/: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
    ],
    {
      identity: ["url"],
      decide: inContainer((_finding, context) =>
        context.docker?.keyword === "RUN" ? reject("the failing step pulls no image") : accept()
      ),
    },
  ),
  reported(
    "base-image-wrong-platform",
    BUILD,
    [
      sign("exec format error", /exec format error/i, 0.95),
      sign("no matching manifest for", /no matching manifest for (?<platform>\S+)/, 0.96),
      sign("no match for platform", /no match for platform in manifest/, 0.96),
      sign(
        "does not match the specified platform",
        /image with reference .* was found but does not match the specified platform/,
        0.94,
      ),
      sign(
        "cannot be used on this platform",
        /image operating system "(?<platform>\w+)" cannot be used on this platform/,
        0.96,
      ),
      sign("Exec format error", /Exec format error/, 0.93),
      sign("Invalid ELF image for this architecture", /Invalid ELF image for this architecture/, 0.9),
      sign("qemu-", /(?:qemu-\w+(?:-static)?: .*|Could not open '\/lib\/ld-\S+')/, 0.6),
    ],
    ({ platform }) =>
      `The base image is made for another processor${platform === undefined ? "" : ` than ${platform}`}.`,
    [
      'standard_init_linux.go:211: exec user process caused "exec format error"',
      "no matching manifest for linux/amd64 in the manifest list entries",
      "exec /bin/sh: exec format error",
    ],
    {
      decide: inContainer((finding, context) => {
        if (context.docker?.exitCode !== null && !isNearEnd(finding, context, 8)) {
          return accept(0.6, {}, "consequence");
        }
        const line = context.lines[finding.at]!;
        // A program that was downloaded for another processor, run by a base image that itself runs.
        return /cannot execute binary file/.test(line) ? accept(0.75) : accept();
      }),
    },
  ),
  reported(
    "dockerfile-empty",
    BUILD,
    [
      sign("Is your Dockerfile empty", /No image was generated\. Is your Dockerfile empty/, 0.98),
      sign("cannot be empty", /the Dockerfile (?:\(\S+\) )?cannot be empty/i, 0.97),
      sign("file with no instructions", /file with no instructions/, 0.96),
    ],
    () => "The Dockerfile is empty.",
    [
      "No image was generated. Is your Dockerfile empty?",
      "Error response from daemon: the Dockerfile (Dockerfile) cannot be empty",
    ],
  ),
  reported(
    "dockerfile-from-not-first",
    BUILD,
    [
      sign("build stage in current context", /no build stage in current context/i, 0.95),
      sign(
        "Please provide a source image",
        /Please provide a source image with `from` prior to commit/i,
        0.95,
      ),
    ],
    () => "An instruction stands before the first FROM.",
    [
      "Error response from daemon: No build stage in current context",
      "failed to solve: dockerfile parse error on line 1: no build stage in current context",
    ],
  ),
  reported(
    "dockerfile-buildkit-required",
    BUILD,
    [
      sign(
        "Unknown flag: ",
        /Unknown flag: (?<flag>mount|platform|chmod|link|security|network|exclude|parents|checksum|keep-git-dir)/,
        0.97,
      ),
      sign("requires BuildKit", /the --(?<flag>\w+) (?:option|flag) requires BuildKit/, 0.97),
      sign(
        "unknown instruction: ",
        /unknown instruction: (?<flag>EOF|<<|SET|APT-GET|ECHO|CD|PIP|EXPORT|MKDIR)\b/i,
        0.5,
      ),
      sign("cannot be used without BuildKit", /cannot be used without BuildKit/i, 0.95),
      sign("failed to parse platform", /failed to parse platform : "" is an invalid component/, 0.95),
    ],
    ({ flag }) => `The Dockerfile uses what only BuildKit knows${flag === undefined ? "" : `: --${flag}`}.`,
    [
      "Error response from daemon: Dockerfile parse error line 6: Unknown flag: mount",
      "the --chmod option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled",
    ],
    {
      identity: ["flag"],
      decide: (finding, context) => {
        if (!context.lines[finding.at]!.includes("nknown instruction")) return accept();
        const heredoc = Object.values(context.repository?.files ?? {}).some((text) =>
          /<<-?\s*["']?EOF/.test(text)
        );
        return heredoc ? accept(0.9) : reject("no here-document is used");
      },
    },
  ),
  reported(
    "dockerfile-syntax",
    BUILD,
    [
      sign(
        "Dockerfile parse error",
        /Dockerfile parse error (?:on )?line (?<line>\d+): (?<detail>.+)/i,
        0.93,
      ),
      sign("dockerfile parse error", /dockerfile parse error on line (?<line>\d+): (?<detail>.+)/, 0.93),
      sign("unknown instruction:", /[Uu]nknown instruction: (?<detail>\S+)/, 0.93),
      sign(
        "not found",
        /sh: (?:\d+: )?(?<detail>RUN|COPY|ADD|ENV|FROM|CMD|WORKDIR|EXPOSE|USER|ENTRYPOINT|VOLUME|ARG|LABEL): (?:command )?not found/,
        0.95,
      ),
      sign("cannot normalize nothing", /(?<detail>cannot normalize nothing)/, 0.9),
      sign(
        "failed to process",
        /failed to process "?.*(?<detail>missing ':' in substitution|unexpected end of statement.*|unsupported modifier.*)/,
        0.93,
      ),
      sign("unsupported modifier", /(?<detail>unsupported modifier .* in substitution)/, 0.93),
      sign("Syntax error - can't find =", /(?<detail>Syntax error - can't find = in)/, 0.93),
      sign(
        "requires at least",
        /(?<detail>(?:COPY|ADD|RUN|ENV|EXPOSE|LABEL|CMD|USER|WORKDIR|VOLUME|ARG) requires (?:at least|exactly) \w+ arguments?)/,
        0.93,
      ),
      sign(
        "When using COPY with more than one source",
        /(?<detail>When using (?:COPY|ADD) with more than one source file, the destination must be a directory)/,
        0.93,
      ),
      sign("Invalid containerPort", /(?<detail>Invalid (?:containerPort|proto|port).*)/i, 0.9),
      sign("is not a valid change command", /(?<detail>is not a valid change command)/, 0.8),
      sign("ENV must have two arguments", /(?<detail>ENV must have two arguments)/, 0.93),
      sign("circular dependency", /(?<detail>circular dependency detected on stage: .*)/, 0.93),
      sign("duplicate name", /(?<detail>duplicate name \S+)/, 0.88),
    ],
    ({ line, detail }) =>
      `The Dockerfile does not parse${line === undefined ? "" : ` at line ${line}`}: ${detail}.`,
    [
      "Error response from daemon: Dockerfile parse error line 3: FROM requires either one or three arguments",
      "failed to solve: dockerfile parse error on line 7: unknown instruction: RUNN (did you mean RUN?)",
    ],
    {
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (
          /Unknown flag: (?:mount|platform|chmod|link|security|network)|No build stage in current|with no instructions|cannot be empty/i
            .test(line)
        ) {
          return reject("the line says something more particular");
        }
        if (/sh: /.test(line)) return accept();
        if (context.docker?.exitCode !== null && context.docker?.keyword === "RUN") {
          return reject("a command printed it");
        }
        return accept();
      }),
    },
  ),
  reported(
    "builder-daemon-error",
    BUILD,
    [
      sign("docker daemon", /Cannot connect to the [Dd]ocker daemon/i, 0.85),
      sign("error during connect", /^error during connect: /, 0.93),
      sign(
        "Error response from daemon",
        /Error response from daemon: (?!.*(?:parse error|pull access|manifest|No build stage|unauthorized|Get |denied|empty|invalid reference|repository))(?<detail>.+)/,
        0.85,
      ),
      sign("unexpected EOF", /^(?:ERRO\[\d+\] .*|unexpected EOF)$/, 0.7),
      sign("failed to register layer", /failed to register layer: (?!.*no space)(?<detail>.*)/, 0.88),
      sign(
        "error reading from server: EOF",
        /(?:rpc error: .*error reading from server: EOF|listing workers for Build: failed to list workers)/,
        0.9,
      ),
      sign("error creating overlay mount", /error creating (?:overlay|aufs) mount/, 0.9),
      sign("error creating aufs mount", /error creating aufs mount/, 0.9),
      sign("max depth exceeded", /max depth exceeded/, 0.85),
      sign("toomanyrequests", /toomanyrequests: /, 0.8),
    ],
    ({ detail }) => `The builder itself failed${detail === undefined ? "" : `: ${detail}`}.`,
    [
      "error during connect: Post http://%2Fvar%2Frun%2Fdocker.sock/v1.37/build: EOF",
      "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    ],
    {
      redeployMayCure: true,
      decide: (finding, context) => {
        const isRun = context.docker?.keyword === "RUN" && context.docker.exitCode !== null;
        if (isRun && daemon.test(context.lines[finding.at]!)) return reject("the step itself calls docker");
        return isRun ? reject("a command printed it") : accept();
      },
    },
  ),
  reported(
    "builder-host-incompatible",
    BUILD,
    [
      sign("FATAL: kernel too old", /FATAL: kernel too old/, 0.97),
      sign("At least one invalid signature", /At least one invalid signature was encountered/, 0.88),
      sign(
        "Unknown system error",
        /(?:statx|copy_file_range|faccessat2?|close_range|clone3).{0,60}(?:Operation not permitted|not permitted)/,
        0.85,
      ),
      sign(
        "Operation not permitted",
        /(?:cp|ls|tar|make|ld|python\S*|node|install): .*(?:statx|reading directory|preserving times|cannot access) ?.*: Operation not permitted/,
        0.75,
      ),
      sign("make: /bin/sh: Operation not permitted", /make: \/bin\/sh: Operation not permitted/, 0.93),
      sign("unable to determine real path", /(?:systemd|udev).*kernel is too old/, 0.8),
      sign(
        "uv_os_get",
        /node\[\d+\]: .*(?:uv_thread_create|Assertion .* failed).*Operation not permitted/,
        0.85,
      ),
      sign("kernel is too old", /kernel is too old/i, 0.85),
      sign(
        "can't initialize sys time",
        /(?:can't initialize sys|Unable to get) time: Operation not permitted/,
        0.9,
      ),
      sign("not support AVX", /(?:CPU|processor) .*does not support (?:AVX|SSE4)/, 0.7),
      sign(
        "TensorFlow library was compiled to use AVX",
        /The TensorFlow library was compiled to use AVX/,
        0.7,
      ),
      sign("cannot set terminal process group", /chrootdirectory.*Operation not permitted/, 0.5),
      // Qt 5.10 and newer mark the library with the kernel they need; an older one says that it is not there.
      sign("libQt5Core.so", /libQt5Core\.so\S*: cannot open shared object file/, 0.9),
      sign("unshare: ", /unshare: .*Operation not permitted/, 0.85),
      sign("Failed to create CoreCLR", /Failed to (?:create|initialize) CoreCLR/, 0.85),
    ],
    () => "The image needs a newer kernel or more rights than the build's host gives.",
    ["FATAL: kernel too old", "make: /bin/sh: Operation not permitted"],
  ),
  reported(
    "deliberate-failure",
    BUILD,
    [
      sign(": RUN ", /^Step \d+\/\d+ : RUN (?:exit [1-9]\d*|false|\/bin\/false)\s*$/, 0.97),
      sign(
        "did not complete successfully",
        /process "\S+ -c (?:exit [1-9]\d*|false)" did not complete successfully/,
        0.97,
      ),
    ],
    () => "The step fails on purpose.",
    [
      "Step 4/4 : RUN false",
      'ERROR: process "/bin/sh -c exit 1" did not complete successfully: exit code: 1',
    ],
    {
      step(build, context): Verdict | undefined {
        if (build.keyword !== "RUN") return undefined;
        const command = build.instruction.trim().replace(
          /^\[?"?(?:\/bin\/)?(?:ba)?sh"?,? "?-c"?,? "?|"?\]$/g,
          "",
        );
        if (/^(?:exit [1-9]\d*|false|\/bin\/false)\b\s*;?$/.test(command)) return accept(0.97, {}, "cause");
        const fails = /(?:^|&&|;)\s*(?:echo|printf)\b[^&;]*(?:&&|;)\s*(?:exit [1-9]|false|\/bin\/false)\s*$/
          .test(command);
        if (fails && emptyArguments(build).length === 0) return accept(0.9, {}, "cause");
        return inStep(
            context,
            /(?:do not|don't|not meant to|should not) (?:be )?(?:buil[dt]|us)e? (?:this|directly)/i,
          )
          ? accept(0.7)
          : undefined;
      },
    },
  ),
  reported(
    "build-arg-missing",
    BUILD,
    [
      sign(
        "build argument",
        /(?<name>\w+): .*build[- ]arg(?:ument)? .*(?:not|must|required|missing|set)/i,
        0.9,
      ),
      sign("parameter not set", /: (?<name>\w+): parameter (?:null or )?not set/, 0.85),
      sign("unbound variable", /: (?<name>\w+): unbound variable/, 0.8),
    ],
    ({ name }) => `The build argument ${name ?? "that the step uses"} has no value.`,
    ["/bin/sh: 1: VERSION: VERSION build argument not specified", "/bin/sh: 1: VERSION: parameter not set"],
    {
      identity: ["name"],
      decide: inContainer((finding, context) => {
        const { name = "" } = finding.captures;
        const value = context.docker?.variables.get(name);
        return value === "" || value === undefined && !before(finding, context, /\$/, 0)
          ? accept()
          : reject("it has a value");
      }),
      step(build, context): Verdict | undefined {
        if (build.keyword === "FROM") return undefined;
        const [name] = emptyArguments(build);
        if (name === undefined) return undefined;
        const output = context.lines.slice(build.from + 1, build.to).filter((line) =>
          line.trim() !== "" && !/^ ?--->|^The command|^-----|^Removing/.test(line)
        );
        // A test of the argument itself, or a value that must follow and is not there.
        const tests = new RegExp(`(?:test|\\[)\\s+-[nz]\\s+"?\\$\\{?${name}\\b|\\$\\{${name}:?\\?`).test(
          build.instruction,
        );
        if (tests && output.length <= 6) return accept(0.93, { name }, "cause");
        const hollow = output.slice(-4).some((line) => HOLE.test(line));
        if (hollow) return accept(0.86, { name }, "cause");
        // A word of its own that follows no option may be one that can be left out.
        const alone =
          new RegExp(`(?:^|\\s)(?!-)\\S*[^-\\s]\\s+\\$\\{?${name}\\}?(?:\\s|$)`).test(build.instruction) &&
          !new RegExp(`\\s--?[\\w-]+ "?\\$\\{?${name}\\b|\\S\\$\\{?${name}\\b`).test(build.instruction);
        return alone ? accept(0.7, { name }, "consequence") : accept(0.84, { name }, "cause");
      },
    },
  ),
];
