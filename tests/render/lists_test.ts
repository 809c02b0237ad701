import { assert, assertEquals } from "@std/assert";
import { createRenderClient } from "../../render/client.ts";
import type { SeenRequest } from "./stand_in.ts";
import { createTestClock, json, startStandIn } from "./stand_in.ts";

const SERVICE = "srv-d0cjkelq67qs70c2pugg";

const client = (baseUrl: string, bodyBytesMax?: number) =>
  createRenderClient({
    apiKey: "rnd_x",
    baseUrl,
    clock: createTestClock(),
    ...(bodyBytesMax === undefined ? {} : { bodyBytesMax }),
  });

const valueOf = (request: SeenRequest, name: string) => request.query.find(([other]) => other === name)?.[1];

/** Pages of wrapped items, as Render gives them. */
function page(request: SeenRequest, wrapper: string, items: readonly object[], withCursor = true): Response {
  const from = Number(valueOf(request, "cursor") ?? -1) + 1;
  const limit = Number(valueOf(request, "limit") ?? 20);
  return json(
    items.slice(from, from + limit).map((item, index) => ({
      [wrapper]: item,
      ...(withCursor ? { cursor: String(from + index) } : {}),
    })),
  );
}

const items = (count: number, prefix: string) =>
  Array.from(
    { length: count },
    (_unused, index) => ({ id: `${prefix}-${index}`, key: `K${index}`, type: "x" }),
  );

Deno.test("listDeploys() follows cursors until it has as many as asked for, in pages of at most 100", async () => {
  const deploys = items(500, "dep");
  await using server = startStandIn((request) => page(request, "deploy", deploys));
  const render = client(server.baseUrl);
  const found = await render.listDeploys(SERVICE, { limit: 250, status: ["live", "queued"] });
  assertEquals(found.map((deploy) => deploy.id), deploys.slice(0, 250).map((deploy) => deploy.id));
  assertEquals(server.seen.map((request) => request.query), [
    [["status", "live"], ["status", "queued"], ["limit", "100"]],
    [["status", "live"], ["status", "queued"], ["cursor", "99"], ["limit", "100"]],
    [["status", "live"], ["status", "queued"], ["cursor", "199"], ["limit", "50"]],
  ]);
  assertEquals((await render.listDeploys(SERVICE)).length, 20);
});

Deno.test("a list ends with a short page, an empty one, or one that repeats itself", async () => {
  await using whole = startStandIn((request) => page(request, "service", items(200, "srv")));
  assertEquals((await client(whole.baseUrl).listServices()).length, 200);
  assertEquals(whole.seen.length, 3);

  await using stuck = startStandIn((request) =>
    page({ ...request, query: [["limit", "100"]] }, "envVar", items(150, "k"))
  );
  assertEquals((await client(stuck.baseUrl).listEnvVars(SERVICE)).length, 100);
  assertEquals(stuck.seen.length, 2);
});

Deno.test("listEvents() pages by time where events carry no cursor", async () => {
  const events = items(230, "evt").map((event, index) => ({
    ...event,
    timestamp: new Date(Date.UTC(2026, 0, 1) - Math.floor(index / 3) * 1000).toISOString(),
    serviceId: SERVICE,
  }));
  await using server = startStandIn((request) => {
    const end = valueOf(request, "endTime") ?? "9";
    return page(request, "event", events.filter((event) => event.timestamp <= end), false);
  });
  const found = await client(server.baseUrl).listEvents(SERVICE, { limit: 1000, type: "deploy_ended" });
  assertEquals(found.map((event) => event.id), events.map((event) => event.id));
  assert(server.seen.every((request) => request.query.filter(([name]) => name === "endTime").length <= 1));
});

/** A log of `count` lines, one a millisecond, served as Render does: pages overlap at their edge by one line. */
function logServer(
  count: number,
  options: { limitMax?: number; message?: (index: number) => string; ids?: boolean } = {},
) {
  const start = Date.UTC(2026, 0, 1);
  const time = (index: number) => new Date(start + index).toISOString();
  const lines = Array.from({ length: count }, (_unused, index) => ({
    ...(options.ids === false ? {} : { id: `log-${index}` }),
    message: options.message?.(index) ?? `line ${index}`,
    timestamp: time(index),
    labels: [],
  }));
  return startStandIn((request) => {
    const limit = Number(valueOf(request, "limit"));
    if (limit > (options.limitMax ?? 1000)) return json({ message: "limit is too large" }, { status: 400 });
    const from = valueOf(request, "startTime") ?? time(0);
    const to = valueOf(request, "endTime") ?? time(count);
    const inside = lines.filter((line) => line.timestamp >= from && line.timestamp <= to);
    const isForward = valueOf(request, "direction") === "forward";
    const logs = (isForward ? inside : inside.toReversed()).slice(0, limit);
    const edge = logs.at(-1)?.timestamp ?? from;
    return json({
      logs,
      hasMore: inside.length > logs.length,
      nextStartTime: isForward ? edge : from,
      nextEndTime: isForward ? to : edge,
    });
  });
}

