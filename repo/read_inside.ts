/**
 * Reads a file of a folder that others may write to. The path is checked at each opening, and the opened file is
 * the checked one: no `..`, no link on the way, no second name of a file that lies elsewhere, and what has that name
 * is the same file before and after it was opened.
 */
import { join } from "@std/path";
import { EvenkeelError } from "../base/errors.ts";
import { sanitizeLine } from "../text/sanitize.ts";

/** What is asked of the disk, so that a test can change the folder between two questions. */
export type Disk = Pick<typeof Deno, "lstat" | "open" | "realPath">;

/**
 * @param path relative to the folder, with forward slashes
 * @param disk @default the real one
 * @returns `null` when there is no such file
 * @throws {EvenkeelError} when the path leaves the folder, or the file is no regular UTF-8 text of that size
 */
export async function readInside(
  folder: string,
  path: string,
  bytesMax: number,
  disk: Disk = Deno,
): Promise<string | null> {
  const bytes = await readBytesInside(folder, path, bytesMax, disk);
  if (bytes === null) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new EvenkeelError(`Cannot read ${sanitizeLine(path, 200)}: it is not UTF-8 text`);
  }
}

/** The same for a file of any bytes. */
export async function readBytesInside(
  folder: string,
  path: string,
  bytesMax: number,
  disk: Disk = Deno,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const fail = (why: string): never => {
    throw new EvenkeelError(`Cannot read ${sanitizeLine(path, 200)}: ${why}`);
  };
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..") || path.includes("\0")) {
    return fail("the path is not one inside the checkout");
  }
  if (parts[0]?.toLowerCase() === ".git") return fail("it belongs to git");
  try {
    const target = join(folder, path);
    const named = await disk.lstat(target);
    if (named.isDirectory) return null;
    // Before it is opened: opening a pipe waits for its writer.
    if (!named.isFile) return fail(named.isSymlink ? "it is a symbolic link" : "it is no regular file");
    using file = await disk.open(target, { read: true });
    const opened = await file.stat();
    const [real, root] = await Promise.all([disk.realPath(target), disk.realPath(folder)]);
    if (real !== join(root, path)) return fail("a symbolic link leads elsewhere");
    // Named once more, now that no link is on the way: one that was there for the opening alone is noticed.
    for (const { ino, dev } of [named, await disk.lstat(target)]) {
      if (opened.ino !== ino || opened.dev !== dev) return fail("it was replaced while it was opened");
    }
    if ((opened.nlink ?? 1) > 1) return fail("the file has a second name elsewhere");
    if (opened.size > bytesMax) return fail(`its ${opened.size} bytes are more than the ${bytesMax} allowed`);
    return await readAll(file, opened.size);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}

/** At most `bytesMax` bytes, even of a file that grows while it is read. */
async function readAll(file: Deno.FsFile, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(bytesMax);
  let length = 0;
  while (length < bytesMax) {
    const read = await file.read(buffer.subarray(length));
    if (read === null) break;
    length += read;
  }
  return buffer.subarray(0, length);
}
