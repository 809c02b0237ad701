/** Versions of Python, pip and setuptools that do not fit the packages of a container build. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding } from "../catalogue.ts";
import { inContainer, inStep, isNearEnd, linesLeft } from "./container.ts";
import { BUILD, reported, sign } from "./lines.ts";

/** The interpreter that the step ran, by the paths it printed; "" when none says. */
function pythonOf(context: Context): string {
  const docker = context.docker;
  if (docker === null) return context.facts.pythonVersion ?? "";
  for (let at = docker.to - 1, seen = 0; at >= docker.from && seen < 400; at--, seen++) {
    const version = /(?:python|pypy|py|cp)(\d\.?\d+)(?:[/.-]|$)/.exec(context.lines[at]!)?.[1];
    if (version !== undefined) return version.includes(".") ? version : `${version[0]}.${version.slice(1)}`;
  }
  return /python:(\d+\.\d+)/.exec(docker.image)?.[1] ?? "";
}

/** Whether the interpreter is older than 3.6, by its version or by how it complains. */
const isOld = (version: string) => /^2|^3\.[0-5](?:\.|$)/.test(version);

/** Source that Pythons before 3.6, 3.8 or 3.10 cannot read. */
const NEW_SYNTAX =
  /\bf["']|\bf'''|:=|\basync (?:def|with|for)\b|\bawait\b|\bnonlocal\b|\bmatch \w+:|^\s*\w+\s*: [A-Z]\w*(?:\[[^\]]*\])? ?(?:=|$)|\) -> |def \w+\(.*\w+: ?\w+|print\(.*(?:file|end|sep)=|\*, |raise .* from |yield from|\bclass \w+\(.*metaclass=|\b\d+_\d{3}\b|\bexec\b/;
/** Source that only Python 2 reads. */
const OLD_SYNTAX =
  /^\s*print\s+["'\w%]|except \w+, \w+:|\bexec\s+["'\w]|raise \w+, |0[0-7]{3,}\b|`\w+`|\bur"/;

function decideSyntax(finding: Finding, context: Context, wanted: "old" | "new") {
  const source = context.lines.slice(Math.max(0, finding.at - 4), finding.at).filter((line) =>
    !/^\s*\^+\s*$/.test(line)
  );
  const version = pythonOf(context);
  const isNew = source.some((line) => NEW_SYNTAX.test(line));
  const isPython2 = source.some((line) => OLD_SYNTAX.test(line)) ||
    /Missing parentheses in call/.test(context.lines[finding.at]!);
  if (wanted === "new") {
    return isPython2 && !isOld(version)
      ? accept(0.82, version === "" ? {} : { python: version })
      : reject("the source is not of Python 2");
  }
  if (isPython2 && !isNew) return reject("the source is of Python 2");
  const dependency = inStep(context, /\bpip|easy_install|setup\.py|site-packages|dist-packages/);
  if (isNew && (isOld(version) || version === "")) {
    return accept(0.9, version === "" ? {} : { python: version });
  }
  if (isNew) return accept(0.82);
  return dependency && (version.startsWith("2") || isOld(version))
    ? accept(0.82, { python: version })
    : accept(0.6, {}, "consequence");
}

/** Modules with the release of Python 3 that brought them. */
const MODULE_SINCE: Readonly<Record<string, number>> = {
  dataclasses: 7,
  contextvars: 7,
  "importlib.metadata": 8,
  zoneinfo: 9,
  graphlib: 9,
  tomllib: 11,
};

export const pythonBuildCauses: readonly Cause[] = [
  reported(
    "python-too-old",
    BUILD,
    [
      sign(
        "requires Python '",
        /(?:ERROR: )?(?:Package ')?(?<package>[\w.-]+)'? requires Python '(?<range>[^']+)' but the running Python is (?<python>[\d.]+)/,
        0.95,
      ),
      sign(
        "Python version >=",
        /(?:RuntimeError: )?Python version >= ?(?<range>[\d.]+) (?:is )?required/,
        0.95,
      ),
      sign(
        "requires Python ",
        /(?:requires|require|needs|need) (?:at least )?Python (?:version )?>?=? ?(?<range>[\d.]+)\+?/i,
        0.88,
      ),
      sign(
        "Python 3",
        /(?:[Rr]equires?|needs?|supports? only|only (?:supports?|works? (?:on|with)|for)) Python (?<range>3[\d.]*)/,
        0.85,
      ),
      sign("requires Python 3", /requires Python (?<range>3[\d.]*)/i, 0.9),
      sign("requires Python", /requires Python ['"]?(?<range>[<>=\d., !*]+)['"]?/, 0.9),
      sign("or later", /Python (?<range>\d\.\d+) or (?:later|newer|above|higher|greater)/i, 0.9),
      sign("or above", /Python (?<range>\d\.\d+) or above/i, 0.92),
      sign("does not support Python 2", /(?:Error: )(?<package>[\w-]+) does not support Python 2/, 0.93),
      sign("or newer", /Python (?<range>\d\.\d+) or (?:later|newer|above|higher)/i, 0.88),
      sign(
        "Python ",
        /Python (?<range>\d(?:\.\d+)?) ?(?:and above|and later|\+|or higher)(?: (?:is )?(?:required|only))?/i,
        0.82,
      ),
      sign("setuptools-py2-sunset", /setuptools-py2-sunset/, 0.93),
      sign(
        "supports Python 3",
        /(?<package>[\w-]+) [\d.+]+ supports Python (?<range>3\.\d+) and above/,
        0.93,
      ),
      sign(
        "drop support for Python 2",
        /(?:drop(?:s|ped|ping)?|no longer|end of|does not|not) support(?:s|ed)?(?: for)? Python (?:2|3\.[0-6])/i,
        0.5,
      ),
      sign("Unsupported Python version", /Unsupported Python version/i, 0.85),
      sign(
        "not supported by Python",
        /(?:not supported (?:by|on|in)|unsupported) Python (?:2|3\.[0-6])/i,
        0.85,
      ),
      sign(
        "This version of",
        /(?:This version of (?<package>\w+)|(?<package2>[\w-]+) [\d.]+) (?:requires|needs|only supports) (?:at least )?Python/i,
        0.88,
      ),
      sign(
        "python_requires",
        /ERROR: Package '?(?<package>[^'\s]+)'? requires a different Python: (?<python>[\d.]+) not in '(?<range>>[^<']*)'/,
        0.95,
      ),
      sign("SyntaxError: invalid syntax", /SyntaxError: invalid syntax/, 0.85),
      sign(
        "SyntaxError: ",
        /SyntaxError: (?:future feature annotations is not defined|'(?:await|return)' outside|Generator expression must)/,
        0.92,
      ),
      sign("future feature", /future feature annotations is not defined/, 0.95),
      sign(
        "No module named",
        /(?:ImportError|ModuleNotFoundError): No module named '?(?<module>configparser|queue|urllib\.(?:request|parse|error)|pathlib|enum|typing|http\.client|asyncio|dataclasses|importlib\.metadata|contextvars|concurrent\.futures|ipaddress|selectors|builtins|tomllib|zoneinfo|graphlib|html\.parser|secrets|statistics|winreg|socketserver|copyreg)'?$/,
        0.82,
      ),
      sign(
        "cannot import name",
        /ImportError: cannot import name '?(?:Literal|Final|Protocol|TypedDict|Annotated|ParamSpec|Self|TypeAlias|lru_cache|singledispatch|quote|urlencode|NoReturn|Coroutine|AsyncGenerator|OrderedDict|cached_property|get_args|get_origin|override)'?(?: from '(?:typing|functools)'|$)/,
        0.82,
      ),
      sign(
        "unexpected keyword argument",
        /TypeError: (?:__init__|__new__|open|run|check_output|__call__|sort|dict|Popen|makedirs)\(\) got an unexpected keyword argument '(?:encoding|capture_output|text|kw_only|slots|exist_ok|errors|newline|required|allow_abbrev)'|'encoding' is an invalid keyword argument/,
        0.82,
      ),
      sign(
        "is an invalid keyword argument for this function",
        /'(?:encoding|newline|errors|opener)' is an invalid keyword argument for this function/,
        0.9,
      ),
      sign(
        "object is not subscriptable",
        /TypeError: (?:'type'|'ABCMeta') object is not subscriptable/,
        0.85,
      ),
      sign(
        "unsupported operand type(s) for |",
        /unsupported operand type\(s\) for \|: '(?:type|_GenericAlias|NoneType|ABCMeta)'/,
        0.9,
      ),
      sign(
        "has no attribute",
        /(?:module 'asyncio' has no attribute '(?:run|create_task|get_running_loop|to_thread)'|'module' object has no attribute '(?:which|timeout_default)'|module '(?:time|math|typing|shutil)' has no attribute|'str' object has no attribute 'removeprefix')/,
        0.85,
      ),
      sign("DEPRECATION: Python", /DEPRECATION: Python 2\.7 (?:reached|will reach)/, 0.3),
      {
        ...sign(
          "SolverProblemError",
          /current (?:project's )?(?:supported )?Python (?:requirement|version) \(?(?<python>[^)]+)\)? is not (?:compatible|supported|allowed)/i,
          0.85,
        ),
        severity: "cause" as const,
      },
      sign(
        "is not supported by the project",
        /(?:current|The current).*Python version \((?<python>[\d.]+)\) is not (?:allowed|supported) by the project \((?<range>[^)]+)\)/,
        0.9,
      ),
      sign(
        "egg_info failed with error code",
        /[Cc]ommand "?(?:\S*python\S* )?(?:-c "[^"]*"|"?setup\.py egg_info|python setup\.py egg_info)"? failed with error code \d+ in \S*\/setuptools\/?/,
        0.85,
      ),
    ],
    ({ package: name, range, python }) =>
      `${name ?? "A package"} needs a newer Python${range === undefined ? "" : ` (${range})`}${
        python === undefined ? "" : ` than ${python}`
      }.`,
    [
      "RuntimeError: Python version >= 3.6 required.",
      "    Package 'x' requires Python 3.8 or later",
      "colorama requires Python '>=2.7, !=3.0.*, !=3.1.*' but the running Python is 3.4.10",
    ],
    {
      identity: ["package"],
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (/SyntaxError: invalid syntax/.test(line)) return decideSyntax(finding, context, "old");
        if (/^\s*(?:DEPRECATION|WARNING|warning)/.test(line)) return reject("it is only a warning");
        const { module, range = "" } = finding.captures;
        if (module !== undefined && Object.hasOwn(MODULE_SINCE, module)) {
          const [major = 3, minor = 0] = pythonOf(context).split(".").map(Number);
          return pythonOf(context) === "" || major < 3 || minor < MODULE_SINCE[module]!
            ? accept(0.85, {}, isNearEnd(finding, context, 10) ? "cause" : "consequence")
            : reject("this Python has the module");
        }
        if (module !== undefined) {
          const version = pythonOf(context);
          const is3Only =
            !/^(?:enum|pathlib|typing|ipaddress|configparser|concurrent|contextvars|dataclasses|importlib|tomllib|zoneinfo|graphlib)/
              .test(module);
          return isOld(version) || is3Only || !version
            ? accept(isOld(version) ? 0.85 : 0.7)
            : reject("this Python has the module");
        }
        if (range.includes("<") && !/!=|>=/.test(range)) return reject("the range has no lower bound");
        if (/^not support|unsupported/i.test(line) && !isOld(pythonOf(context))) return accept(0.7);
        return linesLeft(finding, context) > 200 ? accept(0.7, {}, "consequence") : accept();
      }),
    },
  ),
  reported(
    "python-too-new",
    BUILD,
    [
      sign(
        "has no attribute 'linux_distribution'",
        /module 'platform' has no attribute 'linux_distribution'/,
        0.93,
      ),
      sign("has no attribute 'clock'", /module 'time' has no attribute 'clock'/, 0.92),
      sign("No module named 'distutils", /No module named 'distutils[\w.]*'/, 0.88),
      sign("No module named 'imp'", /No module named 'imp'/, 0.93),
      sign(
        "No module named 'cgi'",
        /No module named '(?:cgi|telnetlib|pipes|asyncore|asynchat|smtpd|crypt|imghdr)'/,
        0.9,
      ),
      sign("from 'collections'", /cannot import name '\w+' from 'collections'/, 0.92),
      sign("module 'collections' has no attribute", /module 'collections' has no attribute/, 0.92),
      sign("has no attribute 'getargspec'", /module 'inspect' has no attribute 'getargspec'/, 0.92),
      sign("has no attribute 'ABC", /module 'typing' has no attribute '(?:io|re)'/, 0.85),
      sign(
        "has no attribute 'readfp'",
        /'(?:\w*ConfigParser)' (?:object )?has no attribute '(?:readfp)'/,
        0.92,
      ),
      sign("has no attribute 'SafeConfigParser'", /has no attribute 'SafeConfigParser'/, 0.92),
      sign("cython_sources", /AttributeError: (?:'?build_ext'?.*)?cython_sources/, 0.9),
      sign(
        "tp_print",
        /(?:has no member named|no member named) [‘'](?:tp_print|exc_type|f_code|curexc_traceback|ob_digit|use_tracing|c_traceobj)[’']/,
        0.92,
      ),
      sign(
        "incomplete type",
        /incomplete type .{0,3}(?:PyInterpreterState|PyFrameObject|struct _is|struct _frame)/,
        0.93,
      ),
      sign("longintrepr.h", /longintrepr\.h: No such file/, 0.93),
      sign(
        "undeclared",
        /error: (?:implicit declaration of function|‘|')[^:]*_?(?:PyUnicode_AS_UNICODE|Py_UNICODE|PyEval_CallObject|_PyGC_FINALIZED|PyUnicode_GET_SIZE)/,
        0.85,
      ),
      sign("_PyGen_Send", /(?:exc_type|PyThreadState|_PyGen_Send).*(?:has no member|undeclared)/, 0.85),
      sign(
        "Missing parentheses in call to",
        /SyntaxError: Missing parentheses in call to '(?:print|exec)'/,
        0.88,
      ),
      sign("SyntaxError: invalid syntax", /SyntaxError: invalid syntax/, 0.8),
      sign(
        "No module named",
        /(?:ImportError|ModuleNotFoundError): No module named '?(?<module>ConfigParser|Queue|urllib2|urlparse|StringIO|cPickle|cStringIO|httplib|HTMLParser|Tkinter|__builtin__|commands|SocketServer|exceptions|sets|md5)'?$/,
        0.85,
      ),
      sign(
        "name '",
        /NameError: name '(?:unicode|xrange|raw_input|basestring|execfile|reduce|file|long|unichr|reload)' is not defined/,
        0.85,
      ),
      sign(
        "Python version",
        /(?:not (?:yet )?support|[Uu]nsupported|does not support|only versions).{0,60}(?:Python|python) ?(?:version )?(?:>=? ?)?3\.\d+/,
        0.8,
      ),
      sign(
        "use Python 2",
        /(?:requires|only supports|needs|run with|use) Python 2(?:\.\d)?(?:\.|,| |$)/i,
        0.82,
      ),
    ],
    ({ module }) =>
      `The code is older than this Python${module === undefined ? "" : ` (it uses ${module})`}.`,
    [
      "AttributeError: module 'platform' has no attribute 'linux_distribution'",
      "SyntaxError: Missing parentheses in call to 'print'. Did you mean print(\"a\")?",
    ],
    {
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (/SyntaxError: invalid syntax/.test(line)) return decideSyntax(finding, context, "new");
        if (
          /use Python|requires Python 2|only supports Python 2/i.test(line) &&
          /or (?:later|newer|above)|\+/.test(line)
        ) return reject("it names a lower bound");
        return accept();
      }),
    },
  ),
  reported(
    "setuptools-too-new",
    BUILD,
    [
      sign("cannot import name 'Feature'", /cannot import name '?Feature'?/, 0.97),
      sign("cannot import name Feature", /cannot import name Feature/, 0.97),
      sign("has no attribute 'Feature'", /has no attribute 'Feature'/, 0.95),
      sign("use_2to3 is invalid", /error in \S+ setup command: use_2to3 is invalid/, 0.97),
      sign(
        "cannot import name 'find_module'",
        /cannot import name '(?:find_module|py31compat|log)' from 'setuptools/,
        0.85,
      ),
      sign(
        "module 'setuptools",
        /module 'setuptools[\w.]*' has no attribute '(?:_distutils|py31compat|test|convert_2to3|command)/,
        0.88,
      ),
      sign("setuptools.command.test", /No module named 'setuptools\.command\.test'/, 0.93),
      sign("install_layout", /AttributeError: install_layout/, 0.93),
      sign(
        "cannot import name 'msvccompiler'",
        /No module named 'distutils\.msvccompiler'|cannot import name 'msvccompiler'/,
        0.88,
      ),
      sign("invalid command 'test'", /error: invalid command 'test'/, 0.88),
      sign("fetch_build_eggs", /AttributeError: .*'(?:fetch_build_eggs|convert_2to3_doctests)'/, 0.8),
      sign(
        "canonicalize_version() got an unexpected keyword",
        /canonicalize_version\(\) got an unexpected keyword argument/,
        0.93,
      ),
      sign("No module named 'pkg_resources'", /No module named '?pkg_resources'?/, 0.78),
    ],
    () => "setuptools dropped what a package's setup.py uses: pin an older setuptools.",
    ["    ImportError: cannot import name 'Feature'", "error in anyjson setup command: use_2to3 is invalid."],
    { decide: inContainer() },
  ),
  reported(
    "python-packaging-too-old",
    BUILD,
    [
      sign("requires setuptools", /requires setuptools(?:>=|>| )? ?(?<version>[\d.]+) or newer/, 0.95),
      sign(
        "required version of setuptools",
        /required version of setuptools \((?<version>[^)]+)\) is not available/,
        0.93,
      ),
      sign(
        "must be a dictionary whose values are",
        /'extras_require' must be a dictionary whose values are strings/,
        0.95,
      ),
      sign(
        "tests_require' must be",
        /'(?:tests|install|setup)_require[s]?' must be a string or (?:list|iterable) of (?:strings|string)/,
        0.93,
      ),
      sign(
        "_require",
        /'(?:tests_require|install_requires|setup_requires)' must be a string or (?:list|iterable)/,
        0.93,
      ),
      sign("Expected ',' or end-of-list", /Expected ',' or end-of-list/, 0.93),
      sign("Invalid environment marker", /Invalid environment marker/, 0.92),
      sign("invalid environment marker", /invalid environment marker/, 0.88),
      sign("unexpected '", /unexpected '[^']*' in .*python_version/, 0.7),
      sign(
        "Your version of pip",
        /[Yy]our (?:version of )?pip (?:is|version) .*(?:too old|out of date)/,
        0.85,
      ),
      sign(
        "does not satisfy that requirement",
        /Could not find a version that satisfies the requirement (?:setuptools|wheel|pip)\b/,
        0.6,
      ),
      sign("error: invalid command 'bdist_wheel'", /error: invalid command 'bdist_wheel'/, 0.5),
      sign(
        "Try upgrading pip",
        /(?:[Tt]ry|[Pp]lease|should|must|need to) (?:to )?(?:upgrad(?:e|ing)|updat(?:e|ing)) (?:your )?(?:pip|setuptools)\b/,
        0.82,
      ),
      sign(
        "no such option: --",
        /no such option: --(?:no-cache-dir|progress-bar|upgrade-strategy|use-pep517|prefer-binary|no-warn-script-location|only-binary|no-build-isolation|use-feature|trusted-host|root-user-action|break-system-packages|require-hashes|no-binary)/,
        0.9,
      ),
      sign(
        "upgrade your setuptools",
        /upgrade (?:your )?(?:to )?(?:a newer (?:version of )?)?setuptools/i,
        0.85,
      ),
      sign('setup.py" not found', /File "setup\.py" not found.*(?:editable|pyproject)/, 0.85),
      sign(
        'A "pyproject.toml" file was found, but editable mode currently requires',
        /editable mode currently requires a setup\.py/,
        0.9,
      ),
      sign("editable mode currently requires", /editable mode currently requires a setup/, 0.9),
      sign(
        "This package requires Rust",
        /This package requires Rust|need Rust|Rust toolchain|rust toolchain|can't find Rust compiler/i,
        0.85,
      ),
      sign("can't find Rust compiler", /can't find Rust compiler/, 0.88),
      sign("setuptools_rust", /No module named '?setuptools_rust'?/, 0.92),
      sign("old-style", /pip .*does not support (?:wheel|PEP 517|pyproject)/i, 0.85),
      sign(
        "HTTP error 403 while",
        /HTTP error 403 while getting|403 .*SSL is required|HTTPS? (?:is )?required/i,
        0.8,
      ),
      sign(
        "cannot import name",
        /cannot import name '?(?:main|find_namespace_packages|cython_build_ext|ParserElement|PEP420PackageFinder|dep_util)'?(?: from '(?:setuptools|pip)|$)/,
        0.8,
      ),
      sign("find_namespace", /(?:cannot import name|has no attribute) '?find_namespace_packages/, 0.93),
      sign("_NamespacePath", /'_NamespacePath' object has no attribute 'sort'/, 0.92),
      sign(
        "No matching distribution found for setuptools",
        /No matching distribution found for setuptools/,
        0.6,
      ),
      sign("Wheel-Version", /(?:is not a supported wheel|Unsupported wheel|UnsupportedWheel)/, 0.4),
      sign(
        "AttributeError: 'NoneType' object has no attribute 'splitlines'",
        /'NoneType' object has no attribute 'splitlines'/,
        0.75,
      ),
      sign("install --upgrade setuptools", /pip install (?:--upgrade|-U) (?:setuptools|pip)/, 0.55),
      sign(
        "DistributionNotFound: ",
        /pkg_resources\.(?:DistributionNotFound|VersionConflict): .*(?:setuptools|pip|wheel)\b/,
        0.85,
      ),
      sign(
        "VersionConflict",
        /VersionConflict: \(setuptools .*Requirement\.parse\('setuptools>=(?<version>[\d.]+)/,
        0.93,
      ),
    ],
    ({ version }) =>
      `pip or setuptools is too old for a package${
        version === undefined ? "" : ` (it needs setuptools ${version})`
      }.`,
    [
      "RuntimeError: cryptography requires setuptools 18.5 or newer, please upgrade to a newer version of setuptools",
      "error in httpretty setup command: 'tests_require' must be a string or list of strings containing valid project/version requirement specifiers",
    ],
    {
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (
          /You should consider upgrading|however version|WARNING|DEPRECATION|new release of pip/.test(line)
        ) return reject("pip says so to everyone");
        if (/bdist_wheel'/.test(line)) return reject("pip goes on without a wheel");
        if (/pip install (?:--upgrade|-U)/.test(line)) {
          return /error|Error|required|please|Please|try/.test(line)
            ? accept()
            : reject("it only names a command");
        }
        if (/HTTP error 403/.test(line)) return reject("it is about TLS");
        return linesLeft(finding, context) > 120 ? accept(0.7, {}, "consequence") : accept();
      }),
    },
  ),
];
