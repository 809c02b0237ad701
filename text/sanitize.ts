/**
 * Turns text that someone else wrote into text that is safe to parse, to store and to print. Terminal escapes
 * are gone, what a carriage return or a backspace overwrote is gone as on a terminal, no control, bidi or
 * invisible character is left, and size, line count and line length have a ceiling. Every step runs in time
 * linear in its input. What is left is still not to be believed, and secrets are redacted elsewhere.
 */

export interface SanitizeLimits {
  /** UTF-16 code units kept of the whole text, so at most three times as many bytes. @default LOG_CHARS_MAX */
  charsMax?: number;
  /** Lines kept. @default LOG_LINES_MAX */
  linesMax?: number;
  /** UTF-16 code units kept of a line. @default LOG_LINE_CHARS_MAX */
  lineCharsMax?: number;
}

export const LOG_CHARS_MAX = 2 * 1024 * 1024;
export const LOG_LINES_MAX = 20_000;
export const LOG_LINE_CHARS_MAX = 4000;
/** What `sanitizeLine` keeps: enough for one line of evidence. */
export const LINE_CHARS_MAX = 500;

/** Of what is too long, this share is kept from its beginning and the rest from its end, where errors are. */
const LOG_HEAD_SHARE = 0.25;
const LINE_HEAD_SHARE = 0.75;
/** A cut moves at most this far to fall between words, so that no half of a secret stays, unknown to a redactor. */
const CUT_SLACK_CHARS = 256;

/** A line without a match needs no work. */
const UNUSUAL = /[^\x20-\x7e\t]/;
/**
 * Escape sequences by ECMA-48 form: strings (OSC, DCS, SOS, PM, APC) with their terminator, CSI, other escapes,
 * and the bytes that stand in for erasures below. A string without a terminator loses its introducer only,
 * or one byte could hide the rest of a line. No class overlaps what follows it, which keeps this linear.
 */
const ESCAPE =
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)|(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~]?)|\x1b[ -/]*[0-~]?|[\x00\x01]/g;
// deno-lint-ignore no-control-regex -- control characters are what is looked for
const OVERWRITES = /[\r\b\x00\x01]/;
/** Vertical space that some programs take for the end of a line. */
const SEPARATORS = /[\v\f\u2028\u2029]/g;
/** Controls but tab and newline, bidi and other format characters, fillers, variation selectors, lone surrogates. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

const ERASE_TO_END = "\x00";
const ERASE_LINE = "\x01";

/**
 * Cleans a log of any size. The middle of what is too large is replaced by a line that says how much is
 * missing: `[... 12345 characters]`, `[... 678 lines]`.
 */
export function sanitizeLog(raw: string, limits: SanitizeLimits = {}): string {
  const lineCharsMax = limits.lineCharsMax ?? LOG_LINE_CHARS_MAX;
  const text = cutMiddle(raw, limits.charsMax ?? LOG_CHARS_MAX, LOG_HEAD_SHARE, "\n");
  const lines = cutLines(text.split("\n"), limits.linesMax ?? LOG_LINES_MAX);
  return lines.map((line) => cutMiddle(cleanLine(line), lineCharsMax, LINE_HEAD_SHARE, " ")).join("\n");
}

/**
 * Cleans text that must fit on one line, such as an evidence line or the message of someone else's error.
 * Redact before you shorten, `sanitizeLine(redact(sanitizeLog(raw)))`, so that no secret is cut in two.
 * @param charsMax UTF-16 code units kept @default LINE_CHARS_MAX
 */
export function sanitizeLine(text: string, charsMax: number = LINE_CHARS_MAX): string {
  const clean = sanitizeLog(text, { linesMax: LOG_LINES_MAX, lineCharsMax: LOG_LINE_CHARS_MAX });
  return cutMiddle(clean.replace(/[\n\t]+/g, " ").trim(), charsMax, LINE_HEAD_SHARE, " ");
}

function cleanLine(line: string): string {
  if (!UNUSUAL.test(line)) return line;
  const plain = line.replace(ESCAPE, (_all, parameters: string | undefined, final: string | undefined) => {
    switch (final) {
      case "K":
        return parameters === "2" ? ERASE_LINE : parameters === "1" ? "" : ERASE_TO_END;
      case "G":
        return parameters === "" || parameters === "1" ? "\r" : "";
      default:
        return "";
    }
  });
  const shown = OVERWRITES.test(plain) ? overwrite(plain) : plain;
  return shown.replace(SEPARATORS, " ").replace(INVISIBLE, "");
}

/** What a terminal shows of one line that goes back over itself. */
function overwrite(line: string): string {
  let cells: string[] = [];
  let cursor = 0;
  for (const character of line) {
    switch (character) {
      case "\r":
        cursor = 0;
        break;
      case "\b":
        cursor = Math.max(0, cursor - 1);
        break;
      case ERASE_TO_END:
        if (cursor < cells.length) cells.length = cursor;
        break;
      case ERASE_LINE:
        cells = [];
        cursor = 0;
        break;
      default:
        cells[cursor++] = character;
    }
  }
  return cells.join("");
}

function cutLines(lines: string[], linesMax: number): string[] {
  if (lines.length <= linesMax) return lines;
  const head = Math.floor(linesMax * LOG_HEAD_SHARE);
  const tail = linesMax - head;
  const cut = lines.length - head - tail;
  return [...lines.slice(0, head), `[... ${cut} lines]`, ...lines.slice(lines.length - tail)];
}

/** Keeps the beginning and the end of a text that is too long, cutting at `separator` where one is near. */
function cutMiddle(text: string, charsMax: number, headShare: number, separator: string): string {
  if (text.length <= charsMax) return text;
  const head = Math.floor(charsMax * headShare);
  const tail = text.length - (charsMax - head);
  const slack = Math.min(CUT_SLACK_CHARS, Math.floor(charsMax / 4));
  const before = text.slice(head - slack, head).lastIndexOf(separator);
  const after = text.slice(tail, tail + slack).indexOf(separator);
  const from = before === -1 ? head : head - slack + before;
  const to = after === -1 ? tail : tail + after + separator.length;
  const glue = separator === "\n" ? "\n" : "";
  // A cut through a surrogate pair leaves halves; no half may stay.
  const kept = (part: string) => part.replace(/\p{Cs}/gu, "");
  return `${kept(text.slice(0, from))}${glue}[... ${to - from} characters]${glue}${kept(text.slice(to))}`;
}
