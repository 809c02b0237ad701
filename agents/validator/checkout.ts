/** Reads the files of the checkout as they will be: an edit counts before the disk, and links are not followed. */
import { normalize } from "@std/path";
import { readBytesInside } from "../../repo/read_inside.ts";
import type { Edit } from "../../state/records.ts";
import type { ValidatorInput } from "../messages.ts";

/** Bytes of a file that is read; a larger one counts as absent. */
export const FILE_BYTES_MAX = 16 * 1024 * 1024;

export interface Checkout {
  /** The text of a file; undefined when it is missing, removed, outside, a link or too large. */
  read(path: string): Promise<string | undefined>;
}

export type Check = { name: string; result: "pass" | "fail" | "skipped"; detail: string };

/** The validator's question with the edited files whole. */
export type Question = Omit<ValidatorInput, "edits"> & { edits: Edit[] };

export function openCheckout({ directory, edits }: Pick<Question, "directory" | "edits">): Checkout {
  const edited = new Map(edits.map(({ path, content }) => [normalize(path), content]));
  return {
    async read(path) {
      const relative = normalize(path);
      if (relative.startsWith("..") || relative.startsWith("/")) return undefined;
      const edit = edited.get(relative);
      if (edit !== undefined) return edit ?? undefined;
      try {
        const bytes = await readBytesInside(directory, relative, FILE_BYTES_MAX);
        return bytes === null ? undefined : new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
      } catch (error) {
        if (error instanceof Deno.errors.NotCapable) throw error;
        return undefined;
      }
    },
  };
}

/** Makes a check of what a tool was asked: a tool that could not answer has shown nothing. */
export async function checkBy(name: string, judge: () => Promise<Omit<Check, "name">>): Promise<Check> {
  try {
    return { name, ...await judge() };
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return { name, result: "skipped", detail: error instanceof Error ? error.message : String(error) };
  }
}
