import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { createSubprocessRunner } from "../../agents/runner.ts";
import type { MonitorInput, MonitorOutput } from "../../agents/messages.ts";
import { databaseAddress, selectOne } from "../../agents/monitor/database.ts";
import { monitorAgent } from "../../agents/monitor/agent.ts";
import { startGroup } from "../../process/group.ts";
import { run } from "../../process/run.ts";
import { withPatience } from "../helpers/patience.ts";

/** Runs the monitor in this process: its judgement is what is tested here. */
async function monitor(url: string, input: Partial<MonitorInput> = {}): Promise<MonitorOutput> {
  return await monitorAgent.answer({ ...INPUT, url, ...input }, () => Promise.reject(new Error("no tools")));
}

const INPUT: MonitorInput = {
  url: "",
  healthPath: "/healthz",
  expect: null,
  database: { kind: "none" },
  timeoutMs: 30_000,
  bodyBytesMax: 10_000,
  maySleep: false,
};

const words = (output: MonitorOutput) =>
  [output.health, output.json, output.database].map(({ status, reason }) => `${status} ${reason}`);

/** A service that gives one answer to everything. */
function serve(answer: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** A service that says these bytes and closes, or stays silent when there are none. */
function serveRaw(bytes: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      await connection.read(new Uint8Array(4096)).catch(() => null);
      if (bytes === "") continue;
      await connection.write(new TextEncoder().encode(bytes)).catch(() => 0);
      connection.close();
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    port: listener.addr.port,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await accepting.catch(() => {});
      for (const connection of connections) {
        try {
          connection.close();
        } catch {
          // Closed already.
        }
      }
    },
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("the monitor's process finds a good service good", async () => {
  await using service = serve(({ url }) =>
    Response.json({ status: "ok", path: new URL(url).pathname, db: "up" })
  );
  const scratchRoot = await Deno.makeTempDir({ prefix: "evenkeel-monitor-" });
  const result = await createSubprocessRunner({ scratchRoot })(monitorAgent, {
    ...INPUT,
    url: service.url,
    expect: { status: "ok", path: "/healthz" },
    database: { kind: "json-path", path: "db", good: ["up", true] },
  }, { toolbox: {} });
  await Deno.remove(scratchRoot);
  assert(result.kind === "answered", JSON.stringify(result));
  assertEquals(words(result.output), ["good Answered", "good Matches", "good DatabaseUp"]);
  assertEquals(result.output.httpStatus, 200);
});

Deno.test("a wrong status or a redirect is bad, and the body of an error still tells of JSON and database", async () => {
  const database = { kind: "json-path" as const, path: "checks.database", good: ["up"] };
  {
    await using service = serve(() => Response.json({ checks: { database: "down" } }, { status: 503 }));
    const output = await monitor(service.url, { database });
    assertEquals(words(output), ["bad HttpStatus", "good Parsed", "bad DatabaseDown"]);
    assertEquals(output.health.message, "/healthz answered 503");
    assertEquals(output.database.message, 'checks.database is "down"');
  }
  {
    await using service = serve(() => new Response("<h1>Bad Gateway</h1>", { status: 502 }));
    assertEquals(words(await monitor(service.url, { database })), [
      "bad HttpStatus",
      "unknown NotJson",
      "unknown NotJson",
    ]);
  }
  {
    const headers = { location: "https://login.example.com/in?token=secret" };
    await using service = serve(() => new Response(null, { status: 302, headers }));
    const output = await monitor(service.url);
    assertEquals(output.health.message, "/healthz answered 302 to https://login.example.com/in");
  }
});

Deno.test("Render's own answers are told apart from the service's", async () => {
  const routed = (routing: string, status: number) =>
    serve(() => new Response("", { status, headers: { "x-render-routing": routing } }));
  await using nobody = routed("no-server", 404);
  assertEquals((await monitor(nobody.url)).health.reason, "NoServer");
  await using asleep = routed("hibernate-wake-error", 503);
  assertEquals((await monitor(asleep.url)).health.status, "unknown");
});

Deno.test("a body that is not JSON, not as expected or empty is bad", async () => {
  const judge = async (body: string, expect: MonitorInput["expect"] = null) => {
    await using service = serve(() => new Response(body));
    return (await monitor(service.url, { expect })).json;
  };
  const html = await judge("<!DOCTYPE html>\x1b[31m");
  assertEquals([html.status, html.reason, html.message], [
    "bad",
    "NotJson",
    "the body begins with <!DOCTYPE html>",
  ]);
  assertEquals((await judge("")).reason, "NotJson");
  assertEquals((await judge('{"a":1', null)).reason, "NotJson");
  assertEquals(
    (await judge('{"a":{"b":[1,2],"c":3}}', { a: { b: [2, 1] } })).message,
    "a.b is [1,2], expected [2,1]",
  );
  assertEquals((await judge('{"a":{}}', { a: { b: null } })).message, "a.b is missing, expected null");
  assertEquals((await judge("[1]", { a: 1 })).message, "the body is [1], expected an object");
  assertEquals((await judge('{"a":1,"more":2}', { a: 1 })).status, "good");
  assertEquals((await judge(`${"[".repeat(4000)}${"]".repeat(4000)}`, null)).status, "good");
});

Deno.test("a body that was cut short or is too large is unknown, never bad", async () => {
  const database = { kind: "json-path" as const, path: "db", good: ["up"] };
  await using short = serveRaw('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"db":"up"}');
  assertEquals(words(await monitor(short.url, { database })), [
    "good Answered",
    "unknown BodyCut",
    "unknown BodyCut",
  ]);
  await using chunked = serveRaw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\n{"db":"up"}\r\n');
  assertEquals((await monitor(chunked.url)).json.reason, "BodyCut");
  await using large = serve(() => new Response(" ".repeat(20_000)));
  assertEquals((await monitor(large.url)).json.reason, "BodyTooLarge");
  await using stalled = serve(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    return new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("{"));
          timer = setTimeout(() => controller.close(), 60_000);
        },
        cancel: () => clearTimeout(timer),
      }),
    );
  });
  const cut = await withPatience(
    500,
    (timeoutMs) => monitor(stalled.url, { timeoutMs }),
    ({ httpStatus }) => httpStatus !== null,
  );
  assertEquals(words(cut), [
    "good Answered",
    "unknown BodyCut",
    "good NotAsked",
  ]);
});

