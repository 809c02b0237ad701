/** Repairs of Dockerfiles in which npm, gem, bundler or composer fails. */
import { insertBefore } from "../../code/dockerfile.ts";
import type { Change } from "../../code/dockerfile.ts";
import { subcommandOf } from "../../code/shell_words.ts";
import { parseImage } from "../../code/dockerfile.ts";
import { compareVersions, moveBase } from "../base_image.ts";
import { asRoot, dockerRemedy, insertCommand, packageWords, runs } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import type { Remedy } from "../remedy.ts";

const npm = ({ file, step }: DockerCase) =>
  step === null ? [] : runs(file, step).filter(({ program }) => program === "npm");

const force: Repair = (found) => {
  const words = found.file.instructions.flatMap((each) => runs(found.file, each))
    .filter(({ program, args }) =>
      program === "npm" && args[0]?.text === "cache" && args[1]?.text === "clean"
    )
    .filter(({ args }) => !args.some(({ text }) => text === "--force" || text === "-f"))
    .map(({ args }) => args[1]!);
  if (words.length === 0) return "no step runs npm cache clean without --force";
  return {
    changes: words.map(({ end }) => ({ start: end, end, text: " --force" })),
    summary: "Clean npm's cache with --force",
  };
};

const LOCKS = ["package-lock.json", "npm-shrinkwrap.json"];

const withoutLock: Repair = (found) => {
  const { context, file, step } = found;
  const words = npm(found).map((each) => subcommandOf(each)).filter((word) => word?.text === "ci");
  const isMissing = context.diagnosis.cause === "lockfile-missing";
  const lock = context.view.paths.find((path) => LOCKS.includes(path));
  if (isMissing && lock !== undefined && step !== null) {
    const copy = found.before.findLast((each) =>
      each.keyword === "COPY" && !each.isExec && /(?:^|\s)(?:\.\/)?package\.json\s/.test(each.args)
    );
    const at = copy === undefined
      ? -1
      : file.text.slice(copy.argsAt, copy.end).search(/(?<=^|\s)(?:\.\/)?package\.json\s/);
    if (copy !== undefined && at !== -1) {
      const name = /^\S+/.exec(file.text.slice(copy.argsAt + at))![0];
      const end = copy.argsAt + at + name.length;
      const dest = copy.args.split(/\s+/).at(-1) ?? "";
      if (!/\/$|^\.$/.test(dest)) return "the copy renames package.json";
      return {
        changes: [{ start: end, end, text: ` ${lock}` }],
        summary: `Copy ${lock} beside package.json`,
      };
    }
  }
  if (words.length > 0) {
    return {
      changes: words.map((word) => ({ start: word!.start, end: word!.end, text: "install" })),
      summary: isMissing
        ? "Install without a lock file: the commit has none"
        : "Install by the manifest: the lock file does not fit it",
      risk: "medium",
    };
  }
  const frozen = step === null
    ? []
    : runs(file, step).filter(({ program }) => /^(?:yarn|pnpm)$/.test(program))
      .flatMap(({ args }) => args.filter(({ text }) => /^--(?:frozen-lockfile|immutable)$/.test(text)));
  if (frozen.length === 0) return "the failing step does not install by the lock file itself";
  return {
    changes: frozen.map(({ start, end }) => ({ start: start - 1, end, text: "" })),
    summary: "Install by the manifest: the lock file does not fit it",
    risk: "medium",
  };
};

const globalForce: Repair = (found) => {
  const words = npm(found).filter(({ args }) => args.some(({ text }) => /^(?:-g|--global)$/.test(text)))
    .filter(({ args }) => !args.some(({ text }) => /^(?:-f|--force)$/.test(text)))
    .map((each) => subcommandOf(each)).filter((word) => /^(?:i|install|add)$/.test(word?.text ?? ""));
  const [word] = words;
  if (word === undefined) return "the failing step does not install globally by npm itself";
  const hasImageYarn = found.lines.some((line) => /\/usr\/local\/bin\/yarn/.test(line));
  return {
    changes: words.map((each) => ({ start: each!.end, end: each!.end, text: " --force" })),
    summary: hasImageYarn
      ? "Let npm replace the yarn that the image has"
      : "Let npm replace what the image has",
  };
};

const peers: Repair = (found) => {
  if (!found.lines.some((line) => /ERESOLVE/.test(line))) {
    return "npm of that age has no other way to resolve peers";
  }
  const words = npm(found).map((each) => subcommandOf(each)).filter((word) =>
    /^(?:i|install|ci)$/.test(word?.text ?? "")
  );
  if (words.length === 0) return "the failing step does not run npm install itself";
  return {
    changes: words.map((each) => ({ start: each!.end, end: each!.end, text: " --legacy-peer-deps" })),
    summary: "Resolve peer dependencies as npm 6 did",
    risk: "medium",
  };
};

