import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { z } from "zod";
import type { Agent, RunAgent } from "../../agents/agent.ts";
import { runInline } from "../../agents/inline.ts";
import { EvenkeelError } from "../../base/errors.ts";
import { logOf } from "../../base/log.ts";
import { levelOf, startLog } from "../../cli/log.ts";
import type { Level } from "../../cli/log.ts";
import { createSecrets, LEARNED_MAX, learnFrom, ownSecrets } from "../../cli/secrets.ts";
import { watchAgents, watchFetch } from "../../cli/watched.ts";
import { createRenderClient } from "../../render/client.ts";

const CANARY = "canary-8c41-value";

/** What is printed at a level while `work` runs. */
async function printed(
  level: Level,
  work: () => unknown,
  secrets = createSecrets([CANARY]),
): Promise<string[]> {
  const lines: string[] = [];
  await using _log = await startLog({ level, secrets, print: (line) => lines.push(line) });
  await work();
  return lines;
}

function sayAll(): void {
  const log = logOf("test");
  log.debug("one");
  log.info("two");
  log.warn("three");
  log.error("four");
}

Deno.test("each level says itself and what is graver", async () => {
  const words = async (level: Level) => (await printed(level, sayAll)).map((line) => line.split(" ").at(-1));
  assertEquals(await words("debug"), ["one", "two", "three", "four"]);
  assertEquals(await words("info"), ["two", "three", "four"]);
  assertEquals(await words("warn"), ["three", "four"]);
  assertEquals(await words("error"), ["four"]);
  assertEquals(await printed("debug", () => {}), [], "nothing is printed when the log has ended");
});

Deno.test("a line of the log is one line without a secret, an escape or a placeholder", async () => {
  const [line = "", ...others] = await printed(
    "debug",
    () =>
      logOf("test").warn(
        `{0} {text} ${CANARY}\n\x1b[31mred https://me:hunter2secret@host/x ${"y".repeat(2000)}`,
      ),
  );
  assertEquals(others, []);
  assertStringIncludes(line, "{0} {text} [redacted]");
  assertMatch(line, /https:\/\/\[redacted\]@host/);
  // deno-lint-ignore no-control-regex -- control characters are what must not be there
  assertEquals(/hunter2|canary|[\x00-\x1f]/.test(line) || line.length > 500, false, line);
});

Deno.test("a line of the log is dated by the clock that dates everything else", async () => {
  const lines: string[] = [];
  const clock = { now: () => Date.parse("2021-02-03T04:05:06Z") };
  {
    await using _log = await startLog({
      level: "warn",
      secrets: createSecrets([]),
      print: (line) => lines.push(line),
      clock,
    });
    logOf("test").warn("one");
  }
  assertEquals(lines.join("\n").match(/\d+:\d+:\d+/)?.[0], "04:05:06");
});

Deno.test("--verbose wins over EVENKEEL_LOG, and a level that is none is refused with the nearest", () => {
  assertEquals([
    levelOf(true, "error"),
    levelOf(false, "info"),
    levelOf(false, ""),
    levelOf(false, undefined),
  ], [
    "debug",
    "info",
    "warn",
    "warn",
  ]);
  const error = assertThrows(() => levelOf(false, "debgu"), EvenkeelError, 'EVENKEEL_LOG is "debgu"');
  assertEquals(error.hint, "Set EVENKEEL_LOG to debug");
  assertThrows(() => levelOf(false, "constructor"), EvenkeelError);
});

Deno.test("calls of the API are said with method, path, status and duration, without base, query or body", async () => {
  const send = watchFetch(
    "https://api.example.com/v1",
    () => Promise.resolve(new Response("{}", { status: 429 })),
  );
  const lines = await printed("debug", async () => {
    await send(`https://api.example.com/v1/services/srv-1?token=${CANARY}`, {
      method: "PATCH",
      body: CANARY,
    });
    const fail = watchFetch("https://api.example.com/v1", () => Promise.reject(new Error(CANARY)));
    await fail("https://api.example.com/v1/logs").catch(() => {});
  });
  assertEquals(lines.length, 2);
  assertMatch(lines[0] ?? "", /api +PATCH \/services\/srv-1 answered 429 in \d+ ms$/);
  assertMatch(lines[1] ?? "", /api +GET \/logs was not answered after \d+ ms$/);
});

