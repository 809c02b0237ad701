/**
 * An edit as it is kept and handed on: of a file that exists, only the lines that change. What else the file holds,
 * secrets maybe, is in the repository and has no business anywhere else.
 */
import { z } from "zod";
import { EvenkeelError } from "../base/errors.ts";
import { linesOf, stepsBetween } from "../text/unified_diff.ts";

/** A change to one file of the repository; `null` removes it. */
export const editSchema = z.object({ path: z.string(), content: z.string().nullable() });
export type Edit = z.infer<typeof editSchema>;

const lineChangeSchema = z.object({
  /** Lines of the file before this change, counted in the file as it was. */
  at: z.number().int().min(0),
  /** Lines that go. */
  removed: z.number().int().min(0),
  /** Lines that come in their place, with their ends. */
  lines: z.array(z.string()),
});

export const keptEditSchema = z.union([
  editSchema,
  z.object({ path: z.string(), changes: z.array(lineChangeSchema) }),
]);
export type KeptEdit = z.infer<typeof keptEditSchema>;

/** Reads a file as it was before the edit; `null` or `undefined` when there is none. */
type ReadFile = (path: string) => Promise<string | null | undefined>;

export async function keepEdits(read: ReadFile, edits: readonly Edit[]): Promise<KeptEdit[]> {
  return await Promise.all(edits.map(async (edit) => {
    const before = edit.content === null ? null : await read(edit.path);
    if (edit.content === null || before === null || before === undefined) return edit;
    return { path: edit.path, changes: changesOf(before, edit.content) };
  }));
}

/** @throws {EvenkeelError} when the files are not those that the edits were made for */
export async function restoreEdits(read: ReadFile, kept: readonly KeptEdit[]): Promise<Edit[]> {
  return await Promise.all(kept.map(async (edit) => {
    if ("content" in edit) return edit;
    const lines = linesOf(await read(edit.path) ?? "");
    const parts: string[] = [];
    let done = 0;
    for (const change of edit.changes) {
      if (change.at < done || change.at + change.removed > lines.length) {
        throw new EvenkeelError("Cannot make the edits again: the repository's files are others now");
      }
      parts.push(...lines.slice(done, change.at), ...change.lines);
      done = change.at + change.removed;
    }
    return { path: edit.path, content: [...parts, ...lines.slice(done)].join("") };
  }));
}

/** Every line that an edit writes. */
export function writtenLines(kept: readonly KeptEdit[]): string[] {
  return kept.flatMap((edit) =>
    "content" in edit ? linesOf(edit.content ?? "") : edit.changes.flatMap(({ lines }) => lines)
  );
}

function changesOf(before: string, after: string): z.infer<typeof lineChangeSchema>[] {
  const changes: z.infer<typeof lineChangeSchema>[] = [];
  let at = 0;
  let open = false;
  for (const { kind, line } of stepsBetween(linesOf(before), linesOf(after))) {
    if (kind === " ") {
      at++;
      open = false;
      continue;
    }
    if (!open) changes.push({ at, removed: 0, lines: [] });
    open = true;
    const change = changes.at(-1)!;
    if (kind === "+") change.lines.push(line);
    else {
      change.removed++;
      at++;
    }
  }
  return changes;
}
