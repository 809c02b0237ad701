/**
 * A Dockerfile as instructions that know their place in the text, for edits that lose nothing: comments, blank
 * lines, continuations and line ends stay as they are. Understands heredocs, the escape directive, stages and
 * ARG defaults. What it cannot read it leaves alone; it never throws.
 */
export interface Instruction {
  /** In upper case. */
  keyword: string;
  /** Offsets in the file, without the last line's end. */
  start: number;
  end: number;
  /** Where the arguments begin, after flags such as `--mount`. */
  argsAt: number;
  /** Lines of the file, from 1. */
  line: number;
  lastLine: number;
  /** As it stands in the file. */
  raw: string;
  /** The arguments on one line, as the builder joins them: without continuations and comment lines. */
  args: string;
  /** Flags such as `--platform=linux/amd64`. */
  flags: readonly string[];
  /** Index of the build stage; -1 before the first FROM. */
  stage: number;
  /** `RUN ["a", "b"]`. */
  isExec: boolean;
  isHeredoc: boolean;
}

export interface Dockerfile {
  text: string;
  /** `\n` or `\r\n`, whichever the first line has. */
  newline: string;
  escape: string;
  instructions: readonly Instruction[];
}

/** A larger file is no Dockerfile for us, in UTF-16 units. */
export const DOCKERFILE_LENGTH_MAX = 512 * 1024;

