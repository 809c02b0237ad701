import { sanitizeLine } from "./sanitize.ts";

/** A text as one word of a command that a person may copy: quoted where a shell would see more in it than a name. */
export function shellWord(text: string): string {
  const clean = sanitizeLine(text);
  return /^[A-Za-z0-9_./@:][A-Za-z0-9_./@:-]*$/.test(clean) ? clean : `'${clean.replaceAll("'", "'\\''")}'`;
}