const output = z.object({ verdict: z.enum(["pass", "fail"]), checks: z.array(z.never()) });
const validator: Agent<null, z.infer<typeof output>> = {
  name: "validator",
  input: z.null(),
  output,
  tools: ["look", "break"],
  limits: { deadlineMs: 30_000, memoryMiB: 64, outputBytesMax: 1024 },
  permissions: () => ({}),
  async answer(_, ask) {
    await ask("look", CANARY);
    await ask("break", null).catch(() => {});
    return { verdict: "pass", checks: [] };
  },
};

Deno.test("runs of agents and their tool calls are said with durations, and a failed run is told", async () => {
  const failures: string[] = [];
  const run: RunAgent = watchAgents(
    runInline,
    (agent, { why, message }) => failures.push(`${agent} ${why}: ${message}`),
  );
  const toolbox = {
    look: { input: z.string(), run: () => Promise.resolve(CANARY) },
    break: { input: z.null(), run: () => Promise.reject(new Error(`no ${CANARY}`)) },
  };
  const lines = await printed("debug", async () => {
    await run(validator, null, {
      toolbox,
      occasion: { serviceId: "srv-1", serviceName: "my-api", incidentId: null },
    });
    const broken = { ...validator, answer: () => Promise.reject(new Error("gone")) };
    await run(broken, null, { toolbox });
  });
  const texts = lines.map((line) => line.replace(/^\S+ +/, "").replaceAll(/\d+ ms/g, "N ms"));
  assertEquals(texts, [
    "tool   look for the validator in N ms",
    "tool   break for the validator failed after N ms: no [redacted]",
    "agent  validator of my-api in N ms: pass (0 checks)",
    "agent  validator failed after N ms, crash: gone",
  ]);
  assertEquals(failures, ["validator crash: gone"]);
});

Deno.test("what a service keeps in its variables is a secret from the moment it is read", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json([{ envVar: { key: "WORD", value: CANARY }, cursor: "c" }]),
  );
  const secrets = createSecrets(["the-api-key"]);
  const baseUrl = `http://127.0.0.1:${server.addr.port}/v1`;
  const api = learnFrom(createRenderClient({ apiKey: "the-api-key", baseUrl }), secrets);
  assertEquals(secrets.redact(`${CANARY} the-api-key`), `${CANARY} [redacted]`);
  await api.listEnvVars("srv-1");
  assertEquals(secrets.redact(`${CANARY} the-api-key`), "[redacted] [redacted]");
});

Deno.test("secrets that are learned have a ceiling, and our own stay (promise 23)", () => {
  const secrets = createSecrets(["own-secret-value"]);
  secrets.learn(Array.from({ length: LEARNED_MAX + 10 }, (_, at) => `learned-${at}-zzzz`));
  assertEquals(secrets.redact("own-secret-value"), "[redacted]");
  assertEquals(secrets.redact("learned-3-zzzz"), "learned-3-zzzz");
  assertEquals(secrets.redact(`learned-${LEARNED_MAX + 9}-zzzz`), "[redacted]");
});

Deno.test("a run's own secrets are its keys, its tokens and its connection strings", () => {
  const environment = {
    DB: "postgres://u:p@h/d",
    EVENKEEL_STATUS_TOKEN: "status-token",
    SMTP_PASSWORD: "of-something-else",
    LANG: "C.UTF-8",
  };
  // Only the database and the repository of a spec matter here.
  const services = [{
    repo: "https://me:of-git@git.example/a.git",
    database: { kind: "connection-env", variable: "DB" },
  }] as Parameters<
    typeof ownSecrets
  >[0]["services"];
  const webhook = { secrets: ["whsec_1"], id: null };
  const hooks = {
    preset: "none",
    targets: { notify: { kind: "http", url: "https://x.example/?token=of-a-hook", deadlineMs: 1 } },
  } as const;
  assertEquals(
    ownSecrets({ apiKey: "key", githubToken: null, services, webhook, hooks }, environment).toSorted(),
    ["key", "of-a-hook", "of-git", "of-something-else", "postgres://u:p@h/d", "status-token", "whsec_1"],
  );
});
