/** Specs that are wrong or leave nobody to look after, given to the commands as they are started. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { run } from "../../process/run.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { serviceRecord } from "../state/builders.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));

interface Refusal {
  file: string;
  variables?: Record<string, string>;
  args?: string[];
  /** The field and its value, as they are named. */
  names: RegExp;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  "a list without services": { file: "services: []\n", names: /evenkeel\.yaml:1: services is an empty list/ },
  "a file whose services are commented out": {
    file: "# services:\n#   - service: my-api\n",
    names: /evenkeel\.yaml:1: services is missing/,
  },
  "services that are nothing": { file: "services:\n", names: /evenkeel\.yaml:1: services is null/ },
  "a service that the file does not have": {
    file: "services:\n  - service: my-api\n",
    args: ["--service", "my-apj"],
    names: /my-apj.*my-api/s,
  },
  "a quiet time without end": {
    file: "services:\n  - service: my-api\n    stableFor: 900d\n",
    names: /evenkeel\.yaml:3: services\[0\]\.stableFor is "900d"/,
  },
  "a budget of nothing": {
    file: "services:\n  - service: my-api\n    policy:\n      effectsPerDayMax: 0\n",
    names: /evenkeel\.yaml:4: services\[0\]\.policy\.effectsPerDayMax is 0/,
  },
  "attempts that are no number": {
    file: "services:\n  - service: my-api\n",
    variables: { MAX_ITERATIONS: "lots" },
    names: /MAX_ITERATIONS is "lots"/,
  },
};

/** Runs a command in a folder with this spec and a store that remembers a service. */
async function isRefused(command: string, what: string, refusal: Refusal, url: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-spec-" });
  try {
    const data = join(folder, "data");
    {
      await using store = await openSqliteStore(join(data, "evenkeel.db"));
      await store.record({ service: serviceRecord({ serviceId: "srv-a", name: "my-api" }) });
    }
    const before = await Deno.readFile(join(data, "evenkeel.db"));
    await Deno.writeTextFile(join(folder, "evenkeel.yaml"), refusal.file);
    const result = await run({
      command: [Deno.execPath(), "run", "-A", "--no-check", MAIN, command, ...refusal.args ?? []],
      cwd: folder,
      env: {
        ...toolEnvironment(),
        HOME: Deno.env.get("HOME") ?? folder,
        RENDER_API_KEY: "rnd_test",
        RENDER_API_URL: url,
        EVENKEEL_DATA_DIR: data,
        ...refusal.variables,
      },
      timeoutMs: 60_000,
    });
    assert(result.kind === "exited", what);
    assertEquals([result.code, result.stdout], [2, ""], what);
    assertMatch(result.stderr, refusal.names, what);
    assertStringIncludes(result.stderr, "Cannot use the configuration", what);
    assertEquals(await Deno.readFile(join(data, "evenkeel.db")), before, what);
    assertEquals(await Array.fromAsync(Deno.readDir(data), ({ name }) => name), ["evenkeel.db"], what);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a spec that is wrong or empties the fleet is refused by field and value, and nothing is asked or changed (promise 28)", async () => {
  let asked = 0;
  await using render = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    asked++;
    return new Response("[]");
  });
  const url = `http://127.0.0.1:${render.addr.port}/v1`;
  // The daemon and the one-shot by turns: both read the spec in the same place.
  const commands = ["reconcile", "once"];
  await Promise.all(
    Object.entries(REFUSALS).map(([what, refusal], at) =>
      isRefused(commands[at % commands.length]!, what, refusal, url)
    ),
  );
  assertEquals(asked, 0);
});