export function parseDockerfile(text: string): Dockerfile {
  const newline = /\r?\n/.exec(text)?.[0] === "\r\n" ? "\r\n" : "\n";
  const file = { text, newline, escape: "\\", instructions: [] as Instruction[] };
  if (text.length > DOCKERFILE_LENGTH_MAX) return file;
  const directive = /^(?:#[ \t]*\w+[ \t]*=[^\n]*\n)*#[ \t]*escape[ \t]*=[ \t]*([\\`])/i.exec(text);
  file.escape = directive?.[1] ?? "\\";
  const lines = splitLines(text);
  const continues = file.escape === "`" ? /`[ \t]*\r?$/ : /\\[ \t]*\r?$/;
  let stage = -1;
  for (let at = 0; at < lines.length;) {
    const first = lines[at]!;
    const head = /^\s*([A-Za-z]+)(?=\s|$)/.exec(first.text);
    if (first.text.trim() === "" || /^\s*#/.test(first.text) || head === null) {
      at++;
      continue;
    }
    let last = at;
    let raw = first.text;
    while (continues.test(lines[last]!.text) && last + 1 < lines.length) {
      // Comment and empty lines inside a continued instruction do not end it.
      do last++; while (last + 1 < lines.length && /^\s*(?:#.*)?\r?$/.test(lines[last]!.text));
      raw = text.slice(first.start, lines[last]!.end);
    }
    const keyword = head[1]!.toUpperCase();
    const heredocs = ["RUN", "COPY", "ADD"].includes(keyword)
      ? [...raw.matchAll(/<<-?(["']?)([A-Za-z_]\w*)\1/g)].map((match) => match[2]!)
      : [];
    let isHeredoc = false;
    for (const name of heredocs) {
      const end = lines.findIndex(({ text }, index) =>
        index > last && text.replace(/^\t+|\r$/g, "") === name
      );
      if (end === -1) continue;
      last = end;
      isHeredoc = true;
    }
    if (keyword === "FROM") stage++;
    const start = first.start + first.text.length - first.text.trimStart().length;
    const end = lines[last]!.end - (text[lines[last]!.end - 1] === "\r" ? 1 : 0);
    raw = text.slice(start, end);
    const flags: string[] = [];
    let argsAt = start + head[1]!.length;
    const blank = new RegExp(`^(?:\\s|${file.escape === "`" ? "`" : "\\\\"}[ \\t]*\\r?\\n)+`);
    argsAt += blank.exec(text.slice(argsAt, end))?.[0].length ?? 0;
    for (;;) {
      const flag = /^--[a-z][\w-]*(?:=\S*)?/.exec(text.slice(argsAt, end))?.[0];
      if (flag === undefined) break;
      flags.push(flag);
      argsAt += flag.length;
      argsAt += blank.exec(text.slice(argsAt, end))?.[0].length ?? 0;
    }
    const args = joined(text.slice(argsAt, end), continues);
    file.instructions.push({
      keyword,
      start,
      end,
      argsAt,
      line: at + 1,
      lastLine: last + 1,
      raw,
      args,
      flags,
      stage,
      isExec: /^\[\s*"/.test(args),
      isHeredoc,
    });
    at = last + 1;
  }
  return file;
}

function splitLines(text: string) {
  const lines: { text: string; start: number; end: number }[] = [];
  for (let start = 0; start <= text.length;) {
    const found = text.indexOf("\n", start);
    const end = found === -1 ? text.length : found;
    lines.push({ text: text.slice(start, end), start, end });
    start = end + 1;
  }
  return lines;
}

function joined(raw: string, continues: RegExp): string {
  return raw.split("\n").filter((line, index) => index === 0 || !/^\s*(?:#.*)?\r?$/.test(line))
    .map((line) => line.replace(continues, "").replace(/\r$/, "")).join("").trim();
}

/** A change of the text between two offsets. */
export interface Change {
  start: number;
  end: number;
  text: string;
}

/** The text with all changes made; changes must not overlap. */
export function withChanges(text: string, changes: readonly Change[]): string {
  let result = text;
  for (const { start, end, text: value } of changes.toSorted((a, b) => b.start - a.start || b.end - a.end)) {
    result = result.slice(0, start) + value + result.slice(end);
  }
  return result;
}

/** New lines before an instruction, and before the comments that belong to it. */
export function insertBefore(file: Dockerfile, instruction: Instruction, lines: readonly string[]): Change {
  let at = file.text.lastIndexOf("\n", instruction.start - 1) + 1;
  for (;;) {
    const before = file.text.lastIndexOf("\n", at - 2) + 1;
    if (at === 0 || !/^[ \t]*#(?!\s*(?:syntax|escape|check)\s*=)/.test(file.text.slice(before, at))) break;
    at = before;
  }
  return { start: at, end: at, text: lines.map((line) => line + file.newline).join("") };
}

/** New lines after an instruction. */
export function insertAfter(file: Dockerfile, instruction: Instruction, lines: readonly string[]): Change {
  return {
    start: instruction.end,
    end: instruction.end,
    text: lines.map((line) => file.newline + line).join(""),
  };
}

export interface From {
  instruction: Instruction;
  /** As written, variables and all. */
  image: string;
  /** Offsets of the image in the file. */
  start: number;
  end: number;
  /** Name of the stage, in lower case. */
  name: string | null;
  /** With the defaults of ARG filled in; null when one has none. */
  resolved: string | null;
}

/** The FROM of each stage. */
export function stagesOf(file: Dockerfile): From[] {
  const defaults = globalArgs(file);
  return file.instructions.filter(({ keyword }) => keyword === "FROM").map((instruction) => {
    const match = /^(\S*)(?:\s+as\s+(\S+))?/i.exec(instruction.args);
    const image = match?.[1] ?? "";
    return {
      instruction,
      image,
      start: instruction.argsAt,
      end: instruction.argsAt + image.length,
      name: match?.[2]?.toLowerCase() ?? null,
      resolved: resolve(image, defaults),
    };
  });
}

/** The FROM that a stage builds on in the end, through the stages it is named after. */
export function baseOf(file: Dockerfile, stage: number): From | undefined {
  const stages = stagesOf(file);
  let from = stages[stage];
  for (let hops = 0; from !== undefined && hops < stages.length; hops++) {
    const earlier = stages.slice(0, stages.indexOf(from)).findLast(({ name }) =>
      name !== null && name === from!.image.toLowerCase()
    );
    if (earlier === undefined) return from;
    from = earlier;
  }
  return from;
}

/** ARG before the first FROM with their defaults; null for one without. */
export function globalArgs(file: Dockerfile): Map<string, string | null> {
  const args = new Map<string, string | null>();
  for (const { keyword, stage, args: text } of file.instructions) {
    if (keyword !== "ARG" || stage !== -1) continue;
    for (const { name, value } of parseArg(text)) args.set(name, value);
  }
  return args;
}

export function parseArg(text: string): { name: string; value: string | null }[] {
  return [...text.matchAll(/([A-Za-z_]\w*)(?:=("[^"]*"|'[^']*'|\S*))?(?:\s+|$)/g)].map((match) => ({
    name: match[1]!,
    value: match[2] === undefined ? null : match[2].replace(/^(["'])(.*)\1$/, "$2"),
  }));
}

/** Variables filled in; null when one has no value. */
export function resolve(text: string, values: ReadonlyMap<string, string | null>): string | null {
  let isKnown = true;
  const filled = text.replace(
    /\$(?:\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*))/g,
    (_, braced: string | undefined, otherwise: string | undefined, plain: string | undefined) => {
      const value = values.get(braced ?? plain ?? "") || otherwise;
      if (value === undefined || value === null || value === "") isKnown = false;
      return value ?? "";
    },
  );
  return isKnown && filled !== "" ? filled : null;
}

export interface ImageName {
  /** Registry and repository, such as `library` images' bare `python` or `ghcr.io/x/y`. */
  repository: string;
  tag: string | null;
  digest: string | null;
}

export function parseImage(image: string): ImageName {
  const [name = "", digest] = image.split("@");
  const colon = name.lastIndexOf(":");
  const hasTag = colon > name.lastIndexOf("/");
  return {
    repository: (hasTag ? name.slice(0, colon) : name).replace(/^(?:docker\.io\/)?library\//, ""),
    tag: hasTag ? name.slice(colon + 1) : null,
    digest: digest ?? null,
  };
}
