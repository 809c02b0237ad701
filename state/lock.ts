/**
 * The lock of a data folder: the quick sign that whoever acted on it is dead. It is the kernel's, on an open file: it
 * goes with the process, however that ends, and nothing stale can be left. The file itself stays; it only names the
 * holder. A process that stands still keeps it, which is what the lease in the store is for.
 */
import { join } from "@std/path";
import { EvenkeelError, messageOf } from "../base/errors.ts";
import { diskTrouble } from "./disk.ts";

export const LOCK_FILE = "evenkeel.lock";
const PID_BYTES_MAX = 32;

export interface FolderLock extends AsyncDisposable {
  readonly isHeld: boolean;
  /**
   * Holds the lock if nobody else does.
   * @returns whether it is held now
   * @throws {EvenkeelError} when the folder cannot be used
   */
  tryHold(): Promise<boolean>;
  release(): Promise<void>;
  /** The process that holds it or held it last, as the file says. */
  pid(): Promise<number | null>;
}

/** The lock of a data folder, not held yet. Disposing of it releases it. */
export function folderLock(directory: string): FolderLock {
  let held: Deno.FsFile | null = null;
  const release = async () => {
    const file = held;
    held = null;
    // A child that is being started holds a copy of the file until it runs; closing ours is not enough.
    await file?.unlock();
    file?.close();
  };
  return {
    get isHeld() {
      return held !== null;
    },
    async tryHold() {
      if (held !== null) return true;
      const file = await openLockFile(directory);
      if (!await file.tryLock(true)) {
        file.close();
        return false;
      }
      held = file;
      // The lock is the kernel's; on a full disk the file does not say whose it is.
      await name(file).catch(() => {});
      return true;
    },
    release,
    async pid() {
      using file = await openLockFile(directory);
      return await readPid(file);
    },
    [Symbol.asyncDispose]: release,
  };
}

/**
 * Locks a data folder, created when missing, until the result is disposed of or the process ends.
 * @throws {FolderInUse} when another process holds it
 * @throws {EvenkeelError} when the folder cannot be used
 */
export async function lockDataDirectory(directory: string): Promise<AsyncDisposable> {
  const lock = folderLock(directory);
  if (!await lock.tryHold()) throw new FolderInUse(directory, await lock.pid());
  return lock;
}

/** Another Evenkeel uses the folder. */
export class FolderInUse extends EvenkeelError {
  override readonly name = "FolderInUse";

  /** @param pid who uses it, where known */
  constructor(directory: string, pid: number | null) {
    const who = `another Evenkeel${pid === null ? "" : ` (pid ${pid})`}`;
    super(`Cannot use ${directory}: ${who} is using it`, {
      hint: pid === null ? "Choose another folder with EVENKEEL_DATA_DIR" : `Stop it: kill ${pid}`,
    });
  }
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
    const trouble = diskTrouble(`use ${directory}`, error);
    if (trouble !== null) throw trouble;
    throw new EvenkeelError(`Cannot use ${directory}: ${messageOf(error)}`, {
      hint: "Choose a folder you may write to with EVENKEEL_DATA_DIR",
      cause: error,
    });
  }
}

async function name(file: Deno.FsFile): Promise<void> {
  await file.truncate(0);
  await file.seek(0, Deno.SeekMode.Start);
  await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
}

async function readPid(file: Deno.FsFile): Promise<number | null> {
  const buffer = new Uint8Array(PID_BYTES_MAX);
  const length = await file.read(buffer);
  const text = new TextDecoder().decode(buffer.subarray(0, length ?? 0)).trim();
  return /^\d{1,10}$/.test(text) ? Number(text) : null;
}
