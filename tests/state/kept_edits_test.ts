import { assert, assertEquals, assertRejects } from "@std/assert";
import { EvenkeelError } from "../../base/errors.ts";
import { keepEdits, restoreEdits, writtenLines } from "../../state/kept_edits.ts";
import { randomOf } from "../cli/hostile.ts";

const reader = (files: Readonly<Record<string, string>>) => (path: string) =>
  Promise.resolve(files[path] ?? null);

Deno.test("an edit that is kept holds the lines that change and nothing else of the file (promise 15)", async () => {
  const files = { "a.json": '{\n  "token": "canary",\n  "x": 1,\n  "y": "canary",\n  "z": 2\n}\n' };
  const kept = await keepEdits(reader(files), [
    {
      path: "a.json",
      content: '{\n  "token": "canary",\n  "x": 3,\n  "y": "canary",\n  "z": 2,\n  "w": 4\n}\n',
    },
    { path: "new.txt", content: "new\n" },
    { path: "gone.txt", content: null },
  ]);
  assert(!JSON.stringify(kept).includes("canary"), JSON.stringify(kept));
  assertEquals(writtenLines(kept), ['  "x": 3,\n', '  "z": 2,\n', '  "w": 4\n', "new\n"]);
});

Deno.test("kept edits give the same files again, whatever changed, and refuse a file that is another by now", async () => {
  const random = randomOf(3);
  const line = () => ["a", "b", "c", "", "d\r"][Math.floor(random() * 5)] ?? "";
  const text = () =>
    Array.from({ length: Math.floor(random() * 12) }, line).join("\n") + (random() < 0.5 ? "\n" : "");
  for (let round = 0; round < 500; round++) {
    const files = { f: text() };
    const edits = [{ path: "f", content: text() }];
    const kept = await keepEdits(reader(files), edits);
    assertEquals(await restoreEdits(reader(files), kept), edits);
  }
  const kept = await keepEdits(reader({ f: "a\nb\nc\n" }), [{ path: "f", content: "a\nb\nx\n" }]);
  await assertRejects(() => restoreEdits(reader({ f: "a\n" }), kept), EvenkeelError, "are others now");
});
