/** Repairs of Dockerfiles in which pip or a Python package fails. */
import { insertBefore } from "../../code/dockerfile.ts";
import type { Change } from "../../code/dockerfile.ts";
import { subcommandOf } from "../../code/shell_words.ts";
import type { Invocation, Word } from "../../code/shell_words.ts";
import { asRoot, dockerRemedy, releaseOf, runs } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import type { Remedy } from "../remedy.ts";
import { LAST_VERSIONS } from "../tables/python_last.ts";

interface Pip {
  invocation: Invocation;
  /** How pip is called there, such as `pip3` or `python -m pip`. */
  call: string;
  /** The word `install`. */
  install: Word;
}

/** The `pip install` commands of the failing step. */
function pips({ file, step }: DockerCase): Pip[] {
  if (step === null) return [];
  return runs(file, step).flatMap((invocation): Pip[] => {
    const { program, path, args } = invocation;
    const isModule = /^python[\d.]*$/.test(program) && args[0]?.text === "-m" && args[1]?.text === "pip";
    if (!isModule && !/^pip[\d.]*$/.test(program)) return [];
    const install = isModule
      ? args.slice(2).find(({ text }) => !text.startsWith("-"))
      : subcommandOf(invocation);
    if (install?.text !== "install") return [];
    return [{ invocation, install, call: isModule ? `${path} -m pip` : path }];
  });
}

/** The command of the step that failed: the last that began, when each says so, else the first. */
function failing(found: DockerCase): Pip | undefined {
  const all = pips(found);
  if (all.length < 2) return all[0];
  // A command that ended well is followed by the next one's output; only requirements by file are told apart.
  const lines = found.lines.join("\n");
  return all.findLast(({ invocation }) =>
    invocation.args.some(({ text }) =>
      text.length > 2 && !text.startsWith("-") && text !== "install" &&
      lines.includes(`Collecting ${text.split(/[=<>~![]/)[0]}`)
    )
  ) ?? all.find(({ invocation }) => invocation.args.some(({ text }) => text === "-r")) ?? all[0];
}

