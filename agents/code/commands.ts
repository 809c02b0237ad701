/**
 * Reads the build and start commands of a service well enough to find what they run, where and on which files.
 * It is no shell: quotes, `cd`, `&&`, `;` and variable assignments are understood, everything else is left as
 * words. Nothing is ever executed.
 */
export interface Segment {
  /** The words of one simple command, quotes removed. */
  words: string[];
  /** Where it runs, relative to the service's root directory; "" is the root itself. */
  directory: string;
  /** Offsets of the simple command in the text it came from. */
  start: number;
  end: number;
}

/** Longer commands are read up to here, in UTF-16 units. */
const COMMAND_LENGTH_MAX = 10_000;

/** The simple commands of a command line, in order. */
export function segmentsOf(command: string): Segment[] {
  const text = command.slice(0, COMMAND_LENGTH_MAX);
  const segments: Segment[] = [];
  let directory = "";
  let start = 0;
  const finish = (end: number) => {
    const raw = text.slice(start, end);
    const words = wordsOf(raw);
    const lead = raw.length - raw.trimStart().length;
    if (words.length > 0) {
      segments.push({ words, directory, start: start + lead, end: start + raw.trimEnd().length });
    }
    if (words[0] === "cd" && words[1] !== undefined) directory = joinPath(directory, words[1]);
  };
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === "'" || char === '"') quote = char;
    else if (char === ";" || char === "\n" || char === "&" || char === "|") {
      finish(at);
      start = at + 1;
    }
  }
  finish(text.length);
  return segments;
}

/** Splits on blanks outside quotes and drops the quotes. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (const char of text) {
    if (quote !== "") {
      if (char === quote) quote = "";
      else word = (word ?? "") + char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** What runs other programs without being the program that matters. */
const WRAPPERS = new Set(["exec", "env", "nohup", "time", "npx", "bunx", "dumb-init", "tini", "--"]);
const RUNNERS = new Set(["poetry", "uv", "pipenv", "pdm", "hatch"]);

/** The words of a simple command without assignments and wrappers, so that the program comes first. */
export function programWords(words: readonly string[]): string[] {
  let rest = [...words];
  for (let turn = 0; turn < 8 && rest.length > 0; turn++) {
    const [first, second] = rest;
    if (first === undefined) break;
    if (/^[A-Za-z_][A-Za-z0-9_]*=/.test(first) || WRAPPERS.has(first)) rest = rest.slice(1);
    else if (RUNNERS.has(first) && second === "run") rest = rest.slice(2);
    else if (/^(?:.*\/)?python[\d.]*$/.test(first) && second === "-m") rest = rest.slice(2);
    else break;
  }
  return rest;
}

/** The last simple command that is no `cd` or `export`: the one that keeps running. */
export function mainSegment(command: string): Segment | undefined {
  return segmentsOf(command).findLast((segment) =>
    !["cd", "export", "set", "source", "."].includes(segment.words[0] ?? "")
  );
}

/** The module that a command runs with `python -m`, and where; a server that takes a module is none. */
export function startedModule(
  command: string,
): { module: string; directory: string; word: string } | undefined {
  const segment = mainSegment(command);
  const at = segment?.words.findIndex((word) => /^(?:.*\/)?python[\d.]*$/.test(word)) ?? -1;
  const [flag, word] = segment?.words.slice(at + 1).filter((each) => !/^-[uBOEIs]+$/.test(each)) ?? [];
  if (segment === undefined || at === -1 || flag !== "-m" || word === undefined) return undefined;
  return { module: word, directory: segment.directory, word };
}

/** Joins paths of a repository, resolving `.` and `..`; never leaves the repository. */
export function joinPath(...parts: string[]): string {
  const result: string[] = [];
  for (const part of parts.join("/").split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") result.pop();
    else result.push(part);
  }
  return result.join("/");
}

/** The requirements files that a build command installs, relative to the repository. */
export function requirementFilesOf(buildCommand: string, rootDir: string): string[] {
  const files: string[] = [];
  for (const { words, directory } of segmentsOf(buildCommand)) {
    if (!words.some((word) => /^(?:.*\/)?(?:pip[\d.]*|uv)$/.test(word))) continue;
    for (let at = 0; at < words.length; at++) {
      const word = words[at]!;
      const next = words[at + 1];
      if ((word === "-r" || word === "--requirement") && next !== undefined) {
        if (next.startsWith("/dev/")) continue;
        files.push(joinPath(rootDir, directory, next));
      } else if (word.startsWith("--requirement=")) {
        files.push(joinPath(rootDir, directory, word.slice("--requirement=".length)));
      } else if (/^-r./.test(word)) files.push(joinPath(rootDir, directory, word.slice(2)));
    }
  }
  return [...new Set(files)];
}
