import { assert, assertEquals } from "@std/assert";
import { triedBefore } from "../../reconciler/tried.ts";
import type { Tried } from "../../reconciler/tried.ts";
import type { Attempt, Incident } from "../../state/records.ts";
import { attempt, incident } from "../state/builders.ts";
import { NOW } from "./world.ts";

const again: Partial<Attempt> = {
  status: "no_effect",
  repair: { kind: "redeploy", clearCache: false },
  repairHash: "again",
  startedAt: NOW - 1_000,
};

async function failed(now: Incident, past: readonly Incident[] = []): Promise<Set<string>> {
  return (await tried(now, past)).failed;
}

async function tried(now: Incident, past: readonly Incident[] = []): Promise<Tried> {
  const store = { listIncidents: () => Promise.resolve([...past]) };
  // Of the store only the incidents are asked for.
  const parts = { store, clock: { now: () => NOW } } as unknown as Parameters<typeof triedBefore>[0];
  return await triedBefore(parts, now, "fp1");
}

Deno.test("one redeploy an incident is free, to a person's fresh start and to the next incident too; a patch that failed is not tried again (promise 9) (promise 13)", async () => {
  const spent = incident({ attempts: [attempt(again)] });
  assert((await failed(spent)).has("again"), "a second redeploy would be hoping");
  assertEquals(await failed({ ...spent, attemptsBefore: 1 }), new Set());
  assertEquals(await failed(incident({ id: "inc_2", attempts: [] }), [spent]), new Set());
  const patched = incident({
    attempts: [attempt({ ...attempt(), status: "no_effect", repairHash: "patch" })],
  });
  assert((await failed(incident({ id: "inc_2", attempts: [] }), [patched])).has("patch"), "a patch is not");
});

Deno.test("a commit that was never published is not counted as tried, one that was published and failed is", async () => {
  const after = (change: Partial<Attempt>) => failed(incident({ attempts: [attempt(change)] }));
  assertEquals(await after({ status: "failed", publishedAt: null }), new Set());
  assertEquals(await after({ status: "abandoned", publishedAt: null }), new Set());
  assertEquals(await after({ status: "failed", publishedAt: NOW - 1_000 }), new Set(["hash1"]));
  assertEquals(await after({ status: "no_effect", publishedAt: NOW - 1_000 }), new Set(["hash1"]));
});

Deno.test("a setting that Render refused is held against it until a person resumes, and is no try; one that was made and failed is", async () => {
  const repair = { kind: "setting", patch: { rootDir: "server" }, diff: "" } as const;
  const refused = attempt({
    status: "failed",
    publishedAt: null,
    startedAt: NOW - 1_000,
    error: "Render refused: 403",
    repair,
  });
  const now = incident({ attempts: [refused] });
  const held = await tried(now);
  assertEquals([held.failed.size, held.today, [...held.refused]], [0, 0, [["hash1", "Render refused: 403"]]]);
  assertEquals((await tried({ ...now, attemptsBefore: 1 })).refused.size, 0);
  assertEquals((await tried(incident({ id: "inc_2", attempts: [] }), [now])).refused.size, 0);
  const made = await tried(incident({ attempts: [{ ...refused, publishedAt: NOW - 1_000 }] }));
  assertEquals([[...made.failed], made.today, made.refused.size], [["hash1"], 1, 0]);
});