Deno.test("a body that unfolds from a few kilobytes is read no further than its cap (promise 19)", async () => {
  const zeros = new Blob([new Uint8Array(64 * 1024 * 1024)]).stream();
  const bomb = await new Response(zeros.pipeThrough(new CompressionStream("gzip"))).bytes();
  await using folded = serve(() => new Response(bomb, { headers: { "content-encoding": "gzip" } }));
  assertEquals((await monitor(folded.url)).json.reason, "BodyTooLarge");
});

Deno.test("silence is bad, or unknown where the service may be asleep; no connection is unknown (promise 12)", async () => {
  await using silent = serveRaw("");
  const unanswered = await withPatience(
    250,
    (timeoutMs) => monitor(silent.url, { timeoutMs }),
    ({ health }) => health.status === "bad",
  );
  assertEquals(words(unanswered), [
    "bad ProbeTimeout",
    "unknown NoBody",
    "good NotAsked",
  ]);
  assertEquals((await monitor(silent.url, { timeoutMs: 200, maySleep: true })).health.status, "unknown");
  // An address for documentation (RFC 5737): nobody is there, whether the network says so or not.
  assertEquals((await monitor("http://192.0.2.1", { timeoutMs: 200 })).health.status, "unknown");
  const refused = await monitor(`http://127.0.0.1:${freePort()}`);
  assertEquals([refused.health.status, refused.health.reason], ["unknown", "ConnectionFailed"]);
  assertEquals(refused.httpStatus, null);
  assertStringIncludes(refused.health.message, "Connection refused");
  await using garbage = serveRaw("I do not speak HTTP\r\n\r\n");
  assertEquals((await monitor(garbage.url)).health.status, "unknown");
});

Deno.test("a path that the body does not have is unknown: a typo is no database that is down", async () => {
  await using service = serve(() => Response.json({ checks: [{ up: true }] }));
  const at = async (path: string) =>
    (await monitor(service.url, { database: { kind: "json-path", path, good: [true] } })).database;
  assertEquals((await at("checks.0.up")).status, "good");
  for (const path of ["checks.1.up", "check.0.up", "checks.0.up.more", "toString", "__proto__"]) {
    assertEquals((await at(path)).reason, "PathMissing", path);
  }
});

Deno.test("databaseAddress() finds the one host that the monitor may reach", () => {
  assertEquals(databaseAddress("postgres://u:p@db.example.com/app"), "db.example.com:5432");
  assertEquals(databaseAddress("postgresql://u@[::1]:6432/app?sslmode=require"), "[::1]:6432");
  for (const odd of ["mysql://h/d", "host=db user=u", "postgres:///app", "postgres://a:1,b:2/app", ""]) {
    assertEquals(databaseAddress(odd), undefined, odd);
  }
});

