/** Repairs of Dockerfiles in which gem, bundler or composer fails. */
import { insertBefore, parseImage } from "../../code/dockerfile.ts";
import type { Change } from "../../code/dockerfile.ts";
import { compareVersions, moveBase } from "../base_image.ts";
import { asRoot, dockerRemedy, insertCommand, runs } from "../docker_case.ts";
import type { Repair } from "../docker_case.ts";
import { packageWords } from "../docker_packages.ts";
import type { Remedy } from "../remedy.ts";

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

export const dockerRubyRemedies: readonly Remedy[] = [
  dockerRemedy("docker/no-document", ["gem-option-removed"], noDocument),
  dockerRemedy("docker/bundler-version", ["bundler-version-mismatch"], bundlerVersion),
  dockerRemedy("docker/last-gem", ["gem-needs-newer-ruby"], lastGem),
  dockerRemedy("docker/php-extension", ["php-version-mismatch"], phpExtension),
];