const noDocument: Repair = ({ file }) => {
  const changes: Change[] = [];
  for (const instruction of file.instructions) {
    if (instruction.keyword !== "RUN") continue;
    const text = file.text.slice(instruction.argsAt, instruction.end);
    let isFirst = true;
    let last = -1;
    for (const match of text.matchAll(/--no-r(?:i|doc)\b(?:[ \t]+--no-r(?:i|doc)\b)?/g)) {
      const start = instruction.argsAt + match.index;
      // Two options of one command become one.
      isFirst = !/--no-document/.test(text.slice(last, match.index)) &&
        (last === -1 || /&&|;|\n/.test(text.slice(last, match.index)));
      const end = start + match[0].length;
      changes.push(isFirst ? { start, end, text: "--no-document" } : { start: start - 1, end, text: "" });
      last = match.index + match[0].length;
    }
  }
  if (changes.length === 0) return "the Dockerfile does not give --no-ri or --no-rdoc itself";
  return { changes, summary: "Say --no-document: --no-ri and --no-rdoc are gone" };
};

/** A version as `gem install -v` takes it; anything else is not put into a command. */
const VERSION = /^\d+(?:\.\d+){0,3}$/;

const bundlerVersion: Repair = async (found) => {
  const { file, step, context } = found;
  if (step === null || step.keyword !== "RUN") return "the failing step is no RUN";
  let wanted: string | undefined;
  for (const line of found.lines) {
    wanted = /Could not find '?bundler'? \(=? ?(\d[\d.]*)\)/.exec(line)?.[1] ??
      /can't find gem bundler \(=? ?(\d[\d.]*)\)/.exec(line)?.[1] ??
      /gem install bundler:(\d[\d.]*)/.exec(line)?.[1] ??
      /`gem install bundler -v (\d[\d.]*)`/.exec(line)?.[1] ??
      /^\s*bundler \(= (\d[\d.]*)\)/.exec(line)?.[1] ?? wanted;
    if (
      wanted === undefined &&
      /^\s*bundler \(~> 1\.\d+(?:\.\d+)?\)|bundler \(< 2|(?:bundler|Bundler) .*1\.\d+.* required/.test(line)
    ) wanted = "1.17.3";
  }
  const lock = await context.view.read("Gemfile.lock");
  wanted ??= lock === null ? undefined : /BUNDLED WITH\s+(\d[\d.]*)/.exec(lock)?.[1];
  if (wanted === undefined || !VERSION.test(wanted)) return "the log does not name the version";
  const install = found.before.flatMap((each) => runs(file, each)).findLast(({ program, args }) =>
    program === "gem" && args[0]?.text === "install" && args.some(({ text }) => text === "bundler")
  );
  if (install !== undefined) {
    if (install.args.some(({ text }) => /^(?:-v|--version)/.test(text))) {
      const value = install.args[
        install.args.findIndex(({ text }) => text === "-v" || text === "--version") + 1
      ];
      if (value === undefined || value.text === wanted) return "that version is installed already";
      return {
        changes: [{ start: value.start, end: value.end, text: wanted }],
        summary: `Install bundler ${wanted}, which the lock file asks for`,
      };
    }
    const word = install.args.find(({ text }) => text === "bundler")!;
    return {
      changes: [{ start: word.end, end: word.end, text: ` -v ${wanted}` }],
      summary: `Install bundler ${wanted}, which the lock file asks for`,
    };
  }
  const bundle = runs(file, step).find(({ program }) => program === "bundle" || program === "bundler");
  if (bundle === undefined) return "the failing step does not run bundle itself";
  return {
    changes: [insertCommand(found, `gem install bundler -v ${wanted}`, bundle)],
    summary: `Install bundler ${wanted}, which the lock file asks for`,
  };
};

/** The last version of a gem for a Ruby below the one that is asked for. */
const LAST_GEMS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bundler: {
    "2.3.0": "1.17.3",
    "2.3": "1.17.3",
    "2.6.0": "2.3.27",
    "2.6": "2.3.27",
    "3.0.0": "2.4.22",
    "3.1.0": "2.5.23",
  },
  ffi: { "2.3": "1.12.2", "2.3.0": "1.12.2", "2.5": "1.15.5" },
  "rack-test": { "2.2.2": "0.7.0" },
  rack: { "2.2.2": "1.6.13", "2.3.0": "2.1.4" },
  public_suffix: { "2.3": "3.1.1", "2.1": "2.0.5", "2.0": "1.4.6" },
  rake: { "2.2": "12.3.3", "2.0.0": "12.2.1", "2.0": "12.2.1", "1.9.3": "10.5.0" },
  nokogiri: { "2.3.0": "1.9.1", "2.4.0": "1.10.10", "2.5.0": "1.12.5", "2.1.0": "1.6.8.1" },
  jekyll: { "2.4.0": "3.9.5", "2.1.0": "3.5.2" },
  activesupport: { "2.2.2": "4.2.11.3", "2.5.0": "5.2.8.1" },
  "json": { "2.0": "1.8.6", "2.3": "2.6.1" },
  "net-ssh": { "2.2.6": "4.2.0", "2.0": "2.9.4" },
  puppet: { "2.3.0": "5.5.22" },
  "fluentd": { "2.4": "1.10.4" },
  minitest: { "2.2": "5.11.3" },
  "faraday": { "2.3": "0.17.6" },
  "mini_portile2": { "2.3.0": "2.4.0" },
};

