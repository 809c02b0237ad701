/** Causes of Node and node-gyp in a container build. */
import { isNodeTool } from "../../code/node_names.ts";
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding } from "../catalogue.ts";
import { after, before, inContainer, inStep, instructionOf, isNearEnd } from "./container.ts";
import { BUILD, reported, sign } from "./lines.ts";

/** Source of a package that an older Node cannot read. */
const NEW_SOURCE =
  /\?\.|\?\?|\.\.\.|=>|\basync\b|\bawait\b|\bclass\b|\bconst\b|\blet\b|`|\bimport\b|#\w+|\*\*|static\b|\bof\b|catch \{|[{(,]\s*\w+ ?[},)]|default/;

/** The version of Node that the step ran, by what npm prints or by the image; "" when none says. */
export function nodeOf(context: Context): string {
  const docker = context.docker;
  if (docker === null) return context.facts.nodeVersion ?? "";
  for (const line of context.lines.slice(docker.from, docker.to)) {
    const version =
      /(?:npm ERR! node v|node@|node -v \| v|Node\.js v|Got "|current: \{"node":"|Actual: {3}\{?"?node"?:?"?)v?(\d+\.\d+)/
        .exec(line)?.[1];
    if (version !== undefined) return version;
  }
  return /node:(\d+)/.exec(docker.image)?.[1] ?? "";
}

const insideModules = (finding: Finding, context: Context) =>
  before(finding, context, /node_modules|\/usr\/(?:local\/)?lib|npm ERR!|yarn|>= ?\d/, 12) ||
  after(finding, context, /node_modules|Module\._compile|at Object\.runInThisContext|vm\.js/, 8);

export const javascriptBuildCauses: readonly Cause[] = [
  reported(
    "node-engine-mismatch",
    BUILD,
    [
      sign(
        'The engine "node" is incompatible',
        /error (?<package>\S+): The engine "node" is incompatible with this module\. Expected version "(?<range>[^"]*)"/,
        0.97,
      ),
      sign("Found incompatible module", /error Found incompatible module/, 0.85),
      sign("EBADENGINE", /npm (?:ERR!|error) (?:code EBADENGINE|engine Not compatible)/, 0.95),
      sign("EBADPLATFORM", /npm (?:ERR!|error) code EBADPLATFORM/, 0.82),
      sign("notsup", /npm ERR! (?:code ENOTSUP|notsup (?:Unsupported engine|Not compatible))/, 0.92),
      sign("ERR_PNPM_UNSUPPORTED_ENGINE", /ERR_PNPM_UNSUPPORTED_ENGINE/, 0.95),
      sign(
        "This version of pnpm requires",
        /This version of (?:pnpm|npm|yarn) requires at least Node\.js v?(?<range>[\d.]+)/,
        0.93,
      ),
      sign(
        "requires a minimum Node.js version",
        /(?:requires|need) (?:a )?(?:minimum )?(?:of )?[Nn]ode(?:\.js|JS|js)? (?:version )?(?:v|>= ?)?(?<range>\d[\d.]*)/i,
        0.88,
      ),
      sign(
        "ode.js version",
        /[Nn]ode\.js version (?:of )?(?:>=? ?|v)?(?<range>\d[\d.]*).{0,40}(?:required|needed|or (?:later|higher|newer))/,
        0.9,
      ),
      sign(
        "npm does not support Node.js",
        /(?:ERROR|error): npm (?:v\S+ )?(?:is known not to run on|does not support) Node\.js v?(?<range>[\d.]+)/i,
        0.9,
      ),
      sign("is required.", /Node(?:\.js)? (?:version )?(?<range>>=?\s*\d[\d.]*) is required/, 0.9),
      sign("You are using Node", /You are using Node v?[\d.]+.{0,20}(?:,|but) .*(?:requires|needs)/, 0.88),
      sign("Unsupported Node", /(?:Unsupported|unsupported) [Nn]ode(?:\.js)? version/, 0.85),
      sign(
        "requires Node",
        /(?:requires|Requires|require) Node(?:\.js)? (?:version )?(?:>= ?|v|\^)?(?<range>\d[\d.]*)/,
        0.88,
      ),
    ],
    ({ package: name, range }) => `${name ?? "A package"} asks for Node ${range ?? "of another version"}.`,
    [
      'error tar@6.0.2: The engine "node" is incompatible with this module. Expected version ">= 10". Got "8.17.0"',
      "npm ERR! code EBADENGINE",
    ],
    {
      identity: ["package"],
      decide: (
        finding,
        context,
      ) => (/\bwarn(?:ing)?\b/i.test(context.lines[finding.at]!) ? reject("it is a warning") : accept()),
    },
  ),
  reported(
    "native-addon-node-too-new",
    BUILD,
    [
      sign("v8::", /error: .*v8::/, 0.92),
      sign("'v8'", /error: .*(?:['‘]v8['’]|namespace ['‘]v8)/, 0.88),
      sign("Nan::", /error: .*(?:Nan::|nan\.h)/, 0.85),
      sign("nan", /(?:nan|nan_\w+)\.h:\d+:\d+: error: /, 0.93),
      sign("isolate", /error: .*(?:Isolate|isolate)/, 0.8),
      sign(
        "node-sass",
        /(?:Node Sass does not yet support your current environment|node-sass.*(?:postinstall|install).*script|Unsupported runtime)/,
        0.85,
      ),
      sign("Node Sass does not yet support", /Node Sass does not yet support your current environment/, 0.97),
      sign(
        "requires at least C++",
        /(?:error|#error).*(?:C\+\+17 or later required|requires at least C\+\+1[47])/i,
        0.9,
      ),
      sign("C++17 or later required", /C\+\+17 or later required/, 0.92),
      sign("FunctionTemplate", /error: .*FunctionTemplate/, 0.88),
      sign("fibers", /## There is an issue with `node-fibers` ##|node-fibers.*fail/, 0.9),
      sign("is missing.", /`\S+fibers\.node` is missing/, 0.92),
      sign(
        "was compiled against a different Node.js version",
        /was compiled against a different Node\.js version/,
        0.85,
      ),
    ],
    () =>
      "A native add-on does not compile against this Node: it needs an older Node, or a newer version of the add-on.",
    [
      "../src/native.cpp:38:38: error: no matching function for call to 'v8::FunctionTemplate::GetFunction()'",
      "../../nan/nan.h:602:39: error: no matching function for call",
    ],
    {
      decide: inContainer((
        _finding,
        context,
      ) => (inStep(context, /gyp|node_modules|node-pre-gyp|npm|yarn/)
        ? accept()
        : reject("no add-on of Node is built"))
      ),
    },
  ),
  reported(
    "node-gyp-python-missing",
    BUILD,
    [
      sign(
        "Can't find Python executable",
        /(?:gyp (?:ERR!|error)|Error:).*Can't find Python executable/,
        0.97,
      ),
      sign(
        "find Python",
        /gyp (?:ERR!|verb|info)? ?find Python (?:Python is not set|\*+|You need to install)/,
        0.95,
      ),
      sign("Could not find any Python installation", /Could not find any Python installation to use/, 0.97),
      sign(
        "gyp ERR! stack Error: Python",
        /gyp ERR! stack Error: (?:Python executable|Command failed: .*python)/,
        0.85,
      ),
      sign("not found: python", /gyp (?:verb|ERR!).*not found: python2?/, 0.6),
    ],
    () => "node-gyp builds a native add-on and finds no Python.",
    [
      'gyp ERR! stack Error: Can\'t find Python executable "python", you can set the PYTHON env variable.',
      "gyp ERR! stack Error: Could not find any Python installation to use",
    ],
    {
      decide: (finding, context) => {
        if (/gyp verb/.test(context.lines[finding.at]!)) return reject("node-gyp only tells what it tries");
        // An optional add-on that cannot be built is left out, and the install goes on.
        return context.docker === null ||
            inStep(
              context,
              /npm ERR! |npm error |error .*[Cc]ommand failed|error \S+: Command failed|ERR_PNPM|Exit code: \d/,
            )
          ? accept()
          : accept(0.7, {}, "symptom");
      },
    },
  ),
  reported(
    "node-too-old",
    BUILD,
    [
      sign(
        "SyntaxError: ",
        /^\s*(?:\[.*\] )?SyntaxError: (?<detail>Unexpected token|Unexpected identifier|Unexpected reserved word|Unexpected strict mode reserved word|Use of const in strict mode|Block-scoped declarations|Unexpected string|Invalid regular expression|missing \)|Invalid or unexpected|The requested module|Unexpected template|await is only valid|Cannot use import)/,
        0.86,
      ),
      sign(
        "is not a function",
        /TypeError: (?<detail>Object\.(?:entries|values|fromEntries|assign|hasOwn)|\w+\.(?:flatMap|flat|includes|padStart|replaceAll|at|matchAll|trimStart)|Array\.(?:from|of)|Promise\.(?:allSettled|any)|fs\.(?:rmSync|copyFileSync|promises)|util\.promisify|structuredClone|crypto\.(?:randomUUID|getRandomValues|hash)|os\.availableParallelism|\w+\.(?:createRequire|pathToFileURL)|Buffer\.(?:from|alloc)|\S*\.styleText|\w+\.findLast) is not a function/,
        0.88,
      ),
      sign("Cannot find module 'node:", /Cannot find module '(?<detail>node:[\w/]+)'/, 0.95),
      sign(
        "Cannot find module 'worker_threads'",
        /Cannot find module '(?<detail>worker_threads|fs\/promises|perf_hooks|async_hooks|http2|diagnostics_channel|inspector|timers\/promises|stream\/promises|util\/types|v8|process|module)'/,
        0.9,
      ),
      sign(
        "is not defined",
        /ReferenceError: (?<detail>Promise|Map|Set|Symbol|Uint8Array|BigInt|globalThis|structuredClone|fetch|AbortController|queueMicrotask|TextEncoder|URL|Blob|File|Headers|ReadableStream|performance|WebAssembly|FinalizationRegistry|CustomEvent|Array\.from) is not defined/,
        0.88,
      ),
      sign("not supported by your version of node", /not supported by your version of [Nn]ode/i, 0.85),
      sign("ERR_UNKNOWN_BUILTIN_MODULE", /ERR_UNKNOWN_BUILTIN_MODULE.*(?<detail>node:[\w/]+)/, 0.93),
      sign("bad option: --", /node: bad option: (?<detail>--\S+)/, 0.8),
      sign(
        "is not allowed in NODE_OPTIONS",
        /(?<detail>--openssl-legacy-provider) is not allowed in NODE_OPTIONS/,
        0.93,
      ),
      sign(
        "is not supported in this version of Node",
        /not supported (?:in|on|by) (?:this|your) version of Node/i,
        0.85,
      ),
      sign("npm does not support Node", /npm does not support Node\.js v(?<detail>\S+)/, 0.85),
    ],
    ({ detail }) =>
      `A package uses what this Node is too old for${detail === undefined ? "" : ` (${detail})`}.`,
    [
      "SyntaxError: Unexpected token ...",
      "SyntaxError: Use of const in strict mode.",
      "Error: Cannot find module 'node:util'",
    ],
    {
      decide: inContainer((finding, context) => {
        const line = context.lines[finding.at]!;
        if (/SyntaxError/.test(line)) {
          if (/in JSON|< in|JSON at|end of JSON/.test(line)) return reject("it is about JSON");
          const source = context.lines.slice(Math.max(0, finding.at - 5), finding.at).join("\n");
          const version = Number.parseInt(nodeOf(context), 10);
          if (!insideModules(finding, context) || !isNearEnd(finding, context, 60)) {
            return accept(0.7, {}, "consequence");
          }
          if (!NEW_SOURCE.test(source)) return accept(0.7, {}, "consequence");
          return version >= 14 && !/\?\?=|#|import |assert /.test(source)
            ? accept(0.7, {}, "consequence")
            : accept();
        }
        return accept();
      }),
    },
  ),
  reported(
    "node-too-new",
    BUILD,
    [
      sign("primordials is not defined", /ReferenceError: primordials is not defined/, 0.97),
      sign("ERR_OSSL_EVP_UNSUPPORTED", /ERR_OSSL_EVP_UNSUPPORTED/, 0.96),
      sign("digital envelope routines::unsupported", /digital envelope routines::unsupported/, 0.96),
      sign("digital envelope routines:", /error:03(?:00|08)\w*:digital envelope routines/, 0.95),
      sign(
        "process.binding",
        /(?:process\.binding.*(?:deprecated|not supported)|No such module: (?:evals|natives|http_parser))/,
        0.88,
      ),
      sign("No such module: ", /No such (?:built-in )?module: (?:evals|natives|http_parser|constants)/, 0.92),
      sign("cb.apply is not a function", /TypeError: cb\.apply is not a function/, 0.88),
      sign(
        "Callback must be a function",
        /TypeError(?: \[\w+\])?: (?:Callback must be a function|The "(?:cb|callback)" argument must be of type function)/,
        0.82,
      ),
      sign('"cb" argument must be', /The "(?:cb|callback)" argument must be (?:of type|a) function/, 0.82),
      sign("ERR_PACKAGE_PATH_NOT_EXPORTED", /ERR_PACKAGE_PATH_NOT_EXPORTED/, 0.75),
    ],
    () => "A package does not work on this newer Node.",
    [
      "ReferenceError: primordials is not defined",
      "Error: error:0308010C:digital envelope routines::unsupported",
    ],
  ),
  reported(
    "node-module-missing",
    BUILD,
    [
      sign("not found", /(?:^|[\s/:])(?<program>[\w@.-]+): (?:command )?not found/, 0.9),
      sign("Cannot find module", /Cannot find module '(?<module>[^']+)'/, 0.85),
      sign("Local gulp not found", /Local (?<module>gulp) not found/, 0.93),
      sign("Unable to find local grunt", /Unable to find local (?<module>grunt)/, 0.93),
      sign("Cannot find package '", /Cannot find package '(?<module>[^']+)'/, 0.88),
      sign(
        "cannot be loaded. Is it installed",
        /The "@angular\/compiler-cli" package was not properly installed/,
        0.8,
      ),
      sign("Couldn't find preset", /Couldn't find preset "(?<module>[^"]+)"/, 0.88),
      sign(
        "Failed to load config",
        /(?:Failed to load (?:config|plugin)|ESLint couldn't find the (?:config|plugin)) "?'?(?<module>[\w@/.-]+)/,
        0.8,
      ),
      sign(
        "could not determine executable to run",
        /npm (?:ERR!|error) could not determine executable to run/,
        0.82,
      ),
      sign(
        "an Angular project",
        /(?:You have to be inside an Angular CLI project|must be run inside an Angular project)/i,
        0.75,
      ),
    ],
    ({ program, module }) =>
      `The package ${program ?? module ?? "that is used"} is not installed where Node looks.`,
    ["sh: 1: webpack: not found", "Error: Cannot find module 'express'"],
    {
      identity: ["program", "module"],
      decide: inContainer((finding, context) => {
        const { program, module } = finding.captures;
        if (program !== undefined) {
          const isTool = isNodeTool(program) ||
            /^(?:gulp|grunt|bower|webpack|babel|tsc|ng|vue-cli-service|react-scripts|next|nuxt|lerna|rollup|eslint|cross-env|rimraf|node-gyp|node-pre-gyp|prebuild-install|vite|parcel|gatsby|ember|mocha|jest|husky|patch-package|electron-builder|ts-node|nodemon|typings|tsd|concurrently|run-s|npm-run-all|shx|sass|node-sass|hexo|turbo|nx|prisma|esbuild|svelte-kit|astro|meteor-npm)$/
              .test(program);
          if (!isTool) return reject("it is no program of a package");
          const script = inStep(context, /^> |npm ERR!|npm error|yarn run|\$ \S|\bELIFECYCLE/) ||
            /npm|yarn|node_modules/.test(instructionOf(context));
          return script ? accept(0.88) : accept(0.7, {}, "symptom");
        }
        const name = module ?? "";
        if (/^node:|^(?:worker_threads|fs\/promises|perf_hooks|async_hooks|http2)$/.test(name)) {
          return reject("a newer Node brings it");
        }
        if (/TS\d+/.test(context.lines[finding.at]!)) return reject("the TypeScript compiler says it");
        if (/^Module not found/.test(context.lines[finding.at]!.trim())) return reject("a bundler says it");
        if (/^\//.test(name) && !/node_modules/.test(name)) return accept(0.72, {}, "consequence");
        return isNearEnd(finding, context, 60) ? accept() : accept(0.65, {}, "consequence");
      }),
    },
  ),
];
