import { assert, assertEquals } from "@std/assert";
import { createServer } from "node:http";
import { LoopWatch } from "./loop_watch.ts";
import { Answers, StatusReading } from "./reading.ts";

const RIGHT = { path: "/readyz", startedAt: 1_000_000, ms: 20, problem: null, isLate: false };
const LATE = { ...RIGHT, ms: 6_500, problem: "408 in place of 200", isLate: true };

function judged(heldMs: number, ...answers: Parameters<Answers["add"]>[0][]) {
  const all = new Answers({ heldMs: () => heldMs });
  for (const answer of answers) all.add(answer);
  return all.gate().verdict;
}

Deno.test("a status server whose every answer is right and in time holds; one that was not read cannot be told", () => {
  assertEquals(judged(0, RIGHT, RIGHT), "held");
  assertEquals(judged(0), "untold");
});

Deno.test("a wrong answer of the status server breaks its gate, however long the event loop was held", () => {
  assertEquals(judged(60_000, RIGHT, { ...RIGHT, problem: "500 in place of 200" }, RIGHT), "broken");
});

Deno.test("a late answer breaks the gate unless the event loop was held as long as the server's patience", () => {
  assertEquals(judged(0, RIGHT, LATE), "broken");
  assertEquals(judged(4_900, RIGHT, LATE), "broken");
  assertEquals(judged(6_000, RIGHT, LATE), "untold");
  // Right at last, and slow by itself.
  assertEquals(judged(1_000, { ...RIGHT, ms: 6_500 }), "broken");
  assertEquals(judged(6_000, { ...RIGHT, ms: 6_500 }), "held");
  // What cannot be told of one answer excuses no other one.
  const all = new Answers({ heldMs: (from) => from === 0 ? 6_000 : 0 });
  all.add({ ...LATE, startedAt: 0 });
  all.add(LATE);
  assertEquals(all.gate().verdict, "broken");
});

Deno.test("a loop that is held is known to have been, while it is and afterwards, by the part that falls into a span", () => {
  let now = 1_000;
  using loop = new LoopWatch(() => now);
  now = 1_020;
  loop.tick();
  assertEquals(loop.longestMs, 0);
  now = 3_040;
  assertEquals(loop.heldMs(0, 10_000), 2_000);
  loop.tick();
  now = 3_060;
  loop.tick();
  assertEquals([loop.heldMs(0, 10_000), loop.longestMs], [2_000, 2_000]);
  assertEquals(loop.heldMs(1_540, 2_040), 500);
  assertEquals(loop.heldMs(3_040, 10_000), 0);
});

Deno.test("the reader of a soak is a process that reads the listener, and names a page that is not as it should be", async () => {
  const server = createServer((request, response) => {
    const body = request.url === "/healthz" ? '{"status":"ok"}' : '{"ready":false,"reason":"planted"}';
    response.writeHead(200, { "Content-Type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  try {
    using loop = new LoopWatch();
    await using reading = await StatusReading.start(`http://127.0.0.1:${address.port}`, loop);
    const { verdict, figure } = await reading.end();
    assertEquals(verdict, "broken");
    assert(figure.includes("/readyz: "), figure);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

Deno.test("a reader that cannot read breaks the gate", async () => {
  using loop = new LoopWatch();
  // Nothing listens on a port that a browser may not ask.
  await using reading = await StatusReading.start("http://127.0.0.1:1", loop);
  assertEquals((await reading.end()).verdict, "broken");
});

Deno.test("a reader that ends by itself breaks the gate, with its last words", async () => {
  using loop = new LoopWatch();
  const missing = new URL("./no_such_reader.ts", import.meta.url);
  await using reading = await StatusReading.start("http://127.0.0.1:1", loop, missing);
  const { verdict, figure } = await reading.end();
  assertEquals(verdict, "broken");
  assert(figure.includes("Module not found"), figure);
});
