/**
 * Reads a Dockerfile as far as a diagnosis needs it: its instructions in order, the stages, build arguments and
 * what they stand for. Tolerates anything; a file that no builder would take still gives what can be read.
 */

/** Instructions kept of one file. */
const INSTRUCTIONS_MAX = 500;
/** UTF-16 units kept of one instruction. */
const INSTRUCTION_CHARS_MAX = 8000;
/** Substitutions made in one word, and how deep one argument may name another. */
const SUBSTITUTIONS_MAX = 20;

export interface Instruction {
  /** Upper case, such as `RUN`. */
  keyword: string;
  /** What follows the keyword, with continued lines joined by a blank. */
  text: string;
  /** Number of its first line, from 1. */
  line: number;
}

export interface Dockerfile {
  instructions: readonly Instruction[];
}

const CONTINUED = /\\[ \t]*$/;

export function parseDockerfile(text: string): Dockerfile {
  const instructions: Instruction[] = [];
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length && instructions.length < INSTRUCTIONS_MAX; at++) {
    const first = lines[at]!.trim();
    if (first === "" || first.startsWith("#")) continue;
    const line = at + 1;
    let joined = first;
    while (CONTINUED.test(joined) && at + 1 < lines.length) {
      at++;
      const next = lines[at]!.trim();
      joined = next.startsWith("#") || next === ""
        ? joined
        : `${joined.replace(CONTINUED, "").trimEnd()} ${next}`.slice(0, INSTRUCTION_CHARS_MAX);
    }
    const heredoc = /^(?:RUN|COPY|ADD)\b.*<<-?\s*["']?(\w+)["']?/i.exec(joined)?.[1];
    if (heredoc !== undefined) {
      const body: string[] = [];
      while (at + 1 < lines.length && lines[at + 1]!.trim() !== heredoc) body.push(lines[++at]!.trim());
      at++;
      joined = `${joined}\n${body.join("\n")}`.slice(0, INSTRUCTION_CHARS_MAX);
    }
    const [, keyword = "", rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(joined) ?? [];
    instructions.push({ keyword: keyword.toUpperCase(), text: rest.trim(), line });
  }
  return { instructions };
}

/** The build arguments and variables that hold at an instruction, with what they stand for; "" without a value. */
export function variablesAt(file: Dockerfile, index: number): Map<string, string> {
  const global = new Map<string, string>();
  let local = new Map<string, string>();
  let isInStage = false;
  for (const { keyword, text } of file.instructions.slice(0, index + 1)) {
    if (keyword === "FROM") {
      isInStage = true;
      local = new Map();
    } else if (keyword === "ARG") {
      for (const [name, value] of assignments(text)) {
        const known = isInStage ? local : global;
        known.set(name, value === undefined ? global.get(name) ?? "" : substitute(value, known));
      }
    } else if (keyword === "ENV") {
      const spaced = /^(\w+)\s+([^=].*)$/.exec(text);
      const pairs = spaced === null ? assignments(text) : [[spaced[1]!, spaced[2]!] as const];
      for (const [name, value] of pairs) local.set(name, substitute(value ?? "", local));
    }
  }
  return isInStage ? local : global;
}

function assignments(text: string): (readonly [string, string | undefined])[] {
  return [...text.matchAll(/(?:^|\s)([A-Za-z_]\w*)(?:=("[^"]*"|'[^']*'|\S*))?/g)]
    .map((found) => [found[1]!, found[2]?.replace(/^["']|["']$/g, "")] as const);
}

/** Replaces `$NAME`, `${NAME}` and `${NAME:-default}`; what is not known becomes empty. */
export function substitute(word: string, values: ReadonlyMap<string, string>): string {
  let left = SUBSTITUTIONS_MAX;
  return word.replace(/\$\{(\w+)(?::?-([^}]*))?[^}]*\}|\$(\w+)/g, (all, braced, otherwise, plain) => {
    if (left-- <= 0) return all;
    return values.get(braced ?? plain) || otherwise || "";
  });
}

/** The image that the stage of an instruction starts from, an earlier stage's name followed to its own image. */
export function baseImageAt(file: Dockerfile, index: number): string | undefined {
  const froms = file.instructions.map((each, at) => ({ ...each, at })).filter(({ keyword, at }) =>
    keyword === "FROM" && at <= index
  );
  const global = new Map<string, string>();
  for (const { keyword, text } of file.instructions) {
    if (keyword === "FROM") break;
    if (keyword !== "ARG") continue;
    for (const [name, value] of assignments(text)) global.set(name, substitute(value ?? "", global));
  }
  let current = froms.at(-1);
  for (let depth = 0; current !== undefined && depth < SUBSTITUTIONS_MAX; depth++) {
    const words = substitute(current.text, global).split(/\s+/).filter((word) => !word.startsWith("--"));
    const image = words[0] ?? "";
    const before = current.at;
    const alias = froms.findLast(({ at, text }) =>
      at < before && new RegExp(`\\sas\\s+${escape(image)}\\s*$`, "i").test(text)
    );
    if (alias === undefined) return image;
    current = alias;
  }
  return undefined;
}

const escape = (text: string) => text.replace(/[^\w]/g, "\\$&");
