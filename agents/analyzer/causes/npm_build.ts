/** Causes of npm, yarn and pnpm in a container build, of their registries and lock files. */
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { inContainer, inStep, instructionOf } from "./container.ts";
import { nodeOf } from "./javascript_build.ts";
import { BUILD, reported, sign } from "./lines.ts";

export const npmBuildCauses: readonly Cause[] = [
  reported(
    "npm-client-too-old",
    BUILD,
    [
      sign(
        "npm ERR! typeerror Error: Missing required argument",
        /npm ERR! typeerror Error: Missing required argument/,
        0.96,
      ),
      sign("code E405", /npm ERR! code E405/, 0.85),
      sign("Cannot read property", /npm ERR! (?:cb\(\) never called|Cannot read propert(?:y|ies) .*)/, 0.8),
      sign(
        "is not in the npm registry",
        /npm ERR! 404 +'@?\S+%2f\S+' is not in the npm registry|npm ERR! 404 .*%2[fF]/,
        0.85,
      ),
      sign(
        "No compatible version found",
        /npm ERR! Error: No compatible version found: (?<package>\S+?)@['"]?(?:\^|>=)/,
        0.9,
      ),
      sign("Unsupported URL Type", /(?:EUNSUPPORTEDPROTOCOL|Unsupported URL Type)/, 0.85),
      sign("EUNSUPPORTEDPROTOCOL", /code EUNSUPPORTEDPROTOCOL/, 0.85),
      sign('Invalid name: "@', /Invalid name: "@/, 0.9),
      sign("npm ERR! Error: Invalid version", /npm ERR! (?:Error: )?Invalid version/, 0.8),
      sign("lockfileVersion", /(?:npm (?:ERR!|error)|error).*lockfile[vV]ersion/, 0.75),
      sign("npm ERR! Unexpected token", /npm ERR! Unexpected token/, 0.7),
      sign("unknown command: ci", /Usage: npm <command>/, 0.82),
      sign("Usage: npm <command>", /Usage: npm <command>/, 0.85),
      sign("failed to fetch from registry", /npm ERR! Error: failed to fetch from registry/, 0.85),
      sign("shasum check failed", /npm ERR! (?:Error: )?shasum check failed/, 0.75),
      sign("Maximum call stack size exceeded", /npm ERR! Maximum call stack size exceeded/, 0.7),
    ],
    ({ package: name }) =>
      `npm is too old for the registry or the lock file${name === undefined ? "" : ` (${name})`}.`,
    ["npm ERR! typeerror Error: Missing required argument #1", "npm ERR! code EUNSUPPORTEDPROTOCOL"],
    {
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        const version = Number.parseInt(nodeOf(context), 10);
        if (/never called|Cannot read propert|lockfile|Invalid version|Maximum call/.test(line)) {
          return version > 0 && version <= 8 && !/never called/.test(line)
            ? accept(0.8)
            : reject("this npm is not old");
        }
        return accept();
      }),
    },
  ),
  reported(
    "npm-client-error",
    BUILD,
    [
      sign("cb() never called", /npm (?:ERR!|error) cb\(\) never called/, 0.92),
      sign("This is an error with npm itself", /This is an error with npm itself/, 0.85),
      sign("Cannot read propert", /npm (?:ERR!|error) Cannot read propert(?:y|ies) /, 0.85),
      sign("Maximum call stack size exceeded", /npm (?:ERR!|error) Maximum call stack size exceeded/, 0.85),
      sign("Unexpected end of JSON input", /npm (?:ERR!|error) Unexpected end of JSON input/, 0.85),
      sign(
        "An unexpected error occurred:",
        /error An unexpected error occurred: "(?<detail>[^"]{0,120})/,
        0.7,
      ),
      sign("npm ERR! registry error parsing json", /npm ERR! registry error parsing json/, 0.82),
      sign(
        "code EISDIR",
        /npm (?:ERR!|error) (?:code |errno )?(?:EISDIR|EXDEV|ENOTEMPTY|ERR_INVALID_ARG_TYPE|ERR_STREAM_\w+)/,
        0.8,
      ),
      sign(
        "npm ERR! ",
        /npm (?:ERR!|error) (?:Cannot set propert|Invalid dependency type|Tracker "idealTree"|write after end|extraneous)/,
        0.82,
      ),
      sign("idealTree", /Tracker "idealTree" already exists/, 0.85),
    ],
    ({ detail }) => `The package manager itself crashed${detail === undefined ? "" : `: ${detail}`}.`,
    ["npm ERR! cb() never called!", "npm error Cannot read properties of null (reading 'matches')"],
    {
      severity: "consequence",
      redeployMayCure: true,
      remedies: ["network/redeploy"],
      decide: inContainer((finding, context) =>
        /unexpected error occurred/.test(context.lines[finding.at]!) &&
          /ENOTFOUND|ECONN|404|403|401|ETIMEDOUT|EAI_AGAIN|ENOENT|EACCES|certificate/.test(
            context.lines[finding.at]!,
          )
          ? reject("the line says what happened")
          : accept()
      ),
    },
  ),
  reported(
    "npm-package-not-found",
    BUILD,
    [
      sign("code ETARGET", /npm (?:ERR!|error) code ETARGET/, 0.93),
      sign("notarget", /npm (?:ERR!|error) notarget/, 0.92),
      sign("code E404", /npm (?:ERR!|error) code E404/, 0.92),
      sign("npm ERR! 404", /npm ERR! 404 +(?:Not Found|'?(?<package>\S+?)'? is not in)/, 0.9),
      sign("npm error 404", /npm error 404 +(?:Not Found|'?(?<package>\S+?)'? is not in)/, 0.9),
      sign(
        "npm ERR! Error: version not found",
        /npm ERR! (?:Error: )?version not found: (?<package>\S+)/,
        0.92,
      ),
      sign("find any versions for", /error Couldn't find any versions for "(?<package>[^"]+)"/, 0.95),
      sign("Couldn't find package", /error Couldn't find package "(?<package>[^"]+)"/, 0.95),
      sign(
        "Received invalid response from npm",
        /error Received (?:malformed|invalid) response from registry for (?<package>\S+)/,
        0.88,
      ),
      sign(": Not found", /error An unexpected error occurred: "(?<package>\S+): Not found/, 0.92),
      sign(
        'Request failed \\"404',
        /error An unexpected error occurred: "(?<package>\S+): Request failed \\"404/,
        0.92,
      ),
      sign(
        "Request failed",
        /An unexpected error occurred: "(?<package>\S+): Request failed \\?"40[0-9]/,
        0.92,
      ),
      sign("npm ERR! code ENOVERSIONS", /npm (?:ERR!|error) code ENOVERSIONS/, 0.92),
      sign("ERR_PNPM_NO_MATCHING_VERSION", /ERR_PNPM_(?:NO_MATCHING_VERSION|FETCH_404)/, 0.93),
      sign("ERR_PNPM_FETCH_404", /ERR_PNPM_FETCH_404/, 0.93),
      sign("ENOTFOUND Package", /bower .*ENOTFOUND|ENOTFOUND Package \S+ not found/, 0.88),
      sign("bower ", /bower (?:\S+ +)?(?:ENORESTARGET|ENOTFOUND|ECONFLICT)/, 0.85),
      sign("code ENOTFOUND", /npm (?:ERR!|error) code ENOTFOUND/, 0.85),
      sign("ERR! errno ENOTFOUND", /npm ERR! errno ENOTFOUND/, 0.82),
      sign("No valid targets found", /npm ERR! (?:Error: )?No valid targets found/, 0.88),
      sign("No matching version found for", /No matching version found for (?<package>\S+?)\.?$/, 0.92),
    ],
    ({ package: name }) => `The registry has no ${name ?? "such package or version"}.`,
    ["npm ERR! code ETARGET", 'error Couldn\'t find any versions for "highlight.js" that matches "9.15.0"'],
    {
      identity: ["package"],
      decide: (
        finding,
        context,
      ) => (/%2[fF]/.test(context.lines[finding.at]!) && Number.parseInt(nodeOf(context), 10) < 4
        ? reject("this npm knows no scopes")
        : accept()),
    },
  ),
  reported(
    "npm-global-already-installed",
    BUILD,
    [
      sign("File exists: ", /npm (?:ERR!|error) File exists: (?<path>\S+)/, 0.95),
      sign("code EEXIST", /npm (?:ERR!|error) code EEXIST/, 0.93),
      sign("Refusing to delete", /npm (?:ERR!|error) (?:Error: )?Refusing to delete (?<path>\S+?):? /, 0.88),
      sign(
        "EEXIST: file already exists",
        /EEXIST: file already exists.*(?:-> |, \w+ )'?(?<path>\S+?)'?$/,
        0.85,
      ),
    ],
    ({ path }) =>
      `npm installs globally what the image already has${path === undefined ? "" : ` (${path})`}.`,
    ["npm ERR! code EEXIST", "npm ERR! File exists: /usr/local/bin/yarn"],
    { identity: ["path"] },
  ),
  reported(
    "npm-script-failed",
    BUILD,
    [
      sign("code ELIFECYCLE", /npm (?:ERR!|error) code ELIFECYCLE/, 0.75),
      sign("npm ERR! Failed at the", /npm ERR! Failed at the (?<package>\S+) (?<script>\S+) script/, 0.8),
      sign(
        "error Command failed with exit code",
        /error Command failed with (?:exit code (?<code>\d+)|signal)/,
        0.76,
      ),
      sign("npm error command failed", /npm (?:ERR!|error) command failed/, 0.78),
      sign("npm ERR! command failed", /npm ERR! command failed/, 0.78),
      sign(": Command failed.", /error (?<package>\S+): Command failed\./, 0.8),
      sign("ELIFECYCLE", /ELIFECYCLE\s+Command failed/, 0.76),
      sign("npm error Lifecycle script", /npm (?:ERR!|error) Lifecycle script `(?<script>\S+)` failed/, 0.78),
      sign("lerna ERR!", /lerna ERR! /, 0.72),
      sign("gyp ERR! not ok", /gyp ERR! not ok/, 0.66),
      sign("postinstall:", /postinstall: (?:Error|Failed)/, 0.7),
      sign("npm ERR! exited with error code", /npm ERR! exited with error code/, 0.5),
      sign("Command failed", /^Error: Command failed: /, 0.6),
    ],
    ({ script, package: name }) =>
      `The script ${script ?? "that npm or yarn ran"}${name === undefined ? "" : ` of ${name}`} failed.`,
    ["npm ERR! Failed at the gifsicle@5.0.0 postinstall script.", "error Command failed with exit code 2."],
    { severity: "symptom", identity: ["package", "script"], decide: inContainer() },
  ),
  reported(
    "npm-cache-clean-force",
    BUILD,
    [
      sign("sure you want to delete the entire cache", /sure you want to delete the entire cache/, 0.95),
      sign("As of npm@5, the npm cache self-heals", /As of npm@5, the npm cache self-heals/, 0.95),
    ],
    () => "npm cache clean needs --force since npm 5.",
    [
      "npm ERR! As of npm@5, the npm cache self-heals from corruption issues and data extracted from the cache is guaranteed",
      "npm ERR! If you're sure you want to delete the entire cache, rerun this command with --force.",
    ],
  ),
  reported(
    "lockfile-missing",
    BUILD,
    [
      sign(
        "can only install packages with an existing",
        /can only install packages with an existing (?:package-lock|npm-shrinkwrap)/,
        0.97,
      ),
      sign(
        "The `npm ci` command can only install with an existing",
        /The `npm ci` command can only install with an existing/,
        0.97,
      ),
      sign('Cannot install with "frozen-lockfile" because', /ERR_PNPM_NO_LOCKFILE/, 0.97),
      sign("ERR_PNPM_NO_LOCKFILE", /ERR_PNPM_NO_LOCKFILE/, 0.97),
      sign(
        "requires a Gemfile.lock",
        /The --(?:deployment|frozen) flag requires a (?:Gemfile\.lock|lockfile)/,
        0.95,
      ),
      sign("flag requires a", /The --(?:deployment|frozen) flag requires a \S+/, 0.95),
      sign(
        "Cargo.lock",
        /(?:cannot create|the) (?:the )?lock file .*Cargo\.lock.* (?:because|needs to be updated but) --(?:locked|frozen)/,
        0.75,
      ),
    ],
    () => "The install wants a lock file, and there is none.",
    [
      "npm ERR! cipm can only install packages with an existing package-lock.json or npm-shrinkwrap.json with lockfileVersion >= 1.",
      "The --deployment flag requires a Gemfile.lock. Please make sure you have checked it in",
    ],
  ),
  reported(
    "lockfile-out-of-date",
    BUILD,
    [
      sign("are in sync", /(?:cipm|npm ci|`npm ci`).*(?:are in sync|in sync)/, 0.95),
      sign("needs to be updated but --", /lock file .* needs to be updated but --(?:locked|frozen)/, 0.95),
      sign(
        "Your lock file does not contain a compatible set",
        /Your lock file does not contain a compatible set of packages/,
        0.9,
      ),
      sign("Your Pipfile.lock", /Your Pipfile\.lock \(\S+\) is out of date/, 0.93),
      sign(
        "pyproject.toml changed significantly since",
        /(?:pyproject\.toml changed significantly since|poetry\.lock is not up to date with)/,
        0.95,
      ),
      sign(
        "The gemspecs for path gems changed",
        /The gemspecs for path gems changed|your Gemfile\.lock .* (?:out of sync|frozen)/,
        0.85,
      ),
      sign(
        "You are trying to install in deployment mode after changing",
        /You are trying to install in deployment mode after changing/,
        0.95,
      ),
      sign("because the lockfile is frozen", /because the lockfile is frozen/, 0.92),
      sign("The lock file would have been", /YN0028/, 0.93),
    ],
    () => "The lock file does not fit the manifest.",
    [
      "npm ERR! cipm can only install packages when your package.json and package-lock.json are in sync.",
      "pyproject.toml changed significantly since poetry.lock was last generated. Run `poetry lock` to fix the lock file.",
    ],
  ),
  reported(
    "npm-peer-conflict",
    BUILD,
    [
      sign("EPEERINVALID", /npm ERR! (?:code EPEERINVALID|peerinvalid)/, 0.93),
      sign("peerinvalid", /npm ERR! peerinvalid/, 0.93),
      sign("ECONFLICT Unable to find suitable version", /ECONFLICT Unable to find suitable version/, 0.85),
    ],
    () => "Packages ask for versions of a peer dependency that exclude each other.",
    [
      "npm ERR! code EPEERINVALID",
      "npm ERR! peerinvalid The package generator-karma does not satisfy its siblings' peerDependencies requirements!",
    ],
  ),
  reported(
    "private-registry-auth",
    BUILD,
    [
      sign("code E401", /npm (?:ERR!|error) code (?:E401|ENEEDAUTH)/, 0.93),
      sign("code E403", /npm (?:ERR!|error) code E403/, 0.85),
      sign("ENEEDAUTH", /npm (?:ERR!|error) code ENEEDAUTH/, 0.93),
      sign(
        "Unable to authenticate",
        /npm (?:ERR!|error) (?:Unable to authenticate|need auth|authentication token not provided)/i,
        0.92,
      ),
      sign('Request failed \\"401', /Request failed \\"40[13]/, 0.9),
      sign(
        "Failed to replace env in config",
        /(?:Failed to replace env in config|Failed to replace env): \$\{(?<name>\w+)\}/,
        0.9,
      ),
      sign(
        "401 Unauthorized",
        /(?:registry|nexus|artifactory|\.jfrog\.io|pkgs?\.).*401(?: Client Error:)? Unauthorized|error NU1301.*401/i,
        0.88,
      ),
      sign(
        "401 (Unauthorized)",
        /Response status code does not indicate success: 401 \(Unauthorized\)/,
        0.93,
      ),
      sign(
        "Not authorized",
        /(?:Could not transfer artifact|status code: 401).*(?:Unauthorized|Not authorized|401)/i,
        0.88,
      ),
      sign("Bad username or password", /Bad username or password for|Authentication is required for/, 0.88),
      sign("Authentication is required for", /Authentication is required for (?<name>\S+)/, 0.9),
      sign("HTTPError: 401", /401 Client Error|HTTP error 401 while getting|ERROR: HTTP error 401/, 0.88),
      sign("could not authenticate", /(?:Could not|could not) authenticate against/i, 0.9),
      sign("User for ", /^User for \S+:/, 0.85),
    ],
    ({ name }) => `A package registry wants credentials${name === undefined ? "" : ` (${name})`}.`,
    ["npm ERR! code E401", "Error: Failed to replace env in config: ${NPM_TOKEN}"],
    {
      identity: ["name"],
      decide: (
        _finding,
        context,
      ) => (context.docker !== null && context.docker.keyword === "FROM"
        ? reject("it is about an image")
        : accept()),
    },
  ),
  reported(
    "private-registry-unreachable",
    BUILD,
    [
      sign(
        "Retrying (Retry(total=0",
        /Retrying \(Retry\(total=0.*(?:NewConnectionError|gaierror|ConnectTimeout|Name or service not known)/,
        0.85,
      ),
      sign(
        "npm ERR! network",
        /npm (?:ERR!|error) network request to (?<url>\S+) failed.*(?:ENOTFOUND|ECONNREFUSED)/,
        0.85,
      ),
      sign(
        "Unable to load the service index for source",
        /Unable to load the service index for source (?<url>\S+)/,
        0.85,
      ),
      sign(
        "Could not fetch URL",
        /Could not fetch URL (?<url>\S+):.*(?:connection error|NewConnectionError|Max retries)/,
        0.7,
      ),
    ],
    ({ url }) => `The package index ${url ?? "of the project"} does not answer.`,
    [
      "  Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('<pip._vendor> Failed to establish a new connection: [Errno -2] Name or service not known')'",
      "error NU1301: Unable to load the service index for source https://nuget.corp.example/v3/index.json.",
    ],
    {
      decide: inContainer((finding, context) => {
        const index = /(?:--(?:extra-)?index-url|-i|--registry|--find-links|PIP_INDEX_URL\S*)[ =](\S+)/.test(
          instructionOf(context),
        ) || inStep(context, /Looking in indexes: \S+, /);
        return index || /ServiceIndex|service index/i.test(context.lines[finding.at]!)
          ? accept()
          : accept(0.65, {}, "consequence");
      }),
    },
  ),
];