/** Installs something by pip before the failing command, in its step and by its pip. */
function pipBefore(found: DockerCase, what: string): Change[] | string {
  const { file, step } = found;
  if (step === null) return "the log does not show which step failed";
  const pip = failing(found);
  if (pip !== undefined && !["||", "|"].includes(pip.invocation.command.separator)) {
    const { start } = pip.invocation.command;
    const sudo = pip.invocation.sudo ? "sudo " : "";
    // `python -m pip` leaves no stale path of pip behind in the shell that has just replaced it.
    const call = pip.call === "pip" ? "python -m pip" : pip.call === "pip3" ? "python3 -m pip" : pip.call;
    const isPip = /\bpip[<=" ]|'pip/.test(what);
    return [{ start, end: start, text: `${sudo}${isPip ? call : pip.call} install ${what} && ` }];
  }
  if (step.keyword !== "RUN") return "the failing step is no RUN";
  const isOurs = [...found.before].some((each) => /\bpip3? install\b/.test(each.args)) ||
    /^(?:\S+\/)?python:/.test(found.base?.image ?? "");
  if (!isOurs) return "no pip of the image is known";
  const call = /\bpip3 install/.test(found.before.map(({ args }) => args).join("\n")) ? "pip3" : "pip";
  return [insertBefore(file, step, asRoot(found, [`RUN ${call} install ${what}`]))];
}

const said = (changes: Change[] | string, summary: string) =>
  typeof changes === "string" ? changes : { changes, summary };

const oldSetuptools: Repair = (found) => {
  const limit = found.lines.some((line) => /Feature'?\b/.test(line) && /import/.test(line))
    ? "46"
    : found.lines.some((line) => /use_2to3/.test(line))
    ? "58"
    : found.lines.some((line) =>
        /setuptools\.command\.test|cannot import name 'test'|pkg_resources/.test(line)
      )
    ? "72"
    : found.lines.some((line) => /dash-separated|description-file|setup\.cfg/.test(line))
    ? "78"
    : undefined;
  if (limit === undefined) return "the log does not say what setuptools dropped";
  return said(
    pipBefore(found, `'setuptools<${limit}'`),
    `Install setuptools below ${limit}, which still has what a package uses`,
  );
};

/** The Python that a pip runs in, as `2.7` or `3.5`; undefined when nothing says it. */
function pythonOf(found: DockerCase, call: string): string | undefined {
  const tag = /^(?:\S+\/)?python:(\d\.\d+)/.exec(found.base?.resolved ?? found.base?.image ?? "")?.[1];
  if (tag !== undefined) return tag;
  for (const line of found.lines) {
    const version = /[/-](?:python|cp|py)-?([23])\.?(\d{1,2})(?:\/|-|m-|\b)/.exec(line);
    if (version !== null && /python[23]\.\d/.test(line)) return `${version[1]}.${version[2]}`;
  }
  const is3 = /3/.test(call);
  if (!is3 && !/2/.test(call) && found.distribution?.family === "alpine") return undefined;
  const release = releaseOf(found);
  if (found.distribution?.family === "ubuntu" && release !== null) {
    const threes: Readonly<Record<number, string>> = {
      14.04: "3.4",
      16.04: "3.5",
      18.04: "3.6",
      20.04: "3.8",
    };
    return is3 ? threes[release] : release < 20.04 ? "2.7" : threes[release];
  }
  if (found.distribution?.family === "debian" && release !== null) {
    const threes: Readonly<Record<number, string>> = { 8: "3.4", 9: "3.5", 10: "3.7", 11: "3.9" };
    return is3 ? threes[release] : release < 11 ? "2.7" : threes[release];
  }
  return found.distribution?.family === "rpm" && !is3 && release === 7 ? "2.7" : undefined;
}

const newerPackaging: Repair = (found) => {
  const python = pythonOf(found, failing(found)?.call ?? "pip");
  const what = python === undefined
    ? undefined
    : python === "2.7"
    ? "'pip<21' 'setuptools<45' wheel"
    : python === "3.4"
    ? "'pip<19.2' 'setuptools<44' wheel"
    : python === "3.5"
    ? "'pip<21' 'setuptools<51' wheel"
    : "pip setuptools wheel";
  if (what === undefined) return "which Python the pip belongs to is not known";
  return said(
    pipBefore(found, `--upgrade ${what}`),
    "Upgrade pip, setuptools and wheel first, as far as this Python goes",
  );
};

/** The package whose set-up failed, from pip's own last lines. */
function failedPackage({ lines }: DockerCase): string | undefined {
  for (const line of lines.toReversed()) {
    const name =
      /failed with error code \d+ in \/\S*?pip[-_](?:build[^/]*|install-[^/]*|req-build[^/]*)\/([\w.-]+?)\/?\.?$/i
        .exec(line)?.[1] ??
        /^(?:ERROR: )?([\w.-]+) requires Python '/.exec(line)?.[1] ??
        /^(?:ERROR: )?Package '([\w.-]+)' requires a different Python/.exec(line)?.[1];
    if (name !== undefined) return name.toLowerCase().replaceAll("_", "-");
  }
  for (const line of lines) {
    if (/setuptools-py2-sunset/.test(line)) return "setuptools";
    if (/IPython \d+\S* supports Python/.test(line)) return "ipython";
  }
  return undefined;
}

/** For an image whose Python stays: the last version of the package that it runs. */
const lastVersion: Repair = (found) => {
  const pip = failing(found);
  const name = failedPackage(found);
  if (pip === undefined || name === undefined) {
    return "the log does not name the package that needs another Python";
  }
  const python = pythonOf(found, pip.call);
  const below = python === undefined ? undefined : LAST_VERSIONS[name]?.[python];
  if (below === undefined) return `the last version of ${name} for Python ${python ?? "there"} is not known`;
  const summary = `Install ${name} below ${below}, the last for Python ${python}`;
  const word = pip.invocation.args.find(({ text }) => text.toLowerCase().replaceAll("_", "-") === name);
  if (word !== undefined) {
    return { changes: [{ start: word.start, end: word.end, text: `'${word.text}<${below}'` }], summary };
  }
  // What a requirement pulls in stays as it is when it is there already.
  return said(pipBefore(found, `'${name}<${below}'`), summary);
};

const ignoreInstalled: Repair = (found) => {
  const pip = failing(found);
  if (pip === undefined) return "the failing step does not run pip itself";
  if (pip.invocation.args.some(({ text }) => text === "--ignore-installed" || text === "-I")) {
    return "it is given already";
  }
  const at = pip.install.end;
  return {
    changes: [{ start: at, end: at, text: " --ignore-installed" }],
    summary: "Let pip leave the distribution's own packages alone",
  };
};

const PIP_REMOVED: readonly [RegExp, string][] = [
  [
    /No module named '?pip\.(?:req|download|index|utils|vcs|exceptions|models|commands)|cannot import name '?(?:get_installed_distributions|main)'?|module 'pip' has no attribute/,
    "10",
  ],
  [
    /no such option: --process-dependency-links|No module named '?pip\._internal\.download|no such option: --allow-all-external/,
    "19",
  ],
  [/'ParsedRequirement' object has no attribute|PipSession|parse_requirements\(\)/, "20.1"],
  [
    /--use-feature|no such option: --build\b|no such option: --install-option|no such option: --global-option/,
    "23.1",
  ],
];

const olderPip: Repair = (found) => {
  const option = found.lines.map((line) =>
    /no such option: (--(?:use-wheel|egg|allow-external|allow-unverified|no-use-wheel|download-cache|use-mirrors|mirrors))/
      .exec(line)?.[1]
  )
    .find((each) => each !== undefined);
  if (option !== undefined) {
    const words = pips(found).flatMap(({ invocation }) => invocation.args).filter(({ text }) =>
      text === option
    );
    if (words.length === 0) return `${option} is not given in the failing step`;
    return {
      changes: words.map(({ start, end }) => ({ start: start - 1, end, text: "" })),
      summary: `Leave out ${option}, which pip no longer has`,
    };
  }
  const limit = PIP_REMOVED.find(([sign]) => found.lines.some((line) => sign.test(line)))?.[1];
  if (limit === undefined) return "the log does not say what pip no longer has";
  return said(
    pipBefore(found, `'pip<${limit}'`),
    `Install pip below ${limit}, which still has what a package uses`,
  );
};

const BUILD_DEPENDENCIES: Readonly<Record<string, string>> = {
  numpy: "numpy",
  Cython: "Cython",
  cython: "Cython",
  "setuptools-scm": "setuptools-scm",
  setuptools_scm: "setuptools-scm",
  pybind11: "pybind11",
  pkgconfig: "pkgconfig",
  cffi: "cffi",
  wheel: "wheel",
  torch: "torch",
  scipy: "scipy",
  pbr: "pbr",
  requests: "requests",
  versioneer: "versioneer",
  packaging: "packaging",
  skbuild: "scikit-build",
  mpi4py: "mpi4py",
  pypandoc: "pypandoc",
  six: "six",
  setuptools: "setuptools",
  pkg_resources: "setuptools",
  docutils: "docutils",
  future: "future",
  yaml: "PyYAML",
  jinja2: "Jinja2",
};

const buildDependency: Repair = (found) => {
  for (const line of [found.context.diagnosis.evidence?.text ?? "", ...found.lines]) {
    const module = /No module named '?([\w-]+)/.exec(line)?.[1] ??
      /DistributionNotFound: (?:The ')?([\w-]+)/.exec(line)?.[1] ??
      /Please (?:make sure you )?install (numpy|[Cc]ython)/.exec(line)?.[1];
    const name = module === undefined || !Object.hasOwn(BUILD_DEPENDENCIES, module)
      ? undefined
      : BUILD_DEPENDENCIES[module];
    if (name === undefined) continue;
    if (failing(found) === undefined) return "the failing step does not run pip itself";
    return said(pipBefore(found, name), `Install ${name} first: a package's set-up imports it`);
  }
  return "the module is no build dependency that is known";
};

const psycopg: Repair = async (found) => {
  const { file, step, context } = found;
  const words = step === null ? [] : pips(found).flatMap(({ invocation }) => invocation.args)
    .filter(({ text }) => /^psycopg2(?:-binary)?==2\.[0-6](?:\.\d+)*$/.test(text));
  if (words.length > 0) {
    return {
      changes: words.map((word) => ({
        start: word.start,
        end: word.end,
        text: `${word.text.split("==")[0]}==2.7.7`,
      })),
      summary: "Install psycopg2 2.7.7, which reads the version of today's libpq",
    };
  }
  for (
    const path of context.view.paths.filter((each) => /requirements[^/]*\.(?:txt|pip)$/.test(each)).slice(
      0,
      20,
    )
  ) {
    const text = await context.view.read(path);
    if (text === null) continue;
    const old = /^(psycopg2(?:-binary)?[ \t]*==[ \t]*)2\.[0-6](?:\.\d+)*(?=[ \t;#\r\n]|$)/mi.exec(text);
    if (old === null) continue;
    const content = text.slice(0, old.index) + `${old[1]}2.7.7` + text.slice(old.index + old[0].length);
    return {
      changes: [],
      edits: [{ path, content }],
      summary: `Pin psycopg2 2.7.7 in ${path}: it reads the version of today's libpq`,
    };
  }
  return file.text === "" ? "the Dockerfile is empty" : "the pin of psycopg2 is not in a file that was given";
};

const locale: Repair = (found) => {
  const { file, step, distribution } = found;
  if (step === null) return "the log does not show which step failed";
  if (
    file.instructions.some((each) =>
      each.keyword === "ENV" && /\b(?:LANG|LC_ALL)\b.*UTF-?8/i.test(each.args) && each.stage === step.stage &&
      each.start < step.start
    )
  ) {
    return "the Dockerfile sets a UTF-8 locale already";
  }
  const name = distribution?.family === "rpm" ? "en_US.UTF-8" : "C.UTF-8";
  return {
    changes: [insertBefore(file, step, [`ENV LANG=${name} LC_ALL=${name}`])],
    summary: `Set the locale ${name}`,
  };
};

export const dockerPythonRemedies: readonly Remedy[] = [
  dockerRemedy("docker/setuptools-below", ["setuptools-too-new"], oldSetuptools),
  dockerRemedy("docker/upgrade-pip", ["python-packaging-too-old"], newerPackaging),
  dockerRemedy("docker/last-version", ["python-too-old"], lastVersion, "medium"),
  dockerRemedy("docker/ignore-installed", ["pip-distutils-uninstall"], ignoreInstalled),
  dockerRemedy("docker/pip-below", ["pip-removed-feature"], olderPip),
  dockerRemedy("docker/build-dependency", ["python-build-dep-missing"], buildDependency),
  dockerRemedy("docker/psycopg2", ["psycopg2-too-old-for-libpq"], psycopg),
  dockerRemedy("docker/locale", ["locale-not-utf8"], locale),
];
