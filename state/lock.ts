/**
 * One Evenkeel that acts for each data folder. The lock is the kernel's, on an open file: it goes with the
 * process, however that ends, and nothing stale can be left. The file itself stays; it only names the holder.
 */
import { join } from "@std/path";
import { EvenkeelError, messageOf } from "../base/errors.ts";

export const LOCK_FILE = "evenkeel.lock";
const PID_BYTES_MAX = 32;

/**
 * Locks a data folder, created when missing, until the result is disposed of or the process ends.
 * @throws {EvenkeelError} when another process holds it or the folder cannot be used
 */
export async function lockDataDirectory(directory: string): Promise<AsyncDisposable> {
  const file = await openLockFile(directory);
  if (!await file.tryLock(true)) {
    const holder = await readPid(file);
    file.close();
    throw new EvenkeelError(
      `Cannot use ${directory}: another Evenkeel${holder === null ? "" : ` (pid ${holder})`} is using it`,
      { hint: holder === null ? "Choose another folder with EVENKEEL_DATA_DIR" : `Stop it: kill ${holder}` },
    );
  }
  await file.truncate(0);
  await file.seek(0, Deno.SeekMode.Start);
  await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
  let isHeld = true;
  return {
    async [Symbol.asyncDispose]() {
      if (!isHeld) return;
      isHeld = false;
      // A child that is being started holds a copy of the file until it runs; closing ours is not enough.
      await file.unlock();
      file.close();
    },
  };
}

async function openLockFile(directory: string): Promise<Deno.FsFile> {
  try {
    await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
    return await Deno.open(join(directory, LOCK_FILE), {
      create: true,
      read: true,
      write: true,
      mode: 0o600,
    });
  } catch (error) {
    throw new EvenkeelError(`Cannot use ${directory}: ${messageOf(error)}`, {
      hint: "Choose a folder you may write to with EVENKEEL_DATA_DIR",
      cause: error,
    });
  }
}

async function readPid(file: Deno.FsFile): Promise<number | null> {
  const buffer = new Uint8Array(PID_BYTES_MAX);
  const length = await file.read(buffer);
  const text = new TextDecoder().decode(buffer.subarray(0, length ?? 0)).trim();
  return /^\d{1,10}$/.test(text) ? Number(text) : null;
}