const lastGem: Repair = (found) => {
  const { file, step } = found;
  if (step === null) return "the log does not show which step failed";
  let name: string | undefined;
  let version: string | undefined;
  for (const line of found.lines) {
    const printed = /The last version of ([\w.-]+) \(.*\) to support your Ruby & RubyGems was (\d[\d.]*\d)/
      .exec(line);
    if (printed !== null) {
      name = printed[1];
      version = printed[2];
    }
    const needs = /([\w.-]+) requires Ruby version (?:>= ?)?(\d+\.\d+(?:\.\d+)?)/.exec(line);
    if (needs !== null && version === undefined) {
      name = needs[1]!;
      version = LAST_GEMS[name]?.[needs[2]!.replace(/\.$/, "")];
    }
  }
  if (name === undefined || version === undefined || !VERSION.test(version)) {
    return "the last version for this Ruby is not known";
  }
  const isGem = (program: string) => /^gem(?:\d.*)?$|-gem$/.test(program);
  const install = runs(file, step).find(({ program, args }) =>
    isGem(program) && args.some(({ text }) => text === "install")
  );
  if (install === undefined) return "the failing step does not run gem install itself";
  const word = install.args.find(({ text }) => text === name);
  const names = install.args.slice(1).filter(({ text }) => /^[a-z][\w-]*$/.test(text));
  if (word !== undefined) {
    if (install.args.some(({ text }) => /^(?:-v|--version)/.test(text))) return "the gem is pinned already";
    // `-v` counts for every gem of the command; `name:version` for one.
    const text = names.length === 1 ? ` -v ${version}` : `:${version}`;
    return {
      changes: [{ start: word.end, end: word.end, text }],
      summary: `Install ${name} ${version}, the last for this Ruby`,
    };
  }
  return {
    changes: [
      insertCommand(
        found,
        `${install.sudo ? "sudo " : ""}${install.path} install ${name} -v ${version}`,
        install,
      ),
    ],
    summary: `Install ${name} ${version} first, the last for this Ruby`,
  };
};

/** Extensions of PHP that its image builds without another library. */
const PLAIN_EXTENSIONS = new Set(
  "bcmath calendar exif mysqli pcntl pdo_mysql shmop sockets sysvmsg sysvsem sysvshm".split(" "),
);

