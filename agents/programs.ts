/**
 * Takes away an agent's means to start programs and workers, to signal processes and to ask for permissions. Deno
 * refuses all but workers in any case, but of these its audit is silent: here an attempt is told before it is refused. A worker has all of Deno anew, where nothing of this holds, and no agent needs one. What starts a program
 * through `node:child_process` without coming by here asks Deno for a variable first, which audit.ts hears.
 */
import { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import process from "node:process";
import { Worker as NodeWorker } from "node:worker_threads";

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
  class Worker {
    constructor(specifier: string | URL) {
      refuse(`start a worker from ${specifier}`);
    }
  }
  const fixed = { writable: false, configurable: false };
  const kill = { value: (pid: number) => refuse(`kill ${pid}`), ...fixed };
  const run = { value: (program: unknown) => refuse(`run ${program}`), ...fixed };
  Object.defineProperties(Deno, { Command: { value: Command, ...fixed }, kill });
  // Shorthands of later versions.
  for (const name of ["run", "spawn", "spawnAndWait", "spawnAndWaitSync"]) {
    if (Object.hasOwn(Deno, name)) Object.defineProperty(Deno, name, run);
  }
  const request = {
    value: (descriptor?: { name?: unknown }) => refuse(`ask for the permission ${descriptor?.name}`),
    ...fixed,
  };
  Object.defineProperties(Deno.Permissions.prototype, { request, requestSync: request });
  Object.defineProperties(process, { kill });
  Object.defineProperties(globalThis, { Worker: { value: Worker, ...fixed } });
  const spawn = ({ file }: { file?: unknown }) => refuse(`run ${file}`);
  Object.defineProperties(ChildProcess.prototype, { spawn: { value: spawn, ...fixed } });
  // A module's own names cannot be replaced, but node's worker is an emitter, and every emitter begins here.
  const init: unknown = Reflect.get(EventEmitter, "init");
  if (typeof init !== "function") {
    throw new Error("node's emitters begin elsewhere: a worker would not be told");
  }
  const begin = function (this: unknown, ...options: unknown[]) {
    if (this instanceof NodeWorker) refuse("start a worker");
    return Reflect.apply(init, this, options);
  };
  Object.defineProperties(EventEmitter, { init: { value: begin, ...fixed } });
}
