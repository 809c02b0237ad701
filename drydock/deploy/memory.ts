/**
 * The memory that a build may use. Where the processes of a build together use more, the largest is killed, as the
 * kernel does in a container with that limit. Sampled, so that a short peak may pass; Linux only, elsewhere no build
 * is ever killed for memory.
 */
import { familyOf } from "./ports.ts";

/** Render's smaller build machine (reference section 7), in mebibytes. @default of DrydockOptions.buildMemoryMiB */
export const BUILD_MEMORY_MIB = 8 * 1024;

const MIB = 1024 * 1024;
const SAMPLE_MS = 200;

export interface MemoryWatch extends Disposable {
  /** Whether a process was killed. */
  readonly hasKilled: boolean;
}

/** @param groupId the process group, which is also its session @param limitMiB in mebibytes */
export function watchMemory(groupId: number, limitMiB: number): MemoryWatch {
  let hasKilled = false;
  const timer = Deno.build.os === "linux" ? setInterval(sample, SAMPLE_MS) : undefined;
  function sample() {
    const used = familyOf(groupId).map((pid) => ({ pid, bytes: residentBytes(pid) }));
    if (used.reduce((sum, { bytes }) => sum + bytes, 0) <= limitMiB * MIB) return;
    const [largest] = used.toSorted((a, b) => b.bytes - a.bytes);
    try {
      if (largest !== undefined) Deno.kill(largest.pid, "SIGKILL");
      hasKilled = true;
    } catch {
      // It has ended in between.
    }
  }
  return {
    get hasKilled() {
      return hasKilled;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** As Render's log writes it: 8Gi, 512Mi. */
export function shownMemory(limitMiB: number): string {
  return limitMiB % 1024 === 0 ? `${limitMiB / 1024}Gi` : `${limitMiB}Mi`;
}

function residentBytes(pid: number): number {
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
    return Number(found?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
