/** Causes of pip, easy_install, conda and of Python programs in a container build. */
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { after, before, inContainer, inStep, instructionOf, isNearEnd } from "./container.ts";
import { emptyArguments } from "./images.ts";
import { BUILD, reported, sign } from "./lines.ts";

/** A version or a name that an empty build argument left out is not to be found, and that is why. */
const weakWhenHollow: NonNullable<Cause["decide"]> = (_finding, context) =>
  context.docker !== null && emptyArguments(context.docker).length > 0
    ? accept(0.7, {}, "symptom")
    : accept();

const DIST = String.raw`(?<package>[A-Za-z0-9][\w.-]*)`;

export const pythonInstallCauses: readonly Cause[] = [
  reported(
    "pip-no-matching-distribution",
    BUILD,
    [
      sign(
        "is not a supported wheel on this platform",
        /(?<package>\S+\.whl) is not a supported wheel on this platform/,
        0.92,
      ),
      sign(
        "find suitable distribution for",
        /Could not find suitable distribution for Requirement\.parse\('(?<package>[^']+)'\)/,
        0.85,
      ),
      sign("No distributions at all found for", /No distributions at all found for (?<package>\S+)/, 0.9),
      sign(
        "No distributions matching the version",
        /No distributions matching the version for (?<package>\S+)/,
        0.92,
      ),
      sign(
        "could not find any downloads that satisfy",
        /[Cc]ould not find any downloads that satisfy the requirement (?<package>\S+)/,
        0.9,
      ),
      sign(
        "distribution was not found and is required by",
        /The '(?<package>[^']+)' distribution was not found and is required by/,
        0.75,
      ),
      sign("has an empty revision", /has an empty revision \(after @\)/, 0.85),
      sign(
        "Could not find a version",
        /\[pipenv.*Could not find a version that matches (?<package>\S+)/,
        0.85,
      ),
      sign(
        "Could not find a version that matches",
        /Could not find a version that matches (?<package>\S+)/,
        0.88,
      ),
      sign(
        "doesn't match any versions",
        /(?<package>\S+) \([^)]*\) (?:which )?doesn't match any versions, version solving failed/,
        0.88,
      ),
      sign(
        "Could not find a matching version of package",
        /Could not find a matching version of package (?<package>\S+)/,
        0.88,
      ),
      sign(
        "it is not a local",
        new RegExp(`Could not find a version that satisfies the requirement ${DIST}`),
        0.6,
      ),
      sign("Invalid requirement", /(?:ERROR: )?Invalid requirement: '?(?<package>[^'\s]+)/, 0.82),
      sign(
        "should either be a path to a local project",
        /(?<package>\S+) should either be a path to a local project or a VCS url/,
        0.82,
      ),
    ],
    ({ package: name }) => `The package index has no ${name ?? "distribution"} that fits.`,
    [
      "ERROR: tensorflow-1.8.0-cp27-none-linux_armv7l.whl is not a supported wheel on this platform.",
      "  could not find any downloads that satisfy the requirement distribute==0.0",
    ],
    { identity: ["package"], decide: inContainer(weakWhenHollow) },
  ),
  reported(
    "python-build-dep-missing",
    BUILD,
    [
      sign(
        "No module named",
        /(?:ImportError|ModuleNotFoundError): No module named '?(?<module>[A-Za-z_][\w.]*)'?/,
        0.86,
      ),
      sign(
        "DistributionNotFound",
        /pkg_resources\.DistributionNotFound: (?:The '(?<module>[^']+)'|(?<module2>[\w-]+))/,
        0.85,
      ),
      sign(
        "Cython",
        /(?:[Pp]lease install|requires?|need|[Cc]ould not import|[Ii]nstall|[Mm]issing) [Cc]ython|[Cc]ython (?:is )?(?:not (?:found|installed)|required)/,
        0.85,
      ),
      sign(
        "umpy",
        /(?:[Nn]um[Pp]y|numpy) (?:is|must be|needs to be) (?:not installed|required|installed)|(?:[Rr]equires|[Nn]eed|install) [Nn]um[Pp]y (?:first|before|is)/,
        0.85,
      ),
      sign(
        "cythonize",
        /(?:Running )?[Cc]ythoniz(?:e|ing) (?:sources )?.*(?:fail|error)|RuntimeError: Running cythonize failed/,
        0.85,
      ),
    ],
    ({ module }) =>
      `A package's setup script imports ${module ?? "another package"} before that is installed.`,
    [
      "    ModuleNotFoundError: No module named 'numpy'",
      "    pkg_resources.DistributionNotFound: setuptools-scm",
    ],
    {
      identity: ["module"],
      decide: inContainer((finding, context) => {
        const { module = "" } = finding.captures;
        if (
          /^(?:pip|distutils|imp|pkg_resources|setuptools(?:_rust|\.command\.test)?|configparser|queue|ConfigParser|urllib2?|StringIO|_ctypes|_sqlite3|_ssl|ssl|zlib|_bz2|_lzma|bz2|readline|apt_pkg|_curses|dataclasses|enum|typing|pathlib|tkinter|winreg)(?:\.|$)/
            .test(module)
        ) {
          return reject("it is no package of another project");
        }
        const isSetup = before(
          finding,
          context,
          /setup\.py|egg_info|<string>", line|build_meta|get_requires_for_build|easy_install|pep517|pip-install-|pip-build-/,
          40,
        );
        const fails = after(
          finding,
          context,
          /egg_info|[Cc]ommand (?:errored|"?python)|error: (?:subprocess|metadata|Setup script)|Getting requirements to build|failed with error code|exit(?:ed with)? status|metadata-generation-failed|Setup script exited/,
          30,
        );
        const usesPip =
          /\bpip|setup\.py|easy_install|pipenv|poetry|requirements/.test(instructionOf(context)) ||
          before(finding, context, /^Collecting |Downloading|Processing \S/, 400);
        if (isSetup && (fails || usesPip)) return accept(0.88);
        return fails && usesPip ? accept(0.8) : reject("no setup script imports it");
      }),
    },
  ),
  reported(
    "pip-sdist-build-failed",
    BUILD,
    [
      sign(
        "egg_info",
        /[Cc]ommand "?(?:\S*python\S*) (?:-c .*)?setup\.py egg_info"? failed with error code/,
        0.75,
      ),
      sign("failed with error code", /[Cc]ommand .{1,600}failed with error code \d+ in (?<path>\S+)/, 0.72),
      sign("Command errored out with exit status", /ERROR: Command errored out with exit status/, 0.72),
      sign("metadata-generation-failed", /error: metadata-generation-failed/, 0.75),
      sign("subprocess-exited-with-error", /error: subprocess-exited-with-error/, 0.72),
      sign("Failed building wheel for", /Failed building wheel for (?<package>\S+)/, 0.62),
      sign("Could not build wheels for", /Could not build wheels for (?<package>[^\s,]+)/, 0.78),
      sign("Failed to build installable wheels", /Failed to build installable wheels/, 0.75),
      sign("Setup script exited with", /error: Setup script exited with/, 0.75),
      sign("Failed to build", /^(?:ERROR: )?Failed to build (?:`|')?(?<package>[\w.-]+)/, 0.62),
      sign(
        "Could not install packages due to an",
        /ERROR: Could not install packages due to an (?:OSError|EnvironmentError): (?<path>.*)/,
        0.65,
      ),
    ],
    ({ package: name }) =>
      `${name ?? "A package"} cannot be built from its source; the log does not say why.`,
    [
      'Command "python setup.py egg_info" failed with error code 1 in /tmp/pip-build-abc/MySQL-python/',
      "ERROR: Could not build wheels for backports-zoneinfo, which is required to install pyproject.toml-based projects",
    ],
    { severity: "symptom", identity: ["package"], decide: inContainer() },
  ),
  reported(
    "psycopg2-too-old-for-libpq",
    BUILD,
    [sign(
      "determine PostgreSQL version from",
      /could not determine PostgreSQL version from '(?<version>[^']+)'/,
      0.98,
    )],
    ({ version }) => `This psycopg2 is older than PostgreSQL ${version} and cannot read its version.`,
    [
      "    Error: could not determine PostgreSQL version from '11.7'",
      "    Error: could not determine PostgreSQL version from '10.3'",
    ],
  ),
  reported(
    "python-app-error",
    BUILD,
    [
      sign(
        "Error: ",
        /^[\w.]*?(?<error>(?:Attribute|Assertion|Type|Value|Key|Name|Index|Runtime|Import|OS|IO|Improperly|Operational|Programming|Zero|NotImplemented|Lookup|Unbound|Recursion|URL|HTTP|Stop|Json|JSON)\w*(?:Error|Configured|Exception))(?::|$)/,
        0.72,
      ),
      sign("Error", /^(?<error>[\w.]+(?:Error|Exception|Configured|Warning))(?:: .*|$)/, 0.6),
      sign("raise ", /^\s+raise (?<error>\w+)/, 0.3),
      sign("FAILED (", /^FAILED \((?:failures|errors)=\d+/, 0.75),
    ],
    ({ error }) => `A Python program of the build fails: ${error}.`,
    ["AttributeError: 'module' object has no attribute '__version__'", "AssertionError: 4 != 6"],
    {
      severity: "symptom",
      decide: inContainer((finding, context) => {
        if (!before(finding, context, /Traceback \(most recent call last\)|^\s+File "/, 60)) {
          return reject("no traceback is above it");
        }
        return isNearEnd(finding, context, 6) ? accept() : accept(0.55);
      }),
    },
  ),
  reported(
    "pip-removed-feature",
    BUILD,
    [
      sign(
        "No module named",
        /No module named '?pip\.(?<feature>req|download|_internal\.\w+|commands|index|backwardcompat|util|log|utils|locations)\b/,
        0.95,
      ),
      sign(
        "cannot import name",
        /cannot import name '?(?<feature>parse_requirements|get_installed_distributions|main|PipSession|pip_import)'?(?: from '?pip|$)/,
        0.88,
      ),
      sign("module 'pip", /module 'pip(?:\._internal)?' has no attribute '(?<feature>\w+)'/, 0.93),
      sign(
        "no such option: --",
        /no such option: (?<feature>--(?:use-mirrors|no-use-wheel|process-dependency-links|allow-external|allow-unverified|allow-all-external|build|egg|no-clean|use-wheel|find-links-only|install-option|global-option|no-python-version-warning|use-deprecated|always-unzip|global))/,
        0.93,
      ),
      sign("no such option", /no such option: (?<feature>--?[\w-]+)/, 0.78),
      sign("option --", /error: option (?<feature>--\S+) not recognized/, 0.82),
      sign("ParsedRequirement", /'ParsedRequirement' object has no attribute '(?<feature>\w+)'/, 0.95),
      sign("The --build option", /The (?<feature>--[\w-]+) option (?:has been|was|is no longer)/, 0.9),
      sign("externally-managed-environment", /error: (?<feature>externally-managed-environment)/, 0.93),
      sign("easy_install", /^(?:error: )?easy_install.*(?:deprecated|removed|no longer)/, 0.3),
      sign("parse_requirements() missing", /(?<feature>parse_requirements)\(\) missing 1 required/, 0.93),
    ],
    ({ feature }) => `pip no longer has ${feature ?? "what the step uses"}.`,
    [
      "    ModuleNotFoundError: No module named 'pip.req'",
      "no such option: --use-mirrors",
      "error: externally-managed-environment",
    ],
    {
      identity: ["feature"],
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (
          /no such option/.test(line) &&
          /no-cache-dir|progress-bar|upgrade-strategy|use-pep517|prefer-binary|no-warn-script|only-binary|no-build-isolation|use-feature|trusted-host|root-user-action|break-system/
            .test(line)
        ) {
          return reject("an older pip does not have it yet");
        }
        if (/no such option|not recognized/.test(line)) {
          return inStep(context, /\bpip3?\b|easy_install|Usage:/) ? accept() : reject("pip did not say it");
        }
        if (/'?main'?/.test(line) && /cannot import name/.test(line) && !inStep(context, /\/bin\/pip/)) {
          return reject("it is another main");
        }
        return accept();
      }),
    },
  ),
  reported(
    "pip-distutils-uninstall",
    BUILD,
    [
      sign(
        "It is a distutils installed project",
        /Cannot uninstall '?(?<package>[\w.-]+)'?\. It is a distutils installed project/,
        0.97,
      ),
      sign("Cannot uninstall", /Cannot uninstall '?(?<package>[\w.-]+)'?(?:\.|,| )/, 0.88),
      sign(
        "Cannot remove entries from nonexistent file",
        /Cannot remove entries from nonexistent file/,
        0.85,
      ),
      sign("uninstall-no-record-file", /uninstall-(?:no-record-file|distutils-installed-package)/, 0.95),
      sign(
        "no RECORD file was found",
        /Cannot uninstall (?<package>\S+)[:,] .*RECORD file (?:was|not) (?:not )?found/,
        0.93,
      ),
    ],
    ({ package: name }) =>
      `pip cannot replace ${
        name ?? "a package"
      } that the distribution installed: --ignore-installed leaves it.`,
    [
      "ERROR: Cannot uninstall 'PyYAML'. It is a distutils installed project and thus we cannot accurately determine which files belong to it",
      "error: uninstall-no-record-file",
    ],
    { identity: ["package"] },
  ),
  reported(
    "python-module-missing",
    BUILD,
    [
      sign(
        "No module named",
        /(?:ImportError|ModuleNotFoundError): No module named '?(?<module>[A-Za-z_][\w.]*)'?/,
        0.82,
      ),
      sign("No module named", /(?:\S*python[\d.]*): No module named '?(?<module>[A-Za-z_][\w.]*)'?/, 0.85),
    ],
    ({ module }) => `The step imports ${module}, which is not installed.`,
    [
      "ModuleNotFoundError: No module named 'numba.decorators'",
      "/usr/bin/python3: No module named virtualenv",
    ],
    {
      identity: ["module"],
      decide: inContainer((finding, context) => {
        const { module = "" } = finding.captures;
        if (/^pip$/.test(module) && /No module named pip/.test(context.lines[finding.at]!)) {
          return accept(0.78);
        }
        if (/^pip\.|^(?:distutils|imp|pkg_resources|setuptools)(?:\.|$)/.test(module)) {
          return accept(0.6, {}, "symptom");
        }
        return isNearEnd(finding, context, 10)
          ? accept(0.82, {}, "consequence")
          : accept(0.65, {}, "symptom");
      }),
    },
  ),
  reported(
    "python-dependency-conflict",
    BUILD,
    [
      sign("is installed but", /error: (?<packages>\S+) \S+ is installed but \S.* is required by/, 0.93),
      sign(
        "VersionConflict",
        /(?:Contextual)?VersionConflict: \((?<packages>\S+) .*Requirement\.parse/,
        0.85,
      ),
      sign(
        "Could not find a version that matches",
        /There are incompatible versions in the resolved dependencies/,
        0.9,
      ),
      sign(
        "incompatible versions in the resolved",
        /There are incompatible versions in the resolved dependencies/,
        0.92,
      ),
      sign("requires numpy", /(?<packages>numpy)[.\w]*.*(?:API version|compiled against)/, 0.7),
      sign("Double requirement given", /Double requirement given: (?<packages>\S+)/, 0.93),
      sign(
        "cannot import name",
        /ImportError: cannot import name '?(?:soft_unicode|escape|Markup|contextfilter|safe_str_cmp|url_quote|json|_unicodefun|parse_rule|BaseResponse)'? from '(?<packages>\w+)/,
        0.85,
      ),
    ],
    ({ packages }) => `The versions of ${packages ?? "the Python packages"} do not fit each other.`,
    [
      "error: rsa 4.5 is installed but rsa<4.1; python_version < \"3\" is required by set(['google-auth'])",
      "Double requirement given: requests==2.0 (already in requests==2.1, name='requests')",
    ],
    { identity: ["packages"], decide: inContainer() },
  ),
  reported(
    "conda-unresolvable",
    BUILD,
    [
      sign("ResolvePackageNotFound", /ResolvePackageNotFound/, 0.95),
      sign("PackagesNotFoundError", /PackagesNotFoundError/, 0.95),
      sign("UnsatisfiableError", /UnsatisfiableError/, 0.95),
      sign("LibMambaUnsatisfiableError", /LibMambaUnsatisfiableError/, 0.95),
      sign(
        "specifications were found to be incompatible",
        /specifications were found to be (?:incompatible|in conflict)/,
        0.93,
      ),
      sign("NoPackagesFoundError", /NoPackagesFoundError/, 0.93),
      sign("No packages found in current", /No packages found in current/, 0.9),
      sign("Unsatisfiable package specifications", /Unsatisfiable package specifications/, 0.93),
      sign("nothing provides", /^\s*- nothing provides (?<package>\S+)/, 0.85),
      sign("Could not solve for environment specs", /Could not solve for environment specs/, 0.93),
      sign("Dependencies missing in current", /Dependencies missing in current/, 0.8),
      sign(
        "packages are not available from current channels",
        /packages are not available from current channels/,
        0.93,
      ),
    ],
    ({ package: name }) =>
      `conda finds no set of packages that fits${name === undefined ? "" : ` (${name})`}.`,
    [
      "ResolvePackageNotFound:",
      "UnsatisfiableError: The following specifications were found to be incompatible with each other:",
    ],
    {
      decide: inContainer((finding, context) =>
        after(finding, context, /Retrying|trying again|Collecting package metadata/, 5)
          ? accept(0.7, {}, "consequence")
          : accept()
      ),
    },
  ),
  reported(
    "conda-install-failed",
    BUILD,
    [
      sign("CondaHTTPError", /CondaHTTPError: HTTP (?<code>\d+)/, 0.82),
      sign("Pip failed", /(?:Pip failed|CondaEnvException: Pip failed)/, 0.62),
      sign("CondaEnvException", /CondaEnvException/, 0.65),
      sign("CondaError", /CondaError: /, 0.8),
      sign("No module named", /ModuleNotFoundError: No module named '?conda'?$/, 0.94),
      sign("CondaVerificationError", /CondaVerificationError|SafetyError/, 0.85),
      sign("LinkError", /LinkError: post-link script failed/, 0.85),
      sign("InvalidArchiveError", /InvalidArchiveError/, 0.85),
      sign(
        "EnvironmentLocationNotFound",
        /EnvironmentLocationNotFound|CondaEnvironmentNotFoundError|Could not find conda environment|EnvironmentNameNotFound/,
        0.82,
      ),
      sign("Could not find conda environment", /Could not find conda environment: (?<code>\S+)/, 0.8),
      sign(
        "NoBaseEnvironmentError",
        /NoBaseEnvironmentError|NotWritableError|RemoveError|CondaUpgradeError|DirectoryNotACondaEnvironmentError/,
        0.82,
      ),
      sign("RemoveError", /RemoveError: /, 0.85),
      sign(
        "conda init",
        /CommandNotFoundError: Your shell has not been properly configured to use 'conda activate'/,
        0.85,
      ),
      sign("CommandNotFoundError", /CommandNotFoundError: /, 0.82),
      sign("conda.exceptions", /conda\.exceptions\.\w+/, 0.65),
      sign(
        "An unexpected error has occurred. Conda has prepared",
        /An unexpected error has occurred\. Conda has prepared/,
        0.8,
      ),
    ],
    ({ code }) => `conda failed${code === undefined ? "" : ` (${code})`}.`,
    [
      "CondaHTTPError: HTTP 404 NOT FOUND for url <https://repo.example/x>",
      "LinkError: post-link script failed for package defaults::qt",
    ],
    { severity: "consequence", decide: inContainer() },
  ),
  reported(
    "pipfile-python-mismatch",
    BUILD,
    [
      sign(
        "was not found on your system",
        /Warning: Python (?<python>[\d.]+) was not found on your system/,
        0.95,
      ),
      sign(
        "Pipfile requires python_version",
        /Your Pipfile requires (?:"?python_version"?) "?(?<python>[\d.]+)"?/,
        0.93,
      ),
      sign("Your Pipfile requires", /Your Pipfile requires python_(?:full_)?version (?<python>[\d.]+)/, 0.93),
      sign("Neither 'pyenv' nor 'asdf'", /Neither 'pyenv' nor 'asdf' could be found/, 0.88),
    ],
    ({ python }) => `The Pipfile asks for Python ${python ?? "of another version"}.`,
    [
      "Warning: Python 3.6 was not found on your system…",
      "Warning: Your Pipfile requires python_version 3.7, but you are using 3.8.3 (/usr/local/bin/python).",
    ],
    {
      decide: (
        finding,
        context,
      ) => (/but you are using/.test(context.lines[finding.at]!) ? accept(0.7, {}, "consequence") : accept()),
    },
  ),
  reported(
    "locale-not-utf8",
    BUILD,
    [
      sign("'ascii' codec can't", /'ascii' codec can't (?:de|en)code/, 0.92),
      sign("invalid byte sequence in US-ASCII", /invalid byte sequence in US-ASCII/, 0.96),
      sign(
        "on US-ASCII",
        /"\\x[0-9A-F]+"? (?:on|from) (?:US-ASCII|ASCII-8BIT)|incompatible character encodings/,
        0.92,
      ),
      sign("US-ASCII", /(?:from|on|in|to) US-ASCII/, 0.88),
      sign("configured to use ASCII as encoding", /configured to use ASCII as encoding/, 0.96),
      sign("unmappable character", /unmappable character (?:\(0x\w+\) )?for encoding (?:US-)?ASCII/, 0.93),
      sign(
        "hGetContents: invalid argument",
        /hGetContents: invalid argument \(invalid (?:byte sequence|UTF-8)/,
        0.93,
      ),
      sign("commitBuffer: invalid argument", /commitBuffer: invalid argument \(invalid character/, 0.93),
      sign(
        "cannot encode character",
        /(?:cannot encode character|unsupported locale setting|locale\.Error)/,
        0.85,
      ),
      sign("unsupported locale setting", /unsupported locale setting/, 0.9),
      sign(
        "Malformed input or input contains unmappable characters",
        /Malformed input or input contains unmappable characters/,
        0.9,
      ),
      sign("invalid locale name", /invalid locale name/, 0.85),
      sign("a Unicode locale", /requires? (?:a )?(?:UTF-8|Unicode) locale/i, 0.9),
      sign("native2ascii", /UTF-8 (?:locale|encoding) (?:is )?required/i, 0.8),
    ],
    () => "The locale of the image is not UTF-8: set LANG=C.UTF-8.",
    [
      "UnicodeDecodeError: 'ascii' codec can't decode byte 0xc3 in position 13: ordinal not in range(128)",
      "ArgumentError: invalid byte sequence in US-ASCII",
    ],
    {
      decide: (
        finding,
        context,
      ) => (/warning/i.test(context.lines[finding.at]!) ? reject("it is a warning") : accept()),
    },
  ),
];
