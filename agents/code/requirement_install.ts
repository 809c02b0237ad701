/**
 * The command of a build that installs a requirements file with pip, read well enough to write beside it one that
 * only makes the wheels. What pip is told beyond that is known word by word, or the command is not understood.
 */
import { invocationsIn } from "./shell_words.ts";
import type { Invocation, Word } from "./shell_words.ts";

export interface RequirementInstall {
  /** Offsets of the simple command in the text. */
  start: number;
  end: number;
  /** The requirements file, as written. */
  file: string;
  /** The same command for another file. @param options more words, such as `--find-links wheels` */
  install(file: string, options?: string): string;
  /** Makes the wheels of a file and installs nothing. @param options such as `-w wheels` */
  wheels(file: string, options: string): string;
}

/** What both subcommands take. */
const PLAIN =
  /^(?:-q+|-v+|--quiet|--verbose|--pre|--prefer-binary|--no-input|--no-color|--no-cache-dir|--isolated|--use-pep517|--no-build-isolation|--require-virtualenv|--disable-pip-version-check|--no-index|--no-clean)$/;
const WITH_VALUE =
  /^(?:-i|-f|-c|--index-url|--extra-index-url|--find-links|--constraint|--trusted-host|--timeout|--default-timeout|--retries|--cache-dir|--progress-bar|--only-binary|--no-binary|--cert|--proxy|--log|--exists-action)$/;
/** What only an install takes. */
const INSTALL_PLAIN =
  /^(?:-U|-I|--upgrade|--user|--force-reinstall|--ignore-installed|--no-warn-script-location|--no-warn-conflicts|--compile|--no-compile|--break-system-packages|--root-user-action=\w+)$/;
const INSTALL_WITH_VALUE = /^(?:-t|--target|--prefix|--root|--upgrade-strategy|--root-user-action)$/;

/**
 * @param from offset to begin at
 * @returns the first install of a requirements file, or why there is none that is understood
 */
export function requirementInstall(text: string, from = 0, escape = "\\"): RequirementInstall | string {
  const found = invocationsIn(text, from, escape).flatMap((invocation) => argumentsOf(invocation) ?? []);
  const [first] = found;
  if (first === undefined) return "no requirements file is installed with pip";
  const { invocation, subcommand, rest } = first;
  const { start, end } = invocation.command;
  const shared: string[] = [];
  let file: Word | undefined;
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]!;
    const [name = ""] = word.text.split("=");
    const isJoined = word.text.includes("=");
    const raw = text.slice(word.start, word.end);
    const value = rest[at + 1];
    if (isRequirement(word)) {
      if (file !== undefined) return "several requirements files are installed at once";
      file = isJoined || /^-r./.test(word.text) ? word : value;
      if (file !== word) at++;
    } else if (PLAIN.test(word.text) || (WITH_VALUE.test(name) && isJoined)) shared.push(raw);
    else if (WITH_VALUE.test(word.text) && value !== undefined) {
      shared.push(raw, text.slice(value.start, value.end));
      at++;
    } else if (INSTALL_WITH_VALUE.test(word.text)) at++;
    else if (!INSTALL_PLAIN.test(word.text) && !(INSTALL_WITH_VALUE.test(name) && isJoined)) {
      return `pip is told ${word.text.slice(0, 60)} besides the requirements file`;
    }
  }
  if (file === undefined) return "no requirements file is installed with pip";
  const named = /^(?:--requirement=|-r)?(.*)$/s.exec(file.text)?.[1] ?? "";
  const lead = file.text.slice(0, file.text.length - named.length);
  const place = { start: file.start, end: file.end };
  return {
    start,
    end,
    file: named,
    install: (other, options = "") =>
      text.slice(start, subcommand.end) + (options === "" ? "" : ` ${options}`) +
      text.slice(subcommand.end, place.start) + lead + other + text.slice(place.end, end),
    wheels: (other, options) =>
      [`${text.slice(start, subcommand.start)}wheel`, options, ...shared, "-r", other].join(" "),
  };
}

const isRequirement = ({ text }: Word) => /^(?:-r.*|--requirement(?:=.*)?)$/s.test(text);

/** The words after `install`, where this is a pip that installs a requirements file. */
function argumentsOf(
  invocation: Invocation,
): { invocation: Invocation; subcommand: Word; rest: readonly Word[] } | undefined {
  const { program, args } = invocation;
  const isModule = /^python[\d.]*$/.test(program) && args[0]?.text === "-m" && args[1]?.text === "pip";
  if (!isModule && !/^pip[\d.]*$/.test(program)) return undefined;
  const at = args.findIndex(({ text }) => text === "install");
  const rest = args.slice(at + 1);
  return at === -1 || !rest.some(isRequirement) ? undefined : { invocation, subcommand: args[at]!, rest };
}
