import { assertEquals, assertNotMatch } from "@std/assert";
import { Bench, receiver, SECRET } from "./fixtures.ts";

const DRAIN_MS = 30_000;
const facts = { message: "Good for 2m", service: "my-api", incident: "inc_1" };

Deno.test("an address gets the payload by POST, without a secret", async () => {
  await using bench = await Bench.open();
  await using server = receiver(() => new Response("thanks"));
  const hooks = bench.hooks({ notify: { kind: "http", url: server.url, deadlineMs: 30_000 } });
  const key =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAcanary\n-----END OPENSSH PRIVATE KEY-----";
  hooks.fire("notify", { ...facts, message: `key ${SECRET} ${key}` });
  await hooks.drain(DRAIN_MS);
  const [request, ...more] = server.requests;
  assertEquals(more, []);
  assertEquals(request?.headers.get("content-type"), "application/json");
  const { hook, service, message } = JSON.parse(request?.body ?? "{}");
  assertEquals([hook, service, message], ["notify", "my-api", "key [redacted] [redacted]"]);
  assertNotMatch(request?.body ?? "", /canary/);
  assertEquals(bench.events, []);
});

Deno.test("an address that answers 500, redirects, hangs, floods or is not there is told of and nothing more", async () => {
  await using bench = await Bench.open();
  await using other = receiver(() => new Response("should not be asked"));
  await using broken = receiver(() => new Response("canary", { status: 500 }));
  await using moved = receiver(() => Response.redirect(other.url, 307));
  const open: (() => void)[] = [];
  await using slow = receiver(async () => {
    await new Promise<void>((resolve) => open.push(resolve));
    return new Response("late");
  });
  await using flood = receiver(() => {
    const body = new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(65_536)) });
    return new Response(body);
  });
  const gone = receiver(() => new Response());
  await gone[Symbol.asyncDispose]();
  const at = (url: string, deadlineMs = 30_000) => ({ kind: "http", url, deadlineMs } as const);
  const hooks = bench.hooks({
    "notify": at(broken.url),
    "pre-task": at(moved.url),
    "post-task": at(slow.url, 200),
    "session-end": at(flood.url),
    "post-edit": at(`${gone.url}?token=canary`),
  });
  for (const name of ["notify", "pre-task", "post-task", "session-end", "post-edit"] as const) {
    hooks.fire(name, facts);
  }
  await hooks.drain(DRAIN_MS);
  for (const release of open) release();
  assertEquals(bench.failures, [
    "notify Refused",
    "pre-task Redirected",
    "post-task DeadlineExceeded",
    "post-edit Unreachable",
  ]);
  assertEquals(other.requests, []);
  assertNotMatch(JSON.stringify(bench.events), /canary/);
});
