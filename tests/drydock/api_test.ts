import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { Harbour, nodeRepository } from "./harbour.ts";

const refusalSchema = z.object({ id: z.string(), message: z.string() });

async function refusal(response: Response): Promise<[number, string]> {
  return [response.status, refusalSchema.parse(await response.json()).message];
}

Deno.test("a request without the key is answered 401, one that accepts no JSON 406, an unknown path 404", async () => {
  await using harbour = await Harbour.open();
  const wrong = await harbour.fetch("GET", "/services", undefined, { authorization: "Bearer rnd_wrong" });
  assertEquals(await refusal(wrong), [401, "Unauthorized"]);
  assertEquals((await refusal(await fetch(`${harbour.drydock.url}/services`)))[0], 401);
  assertEquals(
    (await refusal(await harbour.fetch("GET", "/services", undefined, { accept: "text/html" })))[0],
    406,
  );
  assertEquals((await refusal(await harbour.fetch("GET", "/nothing")))[0], 404);
  assertEquals((await refusal(await harbour.fetch("GET", "/services/srv-none")))[0], 404);
});

Deno.test("requests beyond the limit of their class are refused with 429 and the seconds to wait", async () => {
  await using harbour = await Harbour.open({
    speed: 1,
    rateLimits: { read: { requests: 2, windowMs: 60_000 } },
  });
  const first = await harbour.fetch("GET", "/services");
  assertEquals([first.headers.get("ratelimit-limit"), first.headers.get("ratelimit-remaining")], ["2", "1"]);
  assert(Number(first.headers.get("ratelimit-reset")) > 0);
  assert(first.headers.get("x-request-id")?.startsWith("req-"));
  await first.body?.cancel();
  await harbour.call("GET", "/owners");
  const refused = await harbour.fetch("GET", "/services");
  assert(Number(refused.headers.get("retry-after")) >= 1);
  assertEquals(await refusal(refused), [429, "rate limit exceeded"]);
  // Writes are another class.
  await harbour.call("POST", "/postgres", {
    name: "db",
    ownerId: harbour.drydock.ownerId,
    plan: "free",
    version: "17",
  });
});

Deno.test("a wrong body is refused with the names of its fields", async () => {
  await using harbour = await Harbour.open();
  const [status, message] = await refusal(
    await harbour.fetch("POST", "/services", {
      type: "web_service",
      ownerId: harbour.drydock.ownerId,
      repo: "ext::sh -c true",
      serviceDetails: { runtime: "node" },
    }),
  );
  assertEquals(status, 400);
  assertStringIncludes(message, "name: ");
  assertStringIncludes(message, "repo: ");
  const commands = await harbour.fetch("POST", "/services", {
    type: "web_service",
    name: "a",
    ownerId: harbour.drydock.ownerId,
    repo: "/nowhere",
    serviceDetails: { runtime: "node" },
  });
  assertStringIncludes((await refusal(commands))[1], "serviceDetails.envSpecificDetails.buildCommand");
});

Deno.test("lists come in pages that continue at the cursor, and array filters take commas and repeats", async () => {
  await using harbour = await Harbour.open();
  for (const name of ["a", "b", "c"]) {
    await harbour.call("POST", "/postgres", {
      name,
      ownerId: harbour.drydock.ownerId,
      plan: "free",
      version: "17",
    });
  }
  const schema = z.array(z.object({ cursor: z.string(), postgres: z.object({ name: z.string() }) }));
  const names = async (query: string) => schema.parse(await harbour.call("GET", `/postgres?${query}`));
  const first = await names("limit=2");
  const second = await names(`limit=2&cursor=${first.at(-1)?.cursor}`);
  assertEquals([...first, ...second].map(({ postgres }) => postgres.name), ["c", "b", "a"]);
  assertEquals((await names("name=a,b")).length, 2);
  assertEquals((await names("name=a&name=c")).length, 2);
  for (const query of ["limit=0", "limit=101", "cursor=nonsense"]) {
    assertEquals((await refusal(await harbour.fetch("GET", `/postgres?${query}`)))[0], 400);
  }
});

Deno.test("the log pages forward and backward without a gap or a repeat, and filters by type and text", async () => {
  await using repository = await nodeRepository();
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, { commands: { buildCommand: "seq 1 40" } });
  await berth.isLive();
  // What comes after live may still be on its way: the pages are compared up to one instant.
  const whole = await berth.logPage("&direction=forward&limit=1000");
  const end = whole.logs.at(-1)!.timestamp;
  for (const direction of ["forward", "backward"]) {
    const seen: string[] = [];
    let page = await berth.logPage(`&direction=${direction}&limit=7&endTime=${end}`);
    for (
      ;
      page.hasMore;
      page = await berth.logPage(
        `&direction=${direction}&limit=7&startTime=${page.nextStartTime}&endTime=${page.nextEndTime}`,
      )
    ) {
      seen.push(...page.logs.map(({ timestamp }) => timestamp));
    }
    seen.push(...page.logs.map(({ timestamp }) => timestamp));
    const expected = whole.logs.map(({ timestamp }) => timestamp);
    assertEquals(seen, direction === "forward" ? expected : expected.toReversed());
  }
  const stamps = whole.logs.map(({ timestamp }) => timestamp);
  assertEquals(stamps, stamps.toSorted());
  assertEquals(new Set(stamps).size, stamps.length);
  assert((await berth.log("&type=build")).includes("40"));
  assert(!(await berth.log("&type=app")).includes("40"));
  assertEquals(await berth.log("&text=Cloning*from"), [`==> Cloning from ${repository.url}`]);
  assertEquals(await berth.log(`&text=${encodeURIComponent("/^4[01]$/")}`), ["40"]);
  const { ownerId } = harbour.drydock;
  assertEquals((await refusal(await harbour.fetch("GET", `/logs?ownerId=${ownerId}`)))[0], 400);
});

Deno.test("environment variables are listed, replaced, set and deleted one by one", async () => {
  await using repository = await nodeRepository();
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, {
    envVars: [{ key: "A", value: "1" }, { key: "S", generateValue: true }],
  });
  const path = `/services/${berth.id}/env-vars`;
  const list = async () =>
    z.array(z.object({ envVar: z.object({ key: z.string(), value: z.string() }) })).parse(
      await harbour.call("GET", path),
    )
      .map(({ envVar }) => envVar.key);
  assertEquals(await list(), ["A", "S"]);
  await harbour.call("PUT", `${path}/B`, { value: "2" });
  await harbour.call("DELETE", `${path}/A`);
  assertEquals(await list(), ["S", "B"]);
  await harbour.call("PUT", path, [{ key: "C", value: "3" }]);
  assertEquals(await list(), ["C"]);
  assertEquals((await refusal(await harbour.fetch("GET", `${path}/A`)))[0], 404);
  assertEquals((await refusal(await harbour.fetch("PUT", `${path}/B=C`, { value: "x" })))[0], 400);
});

Deno.test("a deleted service is gone, with its processes", async () => {
  await using repository = await nodeRepository();
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository);
  await berth.isLive();
  const deleted = await harbour.fetch("DELETE", `/services/${berth.id}`);
  assertEquals([deleted.status, await deleted.text()], [204, ""]);
  assertEquals((await refusal(await harbour.fetch("GET", `/services/${berth.id}`)))[0], 404);
  assert(await fetch(berth.url).then(() => false, () => true));
});
