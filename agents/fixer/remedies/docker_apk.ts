/** Repairs of Dockerfiles in which apk fails: names and versions that the release does not have. */
import type { Change } from "../../code/dockerfile.ts";
import { subcommandOf } from "../../code/shell_words.ts";
import { dockerRemedy, releaseOf, runs } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import { laterPackages, packageWords, removeWord } from "../docker_packages.ts";
import type { Remedy } from "../remedy.ts";
import { APK_NAMES } from "../tables/apk_names.ts";

/** Package words of every `apk add` in the failing step. */
function added({ file, step }: DockerCase) {
  if (step === null) return [];
  return runs(file, step).filter((each) => each.program === "apk" && subcommandOf(each)?.text === "add")
    .flatMap((each) => packageWords(each));
}

/** The newest PHP of a release. */
function phpOf(release: number): string | undefined {
  return release < 3.05
    ? undefined
    : release <= 3.15
    ? "php7"
    : release <= 3.17
    ? "php81"
    : release <= 3.18
    ? "php82"
    : release <= 3.2
    ? "php83"
    : release <= 3.22
    ? "php84"
    : undefined;
}

/** @param release with two digits after the point, such as 3.12; null when not known */
function apkName(name: string, release: number | null): string | undefined {
  const known = Object.hasOwn(APK_NAMES, name) ? APK_NAMES[name] : undefined;
  if (known !== undefined && known.to !== name && (release === null || release >= known.since)) {
    return known.to;
  }
  const python = /^(?:py|py2|python2?)-(.+)$/.exec(name)?.[1];
  if (python !== undefined && (release === null || release >= 3.12)) {
    if (python === "numpy-dev") return "py3-numpy-dev";
    return `py3-${python}`;
  }
  const php = /^php(?:[578]\d?)?(-.+)?$/.exec(name);
  if (php !== null && release !== null) {
    const version = phpOf(release);
    const part = php[1] ?? "";
    if (version === undefined || version === name.split("-")[0]) {
      return part === "-mcrypt" && version !== undefined ? `${version}-pecl-mcrypt` : undefined;
    }
    return part === "-mcrypt"
      ? `${version}-pecl-mcrypt`
      : part === "-mysql"
      ? `${version}-mysqli`
      : `${version}${part}`;
  }
  return undefined;
}

const rename: Repair = (found) => {
  const missing = [
    ...new Set(
      found.lines.flatMap((line) => /^\s+([\w.+-]+) \((?:missing|no such package)\):/.exec(line)?.[1] ?? []),
    ),
  ];
  if (missing.length === 0) return "the log does not name the package";
  const words = added(found);
  const release = releaseOf(found) ?? (/:(?:latest)?$|^[^:]+$/.test(found.base?.image ?? "") ? null : 0);
  const present = new Set(words.map(({ text }) => text));
  const changes: Change[] = [];
  const said: string[] = [];
  for (const name of missing) {
    const to = apkName(name, release === 0 ? null : release);
    if (to === undefined) return `no other name of ${name} is known`;
    const places = words.filter(({ text }) => text.split(/[=~<>@]/)[0] === name);
    const inVariables = places.length > 0 ? [] : variablePlaces(found, name);
    if (places.length + inVariables.length === 0) return `${name} is not named in the failing step`;
    for (const word of [...places, ...inVariables]) {
      changes.push(
        present.has(to) && places.length > 0
          ? removeWord(found.file.text, word)
          : { start: word.start, end: word.end, text: to },
      );
    }
    present.add(to);
    said.push(`${name} as ${to}`);
  }
  // Later installs of the stage that name the same, or more of the Python that is gone, fail the same way.
  const isPython = missing.some((name) => /^(?:python|py2?-)/.test(name));
  for (const word of laterPackages(found, ["apk"])) {
    const name = word.text.split(/[=~<>@]/)[0]!;
    if (!missing.includes(name) && !(isPython && /^(?:python-dev|py2-\w+)$/.test(name))) continue;
    const to = apkName(name, release === 0 ? null : release);
    if (to !== undefined) changes.push({ start: word.start, end: word.end, text: to });
  }
  return { changes, summary: `Install ${said.join(", ")}: the release has no other` };
};

function variablePlaces({ file, step, before }: DockerCase, name: string): { start: number; end: number }[] {
  if (step === null || !step.args.includes("$")) return [];
  return before.filter(({ keyword }) => keyword === "ENV" || keyword === "ARG").flatMap((instruction) =>
    [
      ...file.text.slice(instruction.argsAt, instruction.end).matchAll(
        new RegExp(`(?<=[\\s="'])${RegExp.escape(name)}(?=[\\s"'\\\\]|$)`, "g"),
      ),
    ]
      .map((match) => ({
        start: instruction.argsAt + match.index,
        end: instruction.argsAt + match.index + name.length,
      }))
  );
}

const unpin: Repair = (found) => {
  const names = new Set(
    found.lines.flatMap((line) =>
      [...line.matchAll(/breaks: world\[([\w.+-]+?)[=<>~]/g)].map((match) => match[1]!)
    ),
  );
  if (names.size === 0) return "the log does not name a pinned package";
  const changes = added(found).flatMap((word): Change[] => {
    const raw = found.file.text.slice(word.start, word.end);
    const pin = /^(["']?)([\w.+-]+)[=<>~]+[^"']*(["']?)$/.exec(raw);
    if (pin === null || !names.has(pin[2]!)) return [];
    return [{ start: word.start, end: word.end, text: pin[2]! }];
  });
  const inVariables = changes.length > 0
    ? []
    : [...names].flatMap((name): Change[] =>
      found.before.filter(({ keyword }) => keyword === "ENV" || keyword === "ARG").flatMap((instruction) =>
        [
          ...found.file.text.slice(instruction.argsAt, instruction.end).matchAll(
            new RegExp(`(?<=[\\s="'])${RegExp.escape(name)}[=<>~]+[^\\s"'\\\\]+`, "g"),
          ),
        ]
          .map((match) => ({
            start: instruction.argsAt + match.index + name.length,
            end: instruction.argsAt + match.index + match[0].length,
            text: "",
          }))
      )
    );
  const all = [...changes, ...inVariables];
  if (all.length === 0) return `the version of ${[...names].join(", ")} is not pinned in the failing step`;
  return { changes: all, summary: `Take the version that the release has of ${[...names].join(", ")}` };
};

export const dockerApkRemedies: readonly Remedy[] = [
  dockerRemedy("docker/apk-rename", ["apk-package-not-found"], rename, "medium"),
  dockerRemedy("docker/apk-unpin", ["apk-version-conflict"], unpin),
];
