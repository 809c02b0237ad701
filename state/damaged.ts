/**
 * What is said of a store that is not as it was written. By its class, so that nothing else is taken for damage: a
 * sound store that this version cannot use is never replaced by its older copy.
 */
import { EvenkeelError } from "../base/errors.ts";

/** The way back from a damaged store. */
export const RESTORE_HINT = "deno task evenkeel restore puts back the newest copy and says what it forgets";

export class DamagedStore extends EvenkeelError {
  override readonly name = "DamagedStore";
  /** What is the matter with the file, without its path. */
  readonly why: string;

  /** @param verb what cannot be done with it */
  constructor(verb: "open" | "read" | "copy", path: string, why: string, cause?: unknown) {
    super(`Cannot ${verb} ${path}: the file is damaged: ${why}`, { hint: RESTORE_HINT, cause });
    this.why = why;
  }
}
