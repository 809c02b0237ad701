/**
 * Where Render is and the key that opens it, checked once before anything is sent. The key never leaves this
 * file except in the Authorization header: messages go through `redact`.
 */
import { EvenkeelError } from "../base/errors.ts";
import { isLoopback } from "../base/loopback.ts";
import { createRedactor, REDACTED } from "../text/redact.ts";
import { LOG_LINE_CHARS_MAX, sanitizeLine } from "../text/sanitize.ts";

/** Render's API (reference: Render API, section 1). */
export const RENDER_API_URL = "https://api.render.com/v1";

export interface Connection {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly authorization: string;
  /** One line, without control characters and without the key. @param charsMax characters kept */
  redact(text: string, charsMax: number): string;
}

const HINT_KEY = "Set RENDER_API_KEY to a key from Render's dashboard (Account Settings, API Keys)";
const HINT_URL = `Set RENDER_API_URL to a full base such as ${RENDER_API_URL}, or leave it unset`;

/** @throws {EvenkeelError} naming RENDER_API_KEY or RENDER_API_URL */
export function parseConnection(apiKey: string, baseUrl: string = RENDER_API_URL): Connection {
  const key = apiKey.trim();
  if (key === "") throw new EvenkeelError("Cannot call Render: RENDER_API_KEY is empty", { hint: HINT_KEY });
  if (!/^[\x21-\x7e]{1,512}$/.test(key)) {
    throw new EvenkeelError(
      "Cannot call Render: RENDER_API_KEY holds a space, a line break or a character no key has",
      { hint: HINT_KEY },
    );
  }
  const redactShapes = createRedactor([key]);
  const withoutKey = (text: string) => text.replaceAll(key, REDACTED);
  return {
    baseUrl: parseBaseUrl(baseUrl),
    authorization: `Bearer ${key}`,
    redact(text, charsMax) {
      // Before the cut, or half of the key would stay; after the cleaning, or an invisible character would hide it.
      const line = withoutKey(sanitizeLine(withoutKey(text), LOG_LINE_CHARS_MAX));
      return sanitizeLine(redactShapes(line), charsMax);
    },
  };
}

function parseBaseUrl(text: string): string {
  const fail = (why: string) => {
    throw new EvenkeelError(`Cannot use RENDER_API_URL: ${why}`, { hint: HINT_URL });
  };
  const url = URL.parse(text.trim());
  // An address with "@" may hold a password, so it is not repeated.
  const shown = text.includes("@") ? "the value" : `"${sanitizeLine(text, 100)}"`;
  if (url === null) return fail(`${shown} is not an address`);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return fail(`${shown} is neither https nor http`);
  }
  if (url.username !== "" || url.password !== "") return fail("it holds a user name or a password");
  if (url.search !== "" || url.hash !== "") return fail(`${shown} holds a query or a fragment`);
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    return fail(`${shown} would send the key unencrypted; http is allowed only to this machine`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}