const query = { ownerId: "tea-x", resource: [SERVICE, "srv-other"], type: ["app", "build"] };

Deno.test("listLogs() reads a whole window in both directions, each line once", async () => {
  for (const ids of [true, false]) {
    await using server = logServer(2500, { ids });
    const render = client(server.baseUrl);
    const forward = await render.listLogs({ ...query, direction: "forward" });
    assertEquals(
      forward.lines.map((line) => line.message),
      Array.from({ length: 2500 }, (_u, i) => `line ${i}`),
    );
    assertEquals(forward.truncated, false);
    const backward = await render.listLogs(query);
    assertEquals(
      backward.lines.map((line) => line.message),
      forward.lines.map((line) => line.message).reverse(),
    );
    assertEquals(server.seen[0]?.query, [
      ["ownerId", "tea-x"],
      ["resource", SERVICE],
      ["resource", "srv-other"],
      ["type", "app"],
      ["type", "build"],
      ["direction", "forward"],
      ["limit", "100"],
    ]);
  }
});

Deno.test("listLogs() stays with small pages where large ones are refused", async () => {
  await using server = logServer(350, { limitMax: 100 });
  const { lines, truncated } = await client(server.baseUrl).listLogs(query);
  assertEquals([lines.length, truncated], [350, false]);
});

Deno.test("listLogs() keeps what fits the caps and says that there was more", async () => {
  await using server = logServer(900);
  const render = client(server.baseUrl);
  const byLines = await render.listLogs({ ...query, linesMax: 300 });
  assertEquals([byLines.lines.length, byLines.lines[0]?.message, byLines.truncated], [300, "line 899", true]);
  const byBytes = await render.listLogs({ ...query, direction: "forward", bytesMax: 1000 });
  const bytes = byBytes.lines.reduce((sum, line) => sum + line.message.length, 0);
  assertEquals([bytes, byBytes.truncated], [1000, true]);
  assertEquals((await render.listLogs({ ...query, linesMax: 900 })).truncated, false);
});

Deno.test("a log of 50 MB costs bounded memory and requests", async () => {
  const text = "x".repeat(5000);
  await using server = logServer(10_000, { message: (index) => `${index} ${text}` });
  const { lines, truncated } = await client(server.baseUrl).listLogs(query);
  const bytes = lines.reduce((sum, line) => sum + line.message.length, 0);
  assertEquals([bytes, truncated], [4 * 1024 * 1024, true]);
  assertEquals(lines[0]?.message.slice(0, 5), "9999 ");
  assert(server.seen.length < 10);
});

Deno.test("one line of 10 MB neither uses up the reading nor ends it", async () => {
  await using server = logServer(50, {
    message: (index) => index === 48 ? "é".repeat(5_000_000) : `line ${index}`,
  });
  const { lines, truncated } = await client(server.baseUrl).listLogs(query);
  assertEquals([lines.length, lines.at(-1)?.message, truncated], [50, "line 0", true]);
  assertEquals(new TextEncoder().encode(lines[1]?.message).length, 65_536);
});

Deno.test("listLogs() asks for fewer lines when a page is too large to read", async () => {
  await using server = logServer(150, { message: (index) => `${index} ${"x".repeat(1000)}` });
  const { lines, truncated } = await client(server.baseUrl, 50_000).listLogs(query);
  assertEquals([lines.length, truncated], [150, false]);
  await using huge = logServer(3, { message: (index) => index === 1 ? "x".repeat(60_000) : "small" });
  const rest = await client(huge.baseUrl, 50_000).listLogs(query);
  assertEquals([rest.lines.map((line) => line.message), rest.truncated], [["small"], true]);
});

Deno.test("listLogs() ends when a log claims to have more and never brings it", async () => {
  await using server = startStandIn(() =>
    json({ logs: [{ id: "1", message: "m", timestamp: "2026-01-01T00:00:00Z", labels: [] }], hasMore: true })
  );
  const { lines, truncated } = await client(server.baseUrl).listLogs(query);
  assertEquals([lines.length, truncated, server.seen.length], [1, true, 2]);
});
