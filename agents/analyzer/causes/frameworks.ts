/** Causes that a framework or a package names by itself: Prisma, Vite, Express, Django, Rails, Puppeteer, pnpm. */
import { accept, reject } from "../catalogue.ts";
import type { Cause } from "../catalogue.ts";
import { after } from "./container.ts";
import { ANY, BUILD, follows, reported, sign, START } from "./lines.ts";

export const frameworkCauses: readonly Cause[] = [
  reported(
    "prisma-generate-missing",
    ANY,
    [
      sign("@prisma/client did not initialize yet", /@prisma\/client did not initialize yet/, 0.96),
      sign(
        "has no exported member",
        /Module '"@prisma\/client"' has no exported member '(?<member>\w+)'/,
        0.93,
      ),
      sign("'.prisma/client", /Cannot find module '\.prisma\/client/, 0.95),
      sign("outdated Prisma Client", /leads to an outdated Prisma Client/, 0.95),
    ],
    () => "The Prisma client was not generated before the code was compiled or started.",
    [
      'Error: @prisma/client did not initialize yet. Please run "prisma generate" and try to import it again.',
      "Type error: Module '\"@prisma/client\"' has no exported member 'PrismaClient'.",
    ],
  ),
  reported(
    "prisma-engine-target-mismatch",
    ANY,
    [
      sign(
        "could not locate the Query Engine for runtime",
        /could not locate the Query Engine for runtime "(?<target>[^"]+)"/,
        0.95,
      ),
      sign(
        "Prisma Client was generated for",
        /Prisma Client was generated for "[^"]+", but the actual deployment required "(?<target>[^"]+)"/,
        0.95,
      ),
      sign("libssl", /libquery_engine.*(?:libssl\.so\.1\.1|cannot open shared object)/, 0.9),
    ],
    ({ target }) =>
      `Prisma's engine was generated for another system than ${
        target ?? "the service's"
      }: add its binaryTarget.`,
    [
      'PrismaClientInitializationError: Prisma Client could not locate the Query Engine for runtime "debian-openssl-3.0.x".',
      'This happened because Prisma Client was generated for "darwin-arm64", but the actual deployment required "debian-openssl-3.0.x".',
    ],
    { identity: ["target"] },
  ),
  reported(
    "pnpm-ignored-build-scripts",
    ANY,
    [sign(
      "Ignored build scripts:",
      /(?<code>\[?ERR_PNPM_IGNORED_BUILDS\]?)?\s*Ignored build scripts: (?<packages>.+)/,
      0.9,
    )],
    ({ packages }) =>
      `pnpm did not run the build scripts of ${packages}: list them in onlyBuiltDependencies.`,
    [
      "[ERR_PNPM_IGNORED_BUILDS] Ignored build scripts: esbuild@0.28.1",
      " ERR_PNPM_IGNORED_BUILDS  Ignored build scripts: @prisma/client, sharp",
    ],
    {
      decide: (finding, context) =>
        finding.captures["code"] !== undefined || follows(finding, context, "prisma", 40)
          ? accept()
          : accept(0.6, {}, "symptom"),
    },
  ),
  reported(
    "vite-allowed-hosts",
    START,
    [
      sign(
        "Blocked request. This host",
        /Blocked request\. This host \("?(?<host>[^")]+)"?\) is not allowed/,
        0.96,
      ),
      sign("`server.allowedHosts`", /add "(?<host>[^"]+)" to `(?:server|preview)\.allowedHosts`/, 0.96),
      sign("preview.allowedHosts", /add "(?<host>[^"]+)" to `preview\.allowedHosts`/, 0.96),
      sign("Invalid Host header", /Invalid Host(?:\/Origin)? header/, 0.8),
    ],
    ({ host }) => `Vite refuses requests for ${host ?? "the service's host"}: name it in allowedHosts.`,
    [
      'Blocked request. This host ("my-app.onrender.com") is not allowed.',
      'To allow this host, add "my-app.onrender.com" to `preview.allowedHosts` in vite.config.js.',
    ],
    { identity: ["host"] },
  ),
  reported(
    "express5-wildcard-route",
    ANY,
    [
      sign(
        "Missing parameter name at",
        /(?:PathError|TypeError).*Missing parameter name at (?:index )?\d+/,
        0.96,
      ),
      sign("git.new/pathToRegexpError", /git\.new\/pathToRegexpError/, 0.95),
    ],
    () => "A route is written for Express 4: Express 5 wants a name for a wildcard.",
    [
      "TypeError: Missing parameter name at 1: https://git.new/pathToRegexpError",
      "PathError [TypeError]: Missing parameter name at index 1: *; visit https://git.new/pathToRegexpError for info",
    ],
  ),
  reported(
    "django-manifest-missing-file",
    ANY,
    [
      sign(
        "Missing staticfiles manifest entry for",
        /Missing staticfiles manifest entry for '(?<file>[^']*)'/,
        0.95,
      ),
      sign(
        "references a file which could not be found",
        /The (?:CSS|JS) file '(?<file>[^']+)' references a file which could not be found/,
        0.96,
      ),
      sign("MissingFileError", /whitenoise\.storage\.MissingFileError/, 0.95),
    ],
    ({ file }) => `Django's manifest of static files lacks what ${file ?? "a file"} refers to.`,
    [
      "whitenoise.storage.MissingFileError: The file 'css/a.css' could not be found",
      "ValueError: Missing staticfiles manifest entry for 'css/site.css'",
    ],
    { identity: ["file"] },
  ),
  reported(
    "rails-master-key-wrong",
    ANY,
    [
      sign(
        "ActiveSupport::MessageEncryptor::InvalidMessage",
        /ActiveSupport::MessageEncryptor::InvalidMessage/,
        0.93,
      ),
      sign(
        "Missing encryption key to decrypt file with",
        /Missing encryption key to decrypt file with/,
        0.96,
      ),
      sign(
        "MissingKeyError",
        /ActiveSupport::EncryptedFile::(?:MissingKeyError|InvalidKeyLengthError)/,
        0.95,
      ),
      sign("Missing `secret_key_base`", /Missing `secret_key_base` for '\w+' environment/, 0.88),
      sign("key must be 16 bytes", /ArgumentError: key must be 16 bytes/, 0.85),
    ],
    () => "Rails cannot decrypt its credentials: the master key is missing or wrong.",
    [
      "ActiveSupport::MessageEncryptor::InvalidMessage: ActiveSupport::MessageEncryptor::InvalidMessage",
      "Missing encryption key to decrypt file with. Ask your team for your master key",
    ],
    {
      decide: (
        _finding,
        context,
      ) => (context.docker === null
        ? accept()
        : reject("in a container build it is an error of the project's step")),
    },
  ),
  reported(
    "puppeteer-chrome-missing",
    ANY,
    [
      sign("Could not find Chrome", /Could not find Chrome(?:ium)? \(ver\. (?<version>[^)]+)\)/, 0.96),
      sign(
        "Could not find expected browser",
        /Could not find expected browser \((?<version>\w+)\) locally/,
        0.95,
      ),
      sign("Executable doesn't exist at", /browserType\.launch: Executable doesn't exist at/, 0.93),
      sign(
        "Browser was not found at the configured executablePath",
        /Browser was not found at the configured executablePath/,
        0.93,
      ),
    ],
    () => "The browser that the program drives was not installed by the build.",
    [
      "Error: Could not find Chrome (ver. 121.0.6167.85). This can occur if either",
      "browserType.launch: Executable doesn't exist at /opt/render/.cache/ms-playwright/chromium-1080/chrome-linux/chrome",
    ],
  ),
  reported(
    "ruby-lockfile-platform",
    ANY,
    [
      sign(
        "Your bundle only supports platforms",
        /Your bundle only supports platforms \[?(?<platforms>[^\]]+)\]? but your local/,
        0.97,
      ),
      sign("bundle lock --add-platform", /bundle lock --add-platform (?<platforms>\S+?)`/, 0.95),
      sign("Bundler::ProductionError", /\(Bundler::ProductionError\)/, 0.7),
      sign("bundler/setup.rb", /lib\/bundler\.rb:\d+:in [`']setup'/, 0.55),
    ],
    () => "Gemfile.lock was made on another platform: add x86_64-linux to it.",
    [
      'Your bundle only supports platforms ["x86_64-darwin-19"] but your local platform is x86_64-linux.',
      "`bundle lock --add-platform x86_64-linux` and try again.",
    ],
    {
      decide: (
        finding,
        context,
      ) => (/setup'/.test(context.lines[finding.at]!) && context.lines.length > 12
        ? reject("the log says more")
        : accept()),
    },
  ),
  reported(
    "ruby-missing-gem",
    ANY,
    [
      sign("cannot load such file", /cannot load such file -- (?<gem>[\w/-]+) \(LoadError\)/, 0.85),
      sign("is not part of the bundle", /Gem::LoadError.*(?<gem>\S+) is not part of the bundle/, 0.95),
      sign(
        "is not part of the bundle. Add it to your Gemfile",
        /(?<gem>[\w-]+) is not part of the bundle\. Add it to your Gemfile/,
        0.95,
      ),
      sign("bundler: command not found", /bundler: command not found: (?<gem>\w+)/, 0.88),
      sign("can't find gem", /can't find gem (?<gem>(?!bundler)[\w-]+) \(/, 0.85),
    ],
    ({ gem }) => `The code needs the gem ${gem}, which Gemfile does not list.`,
    [
      "<internal:kernel_require>:86:in `require': cannot load such file -- webrick (LoadError)",
      "puma is not part of the bundle. Add it to your Gemfile. (Gem::LoadError)",
    ],
    {
      identity: ["gem"],
      decide: (
        _finding,
        context,
      ) => (context.docker === null ? accept() : reject("in a container build it has another name")),
    },
  ),
  reported(
    "python-numpy-abi",
    ANY,
    [
      sign(
        "numpy.dtype size changed",
        /numpy\.dtype size changed, may indicate binary incompatibility/,
        0.96,
      ),
      sign("compiled using NumPy 1.x cannot be run in", /compiled using NumPy 1\.x cannot be run in/, 0.95),
      sign("numpy.core.multiarray failed to import", /numpy\.core\.multiarray failed to import/, 0.9),
    ],
    () => "A package was compiled for another NumPy: pin numpy below 2.",
    [
      "ValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject",
      "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0.0 as it may crash.",
    ],
  ),
  reported(
    "framework-version-incompatibility",
    ANY,
    [
      sign("Undefined constant Illuminate", /Undefined constant (?<name>Illuminate\\[\w\\:]+)/, 0.9),
      sign("HEADER_X_FORWARDED_ALL", /Undefined (?:class )?constant .*(?<name>HEADER_X_FORWARDED_ALL)/, 0.92),
      sign(
        "Call to undefined method Illuminate",
        /Call to undefined method (?<name>Illuminate\\[\w\\:]+)/,
        0.85,
      ),
    ],
    ({ name }) => `The code uses ${name}, which this version of the framework no longer has.`,
    [
      "  Undefined constant Illuminate\\Http\\Request::HEADER_X_FORWARDED_ALL",
      "Call to undefined method Illuminate\\Routing\\Route::foo()",
    ],
    { identity: ["name"] },
  ),
  reported(
    "ci-warnings-as-errors",
    BUILD,
    [
      sign(
        "Treating warnings as errors because process.env.CI",
        /Treating warnings as errors because process\.env\.CI = true/,
        0.97,
      ),
      sign("arnings ", /[Ww]arnings (?:are |being )?treated as errors/, 0.85),
    ],
    () => "The build treats warnings as errors because CI is set.",
    ["Treating warnings as errors because process.env.CI = true.", "Error: warnings are treated as errors"],
    {
      decide: (finding, context) =>
        context.docker === null && after(finding, context, /Failed to compile|error|Build failed/i)
          ? accept()
          : reject("nothing failed of it"),
    },
  ),
  reported(
    "python-api-mismatch",
    ANY,
    [
      sign(
        "got an unexpected keyword argument",
        /TypeError: (?<name>[\w.]+)\(\) got an unexpected keyword argument '(?<argument>(?!proxies)\w+)'/,
        0.7,
      ),
      sign(
        "has no attribute",
        /AttributeError: module '(?<name>[\w.]+)' has no attribute '(?<argument>\w+)'/,
        0.72,
      ),
      sign(
        "cannot import name",
        /ImportError: cannot import name '(?<argument>\w+)' from '(?<name>[\w.]+)' \(\S*site-packages/,
        0.85,
      ),
    ],
    ({ name, argument }) =>
      `The code uses ${argument} of ${name}, which the installed version does not have.`,
    [
      "ImportError: cannot import name 'url_quote' from 'werkzeug.urls' (/opt/render/project/src/.venv/lib/python3.11/site-packages/werkzeug/urls.py)",
      "AttributeError: module 'openai' has no attribute 'ChatCompletion'",
    ],
    {
      identity: ["name", "argument"],
      severity: "consequence",
      decide: (finding, context) =>
        context.docker !== null ||
          /^(?:pkgutil|collections|inspect|platform|time|typing|asyncio)$/.test(
            finding.captures["name"] ?? "",
          )
          ? reject("another cause reads the line")
          : accept(),
    },
  ),
];
