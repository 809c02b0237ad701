/**
 * Looks for links in a folder that is to be opened to an agent. Deno checks the name that an agent asks for and then
 * follows links, so a symbolic link, or a second name of a file that lies elsewhere, would be a way out. A checkout holds none.
 */
import { join } from "@std/path";

/** Files that are looked at; a checkout has no more. */
const FILES_MAX = 100_000;

/** @returns the path of the first link, or of what is too much to be looked through; undefined when there is none */
export async function findLink(folder: string): Promise<string | undefined> {
  const folders = [folder];
  let files = 0;
  for (let current = folders.pop(); current !== undefined; current = folders.pop()) {
    const names: string[] = [];
    for await (const entry of Deno.readDir(current)) {
      const path = join(current, entry.name);
      if (entry.isSymlink || ++files > FILES_MAX) return path;
      if (entry.isDirectory) folders.push(path);
      else names.push(path);
    }
    const stats = await Promise.all(names.map(async (path) => ({ path, stat: await Deno.lstat(path) })));
    const second = stats.find(({ stat }) => (stat.nlink ?? 1) > 1);
    if (second !== undefined) return second.path;
  }
  return undefined;
}