Deno.test("a database that refuses is bad, one that is silent or unknown by name is unknown", async () => {
  const url = (where: string) => `postgres://someone:hunter2secret@${where}/app`;
  const [refused, unknown, odd] = await Promise.all([
    selectOne(url(`127.0.0.1:${freePort()}`), 5000),
    selectOne(url("no-such-host.invalid"), 5000),
    selectOne("hunter2secret", 5000),
  ]);
  assertEquals([refused.status, refused.reason], ["bad", "ConnectionRefused"]);
  assertEquals(unknown.status, "unknown");
  assertEquals([odd.status, odd.reason], ["unknown", "ConnectionString"]);
  await using silent = serveRaw("");
  const late = await selectOne(url(`127.0.0.1:${silent.port}`), 200);
  assertEquals([late.status, late.reason], ["unknown", "DatabaseTimeout"]);
  assertEquals(JSON.stringify([refused, unknown, odd, late]).includes("hunter2secret"), false);
});

const postgresFolder = await findPostgres();
Deno.test({
  name: "the monitor's process asks a real PostgreSQL, and tells a wrong password from a right one",
  ignore: postgresFolder === undefined,
  fn: async () => {
    assert(postgresFolder !== undefined);
    await using database = await startPostgres(postgresFolder);
    const scratchRoot = await Deno.makeTempDir({ prefix: "evenkeel-monitor-" });
    const runAgent = createSubprocessRunner({ scratchRoot });
    await using service = serve(() => Response.json({}));
    const ask = async (user: string, password: string, name: string) => {
      const connectionString = `postgres://${user}:${password}@127.0.0.1:${database.port}/${name}`;
      const input = {
        ...INPUT,
        url: service.url,
        database: { kind: "connection" as const, connectionString },
      };
      const result = await runAgent(monitorAgent, input, { toolbox: {} });
      assert(result.kind === "answered", JSON.stringify(result));
      return `${result.output.database.status} ${result.output.database.reason}`;
    };
    assertEquals(await ask("keeper", "right", "postgres"), "good DatabaseUp");
    assertEquals(await ask("keeper", "wrong", "postgres"), "bad AuthenticationFailed");
    assertEquals(await ask("keeper", "right", "nowhere"), "bad DatabaseMissing");
    await Deno.remove(scratchRoot);
  },
});

async function findPostgres(): Promise<string | undefined> {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  const debian = await Array.fromAsync(Deno.readDir("/usr/lib/postgresql")).catch(() => []);
  for (const folder of [...folders, ...debian.map(({ name }) => `/usr/lib/postgresql/${name}/bin`)]) {
    if (await Deno.stat(join(folder, "initdb")).then(() => true, () => false)) return folder;
  }
  return undefined;
}

/** A PostgreSQL of its own on a free port, with the user keeper and the password "right". */
async function startPostgres(programs: string) {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-postgres-", dir: "/tmp" });
  const data = join(folder, "data");
  const port = freePort();
  await Deno.writeTextFile(join(folder, "password"), "right\n");
  // PostgreSQL does not run as root.
  const isRoot = Deno.uid() === 0;
  if (isRoot) await run({ command: ["chown", "-R", "nobody", folder], cwd: "/", env: {}, timeoutMs: 10_000 });
  const as = isRoot ? ["setpriv", "--reuid=nobody", "--clear-groups"] as const : ["env"] as const;
  const start = async (...args: string[]) => {
    const [program = "", ...rest] = args;
    const result = await run({
      command: [...as, join(programs, program), ...rest],
      cwd: folder,
      env: { PATH: Deno.env.get("PATH") ?? "", LC_ALL: "C" },
      timeoutMs: 60_000,
    });
    if (result.kind !== "exited" || result.code !== 0) {
      throw new Error(`${program}: ${result.stdout}${result.stderr}`);
    }
  };
  const password = `--pwfile=${join(folder, "password")}`;
  await start("initdb", "-D", data, "-U", "keeper", "-A", "scram-sha-256", "--no-sync", password);
  const server = startGroup({
    command: [
      ...as,
      join(programs, "postgres"),
      "-D",
      data,
      "-p",
      String(port),
      "-k",
      folder,
      "-h",
      "127.0.0.1",
    ],
    cwd: folder,
    env: { LC_ALL: "C" },
    scratch: folder,
  });
  const quiet = Promise.all([
    server.stdout.pipeTo(new WritableStream()),
    server.stderr.pipeTo(new WritableStream()),
  ]);
  for (let tries = 0; tries < 2_000; tries++) {
    const listens = await Deno.connect({ hostname: "127.0.0.1", port }).then(
      (c) => (c.close(), true),
      () => false,
    );
    if (listens) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.signal("SIGINT");
      await server.status;
      await server.end();
      await quiet;
      assertStringIncludes(String(await Deno.stat(folder).catch((error) => error.name)), "NotFound");
    },
  };
}
