/** What goes into the path of a call, checked before. */
import { EvenkeelError } from "../base/errors.ts";
import { sanitizeLine } from "../text/sanitize.ts";

export const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/** Ids go into paths; one that holds a slash or a dot would name another resource. */
export function checked(what: string, value: string, shape: RegExp): string {
  if (shape.test(value)) return value;
  throw new EvenkeelError(`Cannot call Render: "${sanitizeLine(value, 60)}" is no ${what}`);
}
