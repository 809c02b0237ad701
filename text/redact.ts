/**
 * Takes secrets out of text, by value where the values are known and by shape where they are not. It errs on
 * the side of removing, but leaves what a diagnosis needs: versions, paths, ports, references to variables.
 * Give it sanitised text: an invisible character inside a token would hide it. Every pattern begins with a
 * literal and none can scan the same run twice, so the time is linear in the text.
 */
import { isPlainValue } from "./plain_value.ts";

export const REDACTED = "[redacted]";
/** Shorter values occur in ordinary words. */
export const KNOWN_VALUE_CHARS_MIN = 6;
/** A line of a known value of several lines (a key file) is a secret of its own from this length on. */
const KNOWN_LINE_CHARS_MIN = 16;

/** Tokens that their issuers made recognisable; sources are the issuers' documentation. */
const TOKEN_SHAPES: readonly RegExp[] = [
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas|imt)-[A-Za-z0-9_-]{16,}/g,
  /\bxox[abceoprs]-[A-Za-z0-9-]{10,}/g,
  /\bxapp-[A-Za-z0-9-]{10,}/g,
  /\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}/g,
  /\bwhsec_[A-Za-z0-9+/=]{16,}/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\bGOCSPX-[A-Za-z0-9_-]{16,}/g,
  /\bya29\.[A-Za-z0-9_-]{16,}/g,
  /\bnpm_[A-Za-z0-9]{30,}/g,
  /\brnd_[A-Za-z0-9]{16,}/g,
  /\bhf_[A-Za-z0-9]{30,}/g,
  /\bdop_v1_[a-f0-9]{32,}/g,
  /\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/g,
  /\bpypi-AgE[A-Za-z0-9_-]{32,}/g,
  /\bsk-(?:proj|ant|svcacct|or)-[A-Za-z0-9_-]{16,}/g,
  /\bsk-[A-Za-z0-9]{32,}/g,
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g,
];

/** A key block; where its end is missing, as far as the encoded lines go. */
const KEY_BLOCK =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?:(?!-----BEGIN)[^]){0,16384}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\]*)/g;
/** Database addresses whose password may hold a slash that was not escaped. */
const CONNECTION =
  /\b((?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql)(?:\+[a-z0-9]{1,16})?:\/\/)[^\s"'<>]{1,512}@/gi;
const USER_INFO = /(:\/\/)(?!git@)[^\s/?#"'<>]+@/g;
const WEBHOOK_PATH = /\b(hooks\.slack\.com\/|discord(?:app)?\.com\/api\/webhooks\/)[A-Za-z0-9_/-]{8,}/g;
const AUTHORIZATION =
  /(authorization["']?\s{0,3}[:=]\s{0,3}["']?(?:(?:bearer|basic|token|digest)\s{1,3})?)[^\s"',;]{4,}/gi;
const BEARER = /\b(bearer\s{1,3})[A-Za-z0-9._~+/=-]{16,}/gi;
const COOKIE = /\b((?:set-)?cookie["']?:\s{0,3}["']?[^=\s]{1,64}=)[^\n"']+/gi;
/** `DB_PASSWORD=x`, `"api_key": "x"`, the same escaped inside a string, `token => x`, `?access_token=x`. */
const ASSIGNMENT =
  /((?:pass(?:word|wd|phrase)?|pwd|secret|(?<!publickey)token|credential|signature|api[-_ ]?key|(?:access|private|account|auth|encryption|signing)[-_]?key)[A-Za-z0-9_]{0,20})([\\"'\]]{0,4}\s{0,3}(?:=>|=(?!=)|:(?!:))\s{0,3}\\{0,3})("[^"\n]*"|'[^'\n]*'|[^\s"',;&(){}<>[\]]+)/gi;

/**
 * Makes a function that replaces secrets by `[redacted]`. Of a URL only the credentials go.
 * @param knownValues values that must not be shown, such as the API key and the service's variables; values
 *   under KNOWN_VALUE_CHARS_MIN characters and plain ones (`production`, `3.11.4`, a path) are left out
 */
export function createRedactor(knownValues: Iterable<string>): (text: string) => string {
  const known = knownPattern(knownValues);
  return (text) => {
    let clean = known === null ? text : text.replace(known, REDACTED);
    clean = clean.replace(KEY_BLOCK, REDACTED);
    clean = clean.replace(CONNECTION, `$1${REDACTED}@`).replace(USER_INFO, `$1${REDACTED}@`);
    clean = clean.replace(WEBHOOK_PATH, `$1${REDACTED}`);
    for (const shape of TOKEN_SHAPES) clean = clean.replace(shape, REDACTED);
    clean = clean.replace(AUTHORIZATION, `$1${REDACTED}`).replace(BEARER, `$1${REDACTED}`);
    clean = clean.replace(COOKIE, `$1${REDACTED}`);
    return clean.replace(ASSIGNMENT, redactAssignment);
  };
}

function redactAssignment(
  all: string,
  name: string,
  operator: string,
  value: string,
  offset: number,
  text: string,
): string {
  const quote = value.startsWith('"') || value.startsWith("'") ? value.charAt(0) : "";
  const inner = quote === "" ? value : value.slice(1, -1);
  const isReference = /^(?:\$|process\.env|os\.environ|os\.getenv|env\.|%|\*+$|\.{3}$)/.test(inner);
  const isCall = quote === "" && text.charAt(offset + all.length) === "(";
  if (inner === "" || isReference || isCall || inner.includes(REDACTED)) return all;
  const isPassword = /^pass|^pwd/i.test(name);
  if (isPlainValue(inner) && !(isPassword && /^\d+$/.test(inner))) return all;
  // "Unexpected token: punc" is prose; a real token in this place has a digit. So is "passwd: password expired".
  const goesOn = /^ [a-z']/i.test(text.slice(offset + all.length, offset + all.length + 2));
  const isProse = quote === "" && /^\s*:/.test(operator) &&
    (isPassword ? goesOn && /^[a-z]+$/i.test(inner) : !/\d/.test(inner));
  return isProse ? all : `${name}${operator}${quote}${REDACTED}${quote}`;
}

function knownPattern(knownValues: Iterable<string>): RegExp | null {
  const values = new Set<string>();
  for (const value of knownValues) {
    if (value.length < KNOWN_VALUE_CHARS_MIN || isPlainValue(value)) continue;
    const password = URL.canParse(value) ? new URL(value).password : "";
    if (password !== "") {
      // Of an address only the credentials are secret, and the pattern for addresses removes them there.
      values.add(password).add(decodePercent(password));
      continue;
    }
    for (const line of value.split(/\r?\n/)) if (line.length >= KNOWN_LINE_CHARS_MIN) values.add(line);
    // The spellings in which a value turns up in addresses, JSON and Basic credentials.
    const trimmed = value.trim();
    values.add(value).add(trimmed).add(JSON.stringify(trimmed).slice(1, -1));
    values.add(encodeURIComponent(trimmed.toWellFormed()));
    values.add(new TextEncoder().encode(trimmed).toBase64());
  }
  const patterns = [...values].filter((value) => value.length >= KNOWN_VALUE_CHARS_MIN)
    .sort((a, b) => b.length - a.length).map((value) => RegExp.escape(value));
  return patterns.length === 0 ? null : new RegExp(patterns.join("|"), "g");
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