const phpExtension: Repair = (found) => {
  const { file, step, base } = found;
  if (step === null) return "the log does not show which step failed";
  const names = [
    ...new Set(
      found.lines.flatMap((line) =>
        /requires ext-([\w-]+)|requested PHP extension ([\w-]+) is missing/.exec(line)?.slice(1).find((
          each,
        ) => each !== undefined) ?? []
      ),
    ),
  ];
  if (names.length > 0) {
    if (parseImage(base?.resolved ?? base?.image ?? "").repository === "php") {
      if (!names.every((name) => PLAIN_EXTENSIONS.has(name))) {
        return `${names.join(", ")} needs more than the image has`;
      }
      return {
        changes: [insertBefore(file, step, asRoot(found, [`RUN docker-php-ext-install ${names.join(" ")}`]))],
        summary: `Install the extension ${names.join(", ")}`,
      };
    }
    const prefix = /\b(php\d\d?)-\w+/.exec(found.before.map(({ args }) => args).join(" "))?.[1];
    const install = found.before.filter((each) => each !== step).flatMap((each) => runs(file, each)).findLast(
      ({ program, args }) => program === "apk" && args.some(({ text }) => text.startsWith(`${prefix}-`)),
    );
    if (prefix === undefined || install === undefined) {
      return "where the image has its extensions from is not known";
    }
    const last = packageWords(install).findLast(({ text }) => text.startsWith(`${prefix}-`))!;
    return {
      changes: [{ start: last.end, end: last.end, text: names.map((name) => ` ${prefix}-${name}`).join("") }],
      summary: `Install the extension ${names.join(", ")}`,
    };
  }
  for (const line of found.lines) {
    const version =
      /requires php (?:>=|\^|~)? ?(\d\.\d)(?:\.\d+)?.* your (?:PHP|php) version \((\d\.\d)/.exec(line) ??
        /requires PHP \(version >= (\d\.\d)\.\d+\), installed version is (\d\.\d)/.exec(line);
    if (version === null || compareVersions(version[1]!, version[2]!) <= 0) continue;
    const wordpress = /^(wordpress:\S*php)(\d\.\d)(\S*)$/.exec(base?.image ?? "");
    if (wordpress !== null) return "which versions of WordPress come with that PHP is not known";
    const changes = moveBase(found, /^php$/, version[1]!);
    return typeof changes === "string"
      ? changes
      : { changes, summary: `Take the image of PHP ${version[1]}, which a package needs`, risk: "medium" };
  }
  return "the log does not name the extension or the version";
};

/** Lines of Node that NodeSource has for a release. */
const NODESOURCE: Readonly<Record<string, string>> = {
  stretch: "12",
  buster: "12",
  bionic: "12",
  focal: "12",
  bullseye: "18",
  jammy: "18",
  bookworm: "20",
  noble: "20",
};

const nodesource: Repair = ({ file, step, lines }) => {
  const suite = lines.map((line) => /Your distribution, identified as "(\w+)"/.exec(line)?.[1]).find((each) =>
    each !== undefined
  );
  const line = suite === undefined || !Object.hasOwn(NODESOURCE, suite) ? undefined : NODESOURCE[suite];
  if (step === null || line === undefined) return "which Node the release can have is not known";
  const places = [
    ...file.text.slice(step.start, step.end).matchAll(
      /(?<=nodesource\.com\/)setup(?:_\d+\.x|_dev|_iojs_\S+)?(?=[\s|'"]|$)/g,
    ),
  ];
  if (places.length === 0) return "the failing step does not name the set-up script itself";
  return {
    changes: places.map((match): Change => ({
      start: step.start + match.index,
      end: step.start + match.index + match[0].length,
      text: `setup_${line}.x`,
    })),
    summary: `Set up Node ${line}, which ${suite} can have`,
    risk: "medium",
  };
};

/** Packages that nothing has fetched: the sources are there, what they import is not. */
const goGet: Repair = (found) => {
  const { file, step, lines, context } = found;
  if (step === null) return "the log does not show which step failed";
  const missing = lines.flatMap((line) =>
    /: cannot find package "([\w-]+\.\w[^"]*)" in any of/.exec(line)?.[1] ?? []
  );
  const all = file.instructions.map(({ args }) => args).join("\n");
  if (
    missing.length === 0 ||
    /\bgo (?:get|mod)\b|\b(?:dep ensure|glide|govendor|godep|gb vendor|make)\b/.test(all)
  ) {
    return "the packages are fetched in another way";
  }
  if (
    context.view.paths.some((path) =>
      /(?:^|\/)(?:go\.mod|Gopkg\.(?:toml|lock)|glide\.yaml|vendor\/)/.test(path)
    )
  ) {
    return "the packages are listed in a file";
  }
  if (missing.some((name) => name.split("/").length < 3 || /\/v\d+(?:\/|$)/.test(name))) {
    return "a package has no address that go get takes";
  }
  const build = runs(file, step).find(({ program, args }) =>
    program === "go" && /^(?:build|install|test)$/.test(args[0]?.text ?? "")
  );
  if (build === undefined) return "the failing step does not run go build itself";
  return {
    changes: [insertCommand(found, "go get -d -v ./...", build)],
    summary: "Fetch what the sources import before they are built",
    risk: "medium",
  };
};

export const dockerNodeRubyRemedies: readonly Remedy[] = [
  dockerRemedy("docker/npm-cache-force", ["npm-cache-clean-force"], force),
  dockerRemedy("docker/npm-install", ["lockfile-missing", "lockfile-out-of-date"], withoutLock),
  dockerRemedy("docker/npm-global-force", ["npm-global-already-installed"], globalForce),
  dockerRemedy("docker/nodesource", ["nodesource-unsupported-distro"], nodesource, "medium"),
  dockerRemedy("docker/go-get", ["go-package-not-found"], goGet, "medium"),
  dockerRemedy("docker/legacy-peers", ["npm-peer-conflict"], peers, "medium"),
  dockerRemedy("docker/no-document", ["gem-option-removed"], noDocument),
  dockerRemedy("docker/bundler-version", ["bundler-version-mismatch"], bundlerVersion),
  dockerRemedy("docker/last-gem", ["gem-needs-newer-ruby"], lastGem),
  dockerRemedy("docker/php-extension", ["php-version-mismatch"], phpExtension),
];
