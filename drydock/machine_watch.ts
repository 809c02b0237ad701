/**
 * What a build may take of this machine, watched and not enforced: room and files of the disk, and memory that belongs
 * to no process. Only the machine itself is asked, nothing of the build's folder: what a build hides there (files it has
 * removed and holds open, folders it has closed) is missing from the machine all the same. What others take meanwhile
 * counts too, and what they give back hides as much. A machine that does not answer in time counts as one without room.
 */
import { statfs } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";

/** How much may be gone since the watch began, and how much must be left. */
export interface MachineLimits {
  /** Bytes of the file system. @default MACHINE_LIMITS.bytesMax */
  bytesMax: number;
  /** Files and folders. @default MACHINE_LIMITS.inodesMax */
  inodesMax: number;
  /** Bytes of memory that only files in memory hold. @default MACHINE_LIMITS.sharedBytesMax */
  sharedBytesMax: number;
  /** Bytes of the file system that must be left. @default MACHINE_LIMITS.bytesLeftMin */
  bytesLeftMin: number;
  /** Files and folders that must still be possible. @default MACHINE_LIMITS.inodesLeftMin */
  inodesLeftMin: number;
  /** Bytes of memory that must be left. @default MACHINE_LIMITS.memoryLeftMin */
  memoryLeftMin: number;
}

const MIB = 1024 ** 2;
export const MACHINE_LIMITS: Readonly<MachineLimits> = {
  bytesMax: 8 * 1024 * MIB,
  inodesMax: 2_000_000,
  sharedBytesMax: 8 * 1024 * MIB,
  bytesLeftMin: 1024 * MIB,
  inodesLeftMin: 20_000,
  memoryLeftMin: 128 * MIB,
};
/** A disk takes some 2 GB a second, so that half of the floor is lost between two looks at most. */
const SAMPLE_MS = 250;
const SAMPLE_TIMEOUT_MS = 5_000;

/** In bytes, but for `inodes`; absent where the system keeps no count. */
interface Sample {
  bytes: number;
  inodes: number | undefined;
  memory: number | undefined;
  shared: number | undefined;
}

/**
 * Watches until `over` is aborted or a limit is met.
 * @param folder on the file system that is watched; no path that the build could have changed
 * @param onLimit called once with what was too much; before the promise settles
 */
export async function watchMachine(
  folder: string,
  limits: MachineLimits,
  clock: Clock,
  over: AbortSignal,
  onLimit: (why: string) => void,
): Promise<void> {
  let first: Sample | undefined;
  while (!over.aborted) {
    const now = await sample(folder, clock, over);
    if (over.aborted) return;
    if (now === undefined) return onLimit("this machine does not say in time how much room it has");
    first ??= now;
    const why = beyond(first, now, limits);
    if (why !== null) return onLimit(why);
    await clock.sleep(SAMPLE_MS, over);
  }
}

function beyond(first: Sample, now: Sample, limits: MachineLimits): string | null {
  const inodesGone = (first.inodes ?? 0) - (now.inodes ?? 0);
  const sharedMore = (now.shared ?? 0) - (first.shared ?? 0);
  if (now.bytes < limits.bytesLeftMin) return "this machine has too little room left on its disk";
  if ((now.inodes ?? Infinity) < limits.inodesLeftMin) {
    return "this machine has too few files left on its disk";
  }
  if ((now.memory ?? Infinity) < limits.memoryLeftMin) return "this machine has too little memory left";
  if (first.bytes - now.bytes > limits.bytesMax) return "it took more room on the disk than a rehearsal may";
  if (inodesGone > limits.inodesMax) return "it made more files than a rehearsal may";
  if (sharedMore > limits.sharedBytesMax) return "it kept more files in memory than a rehearsal may";
  return null;
}

/** @returns `undefined` where it cannot be had, or not in time */
async function sample(folder: string, clock: Clock, over: AbortSignal): Promise<Sample | undefined> {
  const answered = new AbortController();
  const patience = clock.sleep(SAMPLE_TIMEOUT_MS, AbortSignal.any([answered.signal, over]));
  try {
    return await Promise.race([take(folder), patience.then(() => undefined)]);
  } catch {
    return undefined;
  } finally {
    answered.abort();
  }
}

async function take(folder: string): Promise<Sample> {
  const [{ bavail, bsize, files, ffree }, memory] = await Promise.all([
    statfs(folder),
    Deno.readTextFile("/proc/meminfo"),
  ]);
  const bytesOf = (name: string) => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(memory)?.[1];
    return found === undefined ? undefined : Number(found) * 1024;
  };
  return {
    bytes: bavail * bsize,
    // btrfs and others make files as long as there is room, and say 0 of 0.
    inodes: files === 0 ? undefined : ffree,
    memory: bytesOf("MemAvailable"),
    shared: bytesOf("Shmem"),
  };
}
