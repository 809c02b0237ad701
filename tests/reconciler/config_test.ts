import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { ConfigurationError, loadConfiguration } from "../../reconciler/config.ts";
import { configJsonSchema } from "../../reconciler/config_schema.ts";
import { DEFAULT_POLICY } from "../../reconciler/policy.ts";
import { DEFAULT_AUTHOR, DEFAULT_HEALTH_PATH, DEFAULT_SPEC } from "../../reconciler/spec.ts";

const KEY: Record<string, string> = { RENDER_API_KEY: "rnd_test" };

/** Loads a file of this text; everything else comes from `variables`. */
async function load(text: string, variables?: Record<string, string>, services?: string[]) {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-config-" });
  try {
    const file = join(folder, "evenkeel.yaml");
    await Deno.writeTextFile(file, text);
    return await loadConfiguration({ file, services, environment: (name) => (variables ?? KEY)[name] });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The problems of a file, with the folder's name taken out. */
async function problemsOf(text: string, variables?: Record<string, string>, services?: string[]) {
  const error = await assertRejects(() => load(text, variables, services), ConfigurationError);
  return error.problems.map((problem) => problem.replace(/\S*evenkeel\.yaml/, "evenkeel.yaml"));
}

Deno.test("the example file loads and says the defaults and nothing else", async () => {
  const example = await Deno.readTextFile(new URL("../../evenkeel.example.yaml", import.meta.url));
  const configuration = await load(example);
  assertEquals(configuration.services, [{
    ...DEFAULT_SPEC,
    // The example names the path that Evenkeel falls back to; without it Render's own is followed.
    healthPath: DEFAULT_HEALTH_PATH,
    service: "my-api",
    repo: null,
    branch: null,
    expect: null,
    database: { kind: "none" },
    policy: DEFAULT_POLICY,
    generation: 1,
  }]);
  assertEquals(configuration.author, DEFAULT_AUTHOR);
});

Deno.test("every commented option of the example file is one that the loader takes", async () => {
  const example = await Deno.readTextFile(new URL("../../evenkeel.example.yaml", import.meta.url));
  const alternatives = example.split("\n    # database:").slice(1).map((part) =>
    part.split("\n").filter((line) => line.startsWith("    #   ")).map((line) => line.replace("#", " "))
  );
  assertEquals(alternatives.length, 3);
  const kinds = [];
  for (const lines of alternatives) {
    const text = `services:\n  - service: a\n    database:\n${lines.join("\n")}\n`;
    const variables = { ...KEY, MY_API_DATABASE_URL: "postgres://localhost/db" };
    kinds.push((await load(text, variables)).services[0]?.database.kind);
  }
  assertEquals(kinds, ["json-path", "render-postgres", "connection-env"]);
  const on = example.replace("# repo:", "repo:").replace("# branch:", "branch:").replace(
    "# expect:",
    "expect:",
  )
    .replace("#   status: ok", "  status: ok");
  const [service] = (await load(on)).services;
  assertEquals([service?.repo, service?.branch, service?.expect], ["https://github.com/me/my-api", "main", {
    status: "ok",
  }]);
});

Deno.test("a file with three errors reports three, each with line, field, value and what is allowed (promise 28)", async () => {
  const problems = await problemsOf(`services:
  - service: my-api
    mode: pusj
    stableFor: 2 minutes
    policy:
      attemptsMx: 3
`);
  assertEquals(problems, [
    'evenkeel.yaml:3: services[0].mode is "pusj", allowed is one of suggest, pull-request, push',
    'evenkeel.yaml:4: services[0].stableFor is "2 minutes", allowed is a duration from 0 ms to 1d, such as 90s or 5m',
    "evenkeel.yaml:6: there is no field services[0].policy.attemptsMx, did you mean attemptsMax?",
  ]);
});

Deno.test("errors of the file and of the environment are reported together (promise 28)", async () => {
  const problems = await problemsOf("services: []\n", {
    RENDER_API_URL: "ftp://me:hunter2hunter2@host",
    MAX_ITERATIONS: "0",
    EVENKEEL_MODE: "yolo",
    SESSION_ID: "../../etc",
    EVENKEEL_STABLE_FOR: "soon",
  });
  assertEquals(problems.length, 7);
  assertMatch(problems[0]!, /^evenkeel.yaml:1: services is an empty list, allowed is .* at least 1/);
  const rest = problems.slice(1).join("\n");
  for (
    const name of [
      "RENDER_API_KEY",
      "RENDER_API_URL",
      "MAX_ITERATIONS",
      "EVENKEEL_MODE",
      "SESSION_ID",
      "EVENKEEL_STABLE_FOR",
    ]
  ) {
    assertStringIncludes(rest, `environment: ${name} is`);
  }
  assertNotMatch(rest, /hunter2/);
});

Deno.test("broken YAML is reported with its line", async () => {
  const problems = await problemsOf("services:\n  - service: a\n   branch: [x\n");
  assert(problems.every((problem) => /^evenkeel\.yaml:[34]: /.test(problem)), problems.join("\n"));
});

Deno.test("YAML that repeats a key, nests aliases without end or is empty is refused", async () => {
  assertMatch((await problemsOf("services: []\nservices: []\n"))[0]!, /^evenkeel\.yaml:2: .*unique/);
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (let at = 0; at < 8; at++) {
    const [below, here] = [String.fromCharCode(97 + at), String.fromCharCode(98 + at)];
    bomb.push(`${here}: &${here} [${Array(10).fill(`*${below}`).join(",")}]`);
  }
  assertMatch((await problemsOf(bomb.join("\n")))[0]!, /alias/i);
  assertEquals(await problemsOf(""), ["evenkeel.yaml:1: services is missing, needed is a list"]);
  assertEquals(await problemsOf("just words"), [
    'evenkeel.yaml:1: the file is "just words", allowed is a map of fields',
  ]);
});

Deno.test("a service that is listed twice is refused with both lines (promise 28)", async () => {
  const problems = await problemsOf("services:\n  - service: a\n  - service: b\n  - service: a\n");
  assertEquals(problems.map((text) => text.replaceAll(/\S*evenkeel\.yaml/g, "evenkeel.yaml")), [
    'evenkeel.yaml:4: services[2].service is "a", which evenkeel.yaml:2 names already',
  ]);
});

Deno.test("a database that is half described is explained by the form it comes nearest to", async () => {
  const database = async (text: string) =>
    (await problemsOf(`services:\n  - service: a\n    database: ${text}\n`)).map((problem) =>
      problem.split(": ").slice(1).join(": ")
    );
  assertEquals(await database("{json: checks.db}"), [
    "services[0].database.good is missing, needed is a list",
  ]);
  assertEquals(await database("{postgres: my-db}"), [
    'services[0].database.postgres is "my-db", allowed is the id of a Render Postgres, dpg-...',
  ]);
  assertMatch(
    (await database("yes please"))[0]!,
    /is "yes please", allowed is one of none, \{json, good\}, \{postgres\}, \{env\}$/,
  );
});

Deno.test("contradictions between fields are reported together with errors in them (promise 28)", async () => {
  const text = `services:
  - service: a
  - service: a
    stableFor: x
  - service: b
    policy: { badSamples: 5, samplesWindow: 3 }
`;
  const problems = await problemsOf(text);
  assertEquals(problems.length, 3);
  assertStringIncludes(problems[0] ?? "", "services[1].service");
  assertStringIncludes(problems[1] ?? "", "stableFor");
  assertStringIncludes(problems[2] ?? "", "badSamples is 5");
});

Deno.test("a connection string that the environment does not have is missed at the start, not at night", async () => {
  const text = "services:\n  - service: a\n    database: { env: MY_API_DATABASE_URL }\n";
  const problems = await problemsOf(text);
  assertEquals(problems.length, 1);
  assertStringIncludes(problems[0] ?? "", "MY_API_DATABASE_URL is missing");
});

Deno.test("a connection string where a variable's name belongs is refused and not shown", async () => {
  const [problem] = await problemsOf(
    "services:\n  - service: a\n    database: {env: 'postgres://me:hunter2hunter2@db/x'}\n",
  );
  assertMatch(problem!, /database\.env is .* the name of an environment variable/);
  assertNotMatch(problem!, /hunter2/);
});

Deno.test("defaults reach every service, a service's own settings win, policies are merged field by field", async () => {
  const { services } = await load(`defaults:
  mode: suggest
  health: {path: /up, expect: {ok: true}}
  policy: {riskMax: low, effectsPerHourMax: 5, deniedPaths: [infra/**]}
services:
  - service: a
  - service: b
    mode: push
    health: {path: /live}
    policy: {riskMax: high, databaseWait: 1m, deniedPaths: [deploy/**]}
`);
  const [a, b] = services;
  assertEquals([a?.mode, a?.healthPath, a?.policy.riskMax], ["suggest", "/up", "low"]);
  assertEquals([b?.mode, b?.healthPath, b?.expect, b?.policy.riskMax], [
    "push",
    "/live",
    { ok: true },
    "high",
  ]);
  assertEquals([b?.policy.effectsPerHourMax, b?.policy.databaseWaitMs], [5, 60_000]);
  assertEquals(b?.policy.deniedPaths, [...DEFAULT_POLICY.deniedPaths, "infra/**", "deploy/**"]);
});

Deno.test("the environment overrides the file", async () => {
  const { services, ...rest } = await load("services:\n  - service: a\n    policy: {attemptsMax: 3}\n", {
    ...KEY,
    MAX_ITERATIONS: "7",
    EVENKEEL_MODE: "suggest",
    EVENKEEL_STABLE_FOR: "2s",
    RENDER_API_URL: "http://127.0.0.1:1234/v1/",
    EVENKEEL_DATA_DIR: "/var/lib/evenkeel",
    SESSION_ID: "night-1",
  });
  assertEquals([services[0]?.policy.attemptsMax, services[0]?.mode, services[0]?.stableForMs], [
    7,
    "suggest",
    2000,
  ]);
  assertEquals([rest.apiUrl, rest.dataDirectory, rest.sessionId], [
    "http://127.0.0.1:1234/v1",
    "/var/lib/evenkeel",
    "night-1",
  ]);
});

Deno.test("--service picks services of the file and refuses others with the nearest known one", async () => {
  const file = "services:\n  - service: my-api\n  - service: my-web\n";
  assertEquals((await load(file, KEY, ["my-web"])).services.map(({ service }) => service), ["my-web"]);
  const [problem] = await problemsOf(file, KEY, ["my-ap"]);
  assertEquals(problem, '--service: evenkeel.yaml has no service "my-ap", did you mean "my-api"?');
});

Deno.test("without a file, flags and environment are enough", async () => {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-config-" });
  try {
    const variables: Record<string, string> = { ...KEY, EVENKEEL_SERVICE: "a, b" };
    const environment = (name: string) => variables[name];
    const missing = join(folder, "none.yaml");
    const named = await assertRejects(
      () => loadConfiguration({ file: missing, environment }),
      ConfigurationError,
    );
    assertStringIncludes(named.message, "there is no such file");
    // The tests run in the project's folder, which has no evenkeel.yaml of its own.
    const fromVariable = await loadConfiguration({ environment });
    assertEquals(fromVariable.services.map(({ service }) => service), ["a", "b"]);
    const fromFlag = await loadConfiguration({ environment, services: ["c"] });
    assertEquals([fromFlag.services.length, fromFlag.services[0]?.service, fromFlag.file], [1, "c", null]);
    const nothing = await assertRejects(
      () => loadConfiguration({ environment: () => undefined }),
      ConfigurationError,
    );
    assertEquals(nothing.problems.length, 2);
    assertEquals(nothing.exitCode, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the JSON schema describes the file as it is written", () => {
  const text = JSON.stringify(configJsonSchema());
  for (
    const part of [
      '"stableFor":{',
      '"default":"2m"',
      '"enum":["suggest","pull-request","push"]',
      '"default":15',
    ]
  ) {
    assertStringIncludes(text, part);
  }
});
