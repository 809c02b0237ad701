/**
 * Reads a file of a folder that others may write to. The path is checked at each opening, and the opened file is
 * the checked one: no `..`, no link on the way, no second name of a file that lies elsewhere.
 */
import { join } from "@std/path";
import { EvenkeelError } from "../base/errors.ts";
import { sanitizeLine } from "../text/sanitize.ts";

/**
 * @param path relative to the folder, with forward slashes
 * @returns `null` when there is no such file
 * @throws {EvenkeelError} when the path leaves the folder, or the file is no regular UTF-8 text of that size
 */
export async function readInside(folder: string, path: string, bytesMax: number): Promise<string | null> {
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
    const named = await Deno.lstat(target);
    if (named.isDirectory) return null;
    // Before it is opened: opening a pipe waits for its writer.
    if (!named.isFile) return fail(named.isSymlink ? "it is a symbolic link" : "it is no regular file");
    using file = await Deno.open(target, { read: true });
    const [opened, real, root] = await Promise.all([
      file.stat(),
      Deno.realPath(target),
      Deno.realPath(folder),
    ]);
    if (real !== join(root, path)) return fail("a symbolic link leads elsewhere");
    if (opened.ino !== named.ino || opened.dev !== named.dev) {
      return fail("it was replaced while it was opened");
    }
    if ((opened.nlink ?? 1) > 1) return fail("the file has a second name elsewhere");
    if (opened.size > bytesMax) return fail(`its ${opened.size} bytes are more than the ${bytesMax} allowed`);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      await readAll(file, opened.size),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    if (error instanceof TypeError) return fail("it is not UTF-8 text");
    throw error;
  }
}

/** At most `bytesMax` bytes, even of a file that grows while it is read. */
async function readAll(file: Deno.FsFile, bytesMax: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(bytesMax);
  let length = 0;
  while (length < bytesMax) {
    const read = await file.read(buffer.subarray(length));
    if (read === null) break;
    length += read;
  }
  return buffer.subarray(0, length);
}
