/** What is left behind: processes that have to do with a folder, and files in one. Linux: reads /proc. */
import { join } from "@std/path";

/** Processes other than this one that run in a folder, or name it in their arguments or variables. */
export async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === Deno.pid) continue;
    try {
      const command = await Deno.readTextFile(`/proc/${pid}/cmdline`);
      // A process that has ended and was not yet waited for has no command line.
      if (command === "") continue;
      const about = [
        command,
        await Deno.readTextFile(`/proc/${pid}/environ`),
        await Deno.readLink(`/proc/${pid}/cwd`),
      ];
      if (about.some((text) => text.includes(folder))) {
        found.push(`${pid} ${command.replaceAll("\0", " ").trim()}`);
      }
    } catch {
      // It ended while it was looked at, or is another user's.
    }
  }
  return found;
}

/** Every file below a folder; none when it does not exist. */
export async function* walkFiles(folder: string): AsyncGenerator<string> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) yield* walkFiles(join(folder, name));
      else yield join(folder, name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** What lies in a folder; nothing when it does not exist. */
export async function entriesOf(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
