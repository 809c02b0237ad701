/**
 * Whether this process has room to work: handles for the programs it starts, and space for a checkout. Asked before a
 * failure is read and before anything is changed, so that what is begun is not given up half way for want of it.
 */
import { join } from "@std/path";
import { diskTrouble } from "../state/disk.ts";

/** Files that must be to be had at once: a program takes up to ten, and two run at a time. */
const HANDLES_MIN = 24;
/** Bytes that must be free in the scratch folder. */
export const ROOM_BYTES = 4 * 1024 * 1024;

/** @throws {DiskTrouble} when there is none */
export async function checkRoom(scratchRoot: string): Promise<void> {
  const probe = join(scratchRoot, `room-${crypto.randomUUID()}`);
  try {
    await Deno.writeFile(probe, new Uint8Array(ROOM_BYTES), { createNew: true });
    using handles = new DisposableStack();
    for (let count = 0; count < HANDLES_MIN; count++) handles.use(await Deno.open(probe));
  } catch (error) {
    throw diskTrouble(`work in ${scratchRoot}`, error) ?? error;
  } finally {
    await Deno.remove(probe).catch(() => {});
  }
}
