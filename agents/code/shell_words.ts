/**
 * Reads the shell text of a RUN instruction as simple commands whose words know their offsets, so that a repair
 * can change one word and leave everything else as it was written. It is no shell: quotes, continuations,
 * comment lines and separators are understood, substitutions stay inside their word. Nothing is executed.
 */
export interface Word {
  /** Without its quotes. */
  text: string;
  /** Offsets in the text that was read, quotes included. */
  start: number;
  end: number;
}

export interface ShellCommand {
  words: readonly Word[];
  /** What stands before it: `""`, `&&`, `||`, `;`, `|` or `(`. */
  separator: string;
  /** From its first word to the end of its last. */
  start: number;
  end: number;
}

/** Longer texts are read up to here, in UTF-16 units. */
const TEXT_LENGTH_MAX = 64 * 1024;
const KEYWORDS = new Set(["if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "exec"]);

/**
 * The simple commands of a shell text, in order.
 * @param from offset to begin at
 * @param escape the Dockerfile's continuation character @default "\\"
 */
export function shellCommands(text: string, from = 0, escape = "\\"): ShellCommand[] {
  const commands: ShellCommand[] = [];
  const length = Math.min(text.length, TEXT_LENGTH_MAX);
  let words: Word[] = [];
  let separator = "";
  let wordStart = -1;
  let word = "";
  const endWord = (end: number) => {
    // A word does not end in the break after it.
    const trailing =
      /(?:[\\`][ \t]*\r?\n(?:[ \t]*#[^\n]*\n)*)+$/.exec(text.slice(Math.max(0, wordStart), end))?.[0]
        .length ?? 0;
    if (wordStart >= 0) words.push({ text: word, start: wordStart, end: end - trailing });
    wordStart = -1;
    word = "";
  };
  const endCommand = (next: string) => {
    while (words.length > 0 && KEYWORDS.has(words[0]!.text)) words.shift();
    if (words.length > 0) {
      commands.push({ words, separator, start: words[0]!.start, end: words.at(-1)!.end });
    }
    words = [];
    separator = next;
  };
  const take = (until: number, value: string, at: number) => {
    if (wordStart < 0) wordStart = at;
    word += value;
    return until;
  };
  for (let at = from; at < length;) {
    const char = text[at]!;
    const afterContinuation = char === escape || char === "\\" ? continuationEnd(text, at) : -1;
    if (afterContinuation > 0) {
      // The builder takes the break out: what stands right before and after it is one word.
      at = afterContinuation;
    } else if (char === " " || char === "\t" || char === "\r") {
      endWord(at);
      at++;
    } else if (char === "'" || char === '"') {
      const end = quoteEnd(text, at);
      at = take(end, text.slice(at + 1, end - 1), at);
    } else if (char === "\\") {
      at = take(at + 2, text[at + 1] ?? "", at);
    } else if (char === "`" || (char === "$" && (text[at + 1] === "(" || text[at + 1] === "{"))) {
      const end = substitutionEnd(text, at);
      at = take(end, text.slice(at, end), at);
    } else if (char === "&" && (text[at - 1] === ">" || text[at + 1] === ">")) {
      at = take(at + 1, char, at);
    } else if (
      char === "&" || char === "|" || char === ";" || char === "\n" || char === "(" || char === ")"
    ) {
      endWord(at);
      const double = (char === "&" || char === "|" || char === ";") && text[at + 1] === char;
      endCommand(char === "\n" ? ";" : double ? char + char : char);
      at += double ? 2 : 1;
    } else {
      at = take(at + 1, char, at);
    }
  }
  endWord(length);
  endCommand("");
  return commands;
}

/** Past `\`, blanks, the newline and comment lines after it; -1 when no continuation begins at `at`. */
function continuationEnd(text: string, at: number): number {
  const rest = /^.[ \t]*\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*(?:[ \t]*#[^\n]*\n)*/s.exec(
    text.slice(at, at + 8192),
  );
  // The pattern's `.` is the escape character itself.
  return rest === null ? -1 : at + rest[0].length;
}

function quoteEnd(text: string, at: number): number {
  const quote = text[at];
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === "\\" && quote === '"') end++;
    else if (text[end] === quote) return end + 1;
  }
  return text.length;
}

function substitutionEnd(text: string, at: number): number {
  if (text[at] === "`") {
    const end = text.indexOf("`", at + 1);
    return end === -1 ? text.length : end + 1;
  }
  const open = text[at + 1];
  const close = open === "(" ? ")" : "}";
  let depth = 0;
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === open) depth++;
    else if (text[end] === close && --depth === 0) return end + 1;
  }
  return text.length;
}

export interface Invocation {
  command: ShellCommand;
  /** Index of the program's word, after assignments, `sudo` and `env`. */
  at: number;
  /** The program's name without its folder. */
  program: string;
  /** The word as written. */
  path: string;
  /** The words after the program. */
  args: readonly Word[];
  sudo: boolean;
}

/** Which program a simple command runs; undefined for a bare assignment. */
export function invocationOf(command: ShellCommand): Invocation | undefined {
  const { words } = command;
  let at = 0;
  let sudo = false;
  for (; at < words.length; at++) {
    const { text } = words[at]!;
    if (text === "sudo" || text === "env") {
      sudo ||= text === "sudo";
      while (/^-[EHn]+$/.test(words[at + 1]?.text ?? "")) at++;
    } else if (!/^[A-Za-z_]\w*=/.test(text)) break;
  }
  const word = words[at];
  if (word === undefined) return undefined;
  return {
    command,
    at,
    program: word.text.split("/").at(-1) ?? word.text,
    path: word.text,
    args: words.slice(at + 1),
    sudo,
  };
}

/** Every invocation in a shell text, in order. */
export function invocationsIn(text: string, from = 0, escape = "\\"): Invocation[] {
  return shellCommands(text, from, escape).flatMap((command) => invocationOf(command) ?? []);
}

/** The first argument that is no option, such as `install`. */
export function subcommandOf({ args }: Invocation): Word | undefined {
  return args.find(({ text }, index) =>
    !text.startsWith("-") && !/^-(?:o|c|t)$/.test(args[index - 1]?.text ?? "")
  );
}
