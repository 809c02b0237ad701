/** A thread that runs one seed after another, as it is told. */
/// <reference lib="webworker" />
import { runSeed } from "./run_seeds.ts";
import type { SeedOrder } from "./run_seeds.ts";

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = async ({ data }: MessageEvent<SeedOrder>) => {
  self.postMessage(await runSeed(data));
};
