/**
 * Takes away an agent's means to start programs and to signal processes. Deno refuses both in any case, but it is the
 * one permission that its audit is silent about: here an attempt of the main thread by `Deno` or `process` is told
 * before it is refused. Refused and not told: one from a worker, and `node:child_process` in monitor and validator.
 */
import process from "node:process";

/** @param tell called with each attempt, such as `run /bin/sh` */
export function withoutPrograms(tell: (what: string) => void): void {
  const refuse = (what: string): never => {
    tell(what);
    throw new Deno.errors.NotCapable(`Requires ${what}, which no agent may`);
  };
  class Command {
    constructor(program: string | URL) {
      refuse(`run ${program}`);
    }
  }
  const fixed = { writable: false, configurable: false };
  const kill = { value: (pid: number) => refuse(`kill ${pid}`), ...fixed };
  Object.defineProperties(Deno, { Command: { value: Command, ...fixed }, kill });
  Object.defineProperties(process, { kill });
}
