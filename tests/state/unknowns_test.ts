import { assertEquals } from "@std/assert";
import { openSqliteStore } from "../../state/sqlite.ts";
import { unknownOf, UNKNOWNS_KEPT } from "../../state/unknowns.ts";
import { incident } from "./builders.ts";

async function withStore(use: (path: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-unknowns-store-test-" });
  try {
    await use(`${folder}/evenkeel.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function stalled(id: string, at: number, line: string, reason = "UnknownCause") {
  return incident({
    id,
    serviceId: `srv-${id}`,
    status: "stalled",
    stalled: { reason, message: "", evidence: [{ line: 3, text: line }], resume: "", at, worldHash: "" },
  });
}

Deno.test("an incident that stalls with an unknown cause is counted once a stop, however often it is recorded", async () => {
  await withStore(async (path) => {
    await using store = await openSqliteStore(path);
    const first = stalled("a", 1000, "frob 12 failed");
    await store.record({ incident: first });
    await store.record({ incident: first });
    await store.record({ incident: stalled("b", 2000, "frob 7 failed") });
    await store.record({ incident: stalled("a", 3000, "frob 9 failed") });
    await store.record({ incident: stalled("c", 4000, "no remedy for this", "NoRemedy") });
    assertEquals(await store.listUnknowns(), [
      { template: "frob <n> failed", seen: 3, firstSeenAt: 1000, lastSeenAt: 3000, example: "frob 9 failed" },
    ]);
  });
});

Deno.test("unknown failures stay within their ceiling, the longest unseen go first (promise 23)", async () => {
  await withStore(async (path) => {
    await using store = await openSqliteStore(path);
    const words = Array.from(
      { length: UNKNOWNS_KEPT + 5 },
      (_, at) => `w${String.fromCharCode(...[...String(at)].map((digit) => 97 + Number(digit)))}`,
    );
    const unknowns = words.map((word, at) => ({ template: word, example: word, at }));
    await store.record({ unknowns });
    const kept = await store.listUnknowns({ limit: 1000 });
    assertEquals([kept.length, kept.some(({ template }) => template === words[0])], [UNKNOWNS_KEPT, false]);
  });
});

Deno.test("a failure without a line has no pattern", () => {
  assertEquals(unknownOf([], 1), null);
  assertEquals(unknownOf([{ line: 1, text: "  " }], 1), null);
});
