/** Repairs of Dockerfiles in which npm or the set-up of Node fails. */
import type { Change } from "../../code/dockerfile.ts";
import { subcommandOf } from "../../code/shell_words.ts";
import { dockerRemedy, runs } from "../docker_case.ts";
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

export const dockerNpmRemedies: readonly Remedy[] = [
  dockerRemedy("docker/npm-cache-force", ["npm-cache-clean-force"], force),
  dockerRemedy("docker/npm-install", ["lockfile-missing", "lockfile-out-of-date"], withoutLock),
  dockerRemedy("docker/npm-global-force", ["npm-global-already-installed"], globalForce),
  dockerRemedy("docker/nodesource", ["nodesource-unsupported-distro"], nodesource, "medium"),
  dockerRemedy("docker/legacy-peers", ["npm-peer-conflict"], peers, "medium"),
];
