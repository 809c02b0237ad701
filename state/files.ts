/** Files that are whole or absent: written beside their place, brought to the disk, and renamed into it. */
import { basename, dirname, join } from "@std/path";

/** Characters of one artifact; of an agent's larger answer only its size is kept. */
export const ARTIFACT_CHARS_MAX = 4 * 1024 * 1024;

/** One writer a path: two at once would share the temporary file. Entries go when their write has ended. */
const writing = new Map<string, Promise<void>>();

/** Replaces a file by `text`; a reader or a kill sees the old content or the new, never a part. */
export function writeAtomically(path: string, text: string): Promise<void> {
  return inTurn(path, async () => {
    const directory = dirname(path);
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    // A fixed name: what a kill leaves behind is overwritten by the next write.
    const temporary = join(directory, `.${basename(path)}.tmp`);
    try {
      await writeThrough(temporary, text, { create: true, write: true, truncate: true });
      await Deno.rename(temporary, path);
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
    await syncDirectory(directory);
  });
}

/**
 * Appends to a file that never grows past `bytesMax`: what is full becomes `<path>.1`, in place of the one before.
 * @param bytesMax bytes of one of the two files
 */
export function appendBounded(path: string, text: string, bytesMax: number): Promise<void> {
  return inTurn(path, async () => {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    if (await sizeOf(path) + new TextEncoder().encode(text).length > bytesMax) {
      await Deno.rename(path, `${path}.1`).catch(ignoreMissing);
    }
    await writeThrough(path, text, { create: true, append: true });
  });
}

/** Brings the names in a folder to the disk; a new or renamed file is not safe before. */
export async function syncDirectory(directory: string): Promise<void> {
  using handle = await Deno.open(directory);
  await handle.sync();
}

async function writeThrough(path: string, text: string, how: Deno.OpenOptions): Promise<void> {
  using file = await Deno.open(path, { ...how, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  let written = 0;
  while (written < bytes.length) written += await file.write(bytes.subarray(written));
  await file.sync();
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    ignoreMissing(error);
    return 0;
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

async function inTurn(path: string, work: () => Promise<void>): Promise<void> {
  const before = writing.get(path) ?? Promise.resolve();
  const mine = before.catch(() => {}).then(work);
  writing.set(path, mine);
  try {
    await mine;
  } finally {
    if (writing.get(path) === mine) writing.delete(path);
  }
}
