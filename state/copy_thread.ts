/**
 * A thread that copies a database: SQLite does it in one go, a second for each 140 MB, in which whoever leads would
 * renew no lease and answer nobody.
 */
/// <reference lib="webworker" />
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../base/errors.ts";

declare const self: DedicatedWorkerGlobalScope;

/** Answers with `null`, or with what SQLite said. */
self.onmessage = ({ data }: MessageEvent<{ from: string; to: string }>) => {
  let refusal: string | null = null;
  try {
    const database = new DatabaseSync(data.from, { readOnly: true });
    try {
      database.prepare("VACUUM INTO ?").run(data.to);
    } finally {
      database.close();
    }
  } catch (error) {
    refusal = messageOf(error);
  }
  self.postMessage(refusal);
};
