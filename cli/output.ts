/**
 * How text and JSON reach a person or a program. Colour only on a terminal and without NO_COLOR; whatever came
 * from outside passes `safe` before it is printed, so that a log line cannot move the cursor or hide itself.
 */
import { styleText } from "node:util";
import { mapStrings } from "../base/json.ts";
import { sanitizeLine } from "../text/sanitize.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Characters of one untrusted value that are shown at most. */
export const SHOWN_CHARACTERS_MAX = 500;
/** Characters of a text that says what to do or why: it is wrapped, for what is cut in its middle helps nobody. */
const WHOLE_CHARACTERS_MAX = 8000;
/** Columns of text for people where the terminal does not say. */
export const COLUMNS_DEFAULT = 100;
/** No column of a table is squeezed under this width. */
const COLUMN_WIDTH_MIN = 16;

export interface Painter {
  /** True when styles have an effect. */
  readonly isColoured: boolean;
  paint(style: Style, text: string): string;
}

/**
 * @param options.isTerminal @default whether standard output is one
 * @param options.noColor @default whether NO_COLOR is set to anything, as no-color.org asks
 */
export function createPainter(options: { isTerminal?: boolean; noColor?: boolean } = {}): Painter {
  const isTerminal = options.isTerminal ?? Deno.stdout.isTerminal();
  const noColor = options.noColor ?? (Deno.env.get("NO_COLOR") ?? "") !== "";
  const isColoured = isTerminal && !noColor;
  return {
    isColoured,
    paint: (style, text) => isColoured ? styleText(style, text, { validateStream: false }) : text,
  };
}

/** A line of a log. A file on a full disk, or a reader who has gone, takes none, and ends nothing that goes on. */
export function printOn(where: "stdout" | "stderr", line: string): void {
  try {
    if (where === "stdout") console.log(line);
    else console.error(line);
  } catch {
    // Nobody is left to be told.
  }
}

/** One line of text from outside, harmless to print and of bounded length. */
export function safe(text: string, charactersMax = SHOWN_CHARACTERS_MAX): string {
  return sanitizeLine(text, charactersMax);
}

/** Like `safe`, for a text that has to be read whole and is wrapped. */
export function whole(text: string): string {
  return safe(text, WHOLE_CHARACTERS_MAX);
}

/** Columns of the terminal, or COLUMNS_DEFAULT. */
export function terminalColumns(): number {
  try {
    return Math.max(40, Deno.consoleSize().columns);
  } catch {
    return COLUMNS_DEFAULT;
  }
}

/** Columns that a text takes: styles take none, a code point takes one. */
export function widthOf(text: string): number {
  // deno-lint-ignore no-control-regex -- our own styles are escape sequences
  return [...text.replace(/\x1b\[[0-9;]*m/g, "")].length;
}

/**
 * Breaks text at spaces; a longer word keeps a line of its own.
 * @param columns width of the result, the indent included
 * @param indent spaces before each line
 */
export function wrap(text: string, columns: number, indent = 0): string {
  const room = Math.max(1, columns - indent);
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    // Leading spaces mean something: a diff is shown through here.
    let line: string | undefined;
    for (const word of paragraph.split(" ")) {
      if (line !== undefined && line.trim() !== "" && widthOf(line) + 1 + widthOf(word) > room) {
        lines.push(line);
        line = word;
      } else {
        line = line === undefined ? word : `${line} ${word}`;
      }
    }
    lines.push(line ?? "");
  }
  return lines.map((line) => line === "" ? "" : " ".repeat(indent) + line).join("\n");
}

/**
 * Rows with their columns aligned, two spaces between; the last column is wrapped to the width that is left.
 * @param options.columns width of the whole @default the terminal's
 * @param options.indent spaces before each row @default 0
 */
export function table(
  rows: readonly (readonly string[])[],
  options: { columns?: number; indent?: number } = {},
): string {
  const indent = options.indent ?? 0;
  const columns = options.columns ?? terminalColumns();
  const last = Math.max(0, ...rows.map((row) => row.length - 1));
  const widths = Array.from(
    { length: last },
    (_, at) => Math.max(0, ...rows.map((row) => widthOf(row[at] ?? ""))),
  );
  const before = indent + widths.reduce((sum, width) => sum + width + 2, 0);
  return rows.map((row) => {
    const cells = widths.map((width, at) => pad(row[at] ?? "", width) + "  ");
    const tail = wrap(row[last] ?? "", Math.max(columns - before, COLUMN_WIDTH_MIN));
    return (" ".repeat(indent) + cells.join("") + tail.replaceAll("\n", "\n" + " ".repeat(before))).trimEnd();
  }).join("\n");
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** Controls but the line ends that the layout is made of, direction and other invisible characters. */
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;

/**
 * JSON for programs, one document. Control and direction characters are written as escapes: the value is the
 * same and a terminal that shows it stays as it was.
 */
export function toJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(
    UNSEEN,
    (character) =>
      character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}

/**
 * Prints one JSON document on standard output.
 * @param redact takes secrets out of each string @default nothing is taken out
 */
export function printJson(value: unknown, redact?: (text: string) => string): void {
  // What was written as JSON a moment ago is JSON.
  console.log(toJson(redact === undefined ? value : mapStrings(JSON.parse(JSON.stringify(value)), redact)));
}
