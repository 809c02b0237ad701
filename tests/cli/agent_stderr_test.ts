import { assert, assertEquals } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { deployerAgent } from "../../agents/deployer/agent.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import { systemClock } from "../../base/clock.ts";
import { createTroubleTeller } from "../../cli/agent_trouble.ts";
import { startLog } from "../../cli/log.ts";
import { createSecrets } from "../../cli/secrets.ts";
import { createSessionRecorder } from "../../cli/session_recorder.ts";
import { agentSays, watchAgents } from "../../cli/watched.ts";
import { createCleanStore } from "../../state/clean_store.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { Canaries, canary } from "../scenarios/canaries.ts";
import { walkFiles } from "../scenarios/leftovers.ts";
import { UNSAFE } from "./hostile.ts";

Deno.test("what an agent cries out when it breaks is told without secrets and escapes (promise 15) (promise 14)", async () => {
  const secret = canary("quiet");
  const canaries = new Canaries({ secret });
  const directory = await Deno.makeTempDir({ prefix: "evenkeel-stderr-" });
  try {
    const program = join(directory, "agent.ts");
    await Deno.writeTextFile(
      program,
      `const secret = ${JSON.stringify(secret)};
console.log(JSON.stringify({ type: "log", message: "I have " + secret + "\\x1b[2J" }));
console.error("Uncaught: the secret is", secret, btoa(secret), "\\x1b]0;owned\\x07\\u202e");
Deno.exit(7);`,
    );
    const printed: string[] = [];
    const secrets = createSecrets([]);
    secrets.learn([secret]);
    await using _log = await startLog({ level: "debug", secrets, print: (line) => printed.push(line) });
    await using raw = await openSqliteStore(join(directory, "data.db"));
    const store = createCleanStore(raw, secrets.clean);
    const recorder = createSessionRecorder({
      dataDirectory: join(directory, "data"),
      sessionId: "s1",
      store,
      services: [],
      redact: secrets.redact,
      clock: systemClock,
      agents: "subprocess",
    });
    const tell = createTroubleTeller(systemClock);
    const runner = createSubprocessRunner({
      scratchRoot: join(directory, "scratch"),
      entry: () => toFileUrl(program),
      onLog: agentSays,
    });
    const runAgent = watchAgents(runner, (agent, failure, occasion) => {
      const event = tell(agent, failure, occasion);
      recorder.agentFailed(agent, failure, event, occasion);
    });
    const occasion = { serviceId: "srv-1", serviceName: "my-api", incidentId: null };
    const ended = await runAgent(deployerAgent, { task: "deploy", commit: null }, { toolbox: {}, occasion });
    assert(ended.kind === "failed" && canaries.isIn("secret", ended.message), "it did not cry out");
    await recorder.write();
    assert(printed.some((line) => line.includes("[redacted]")), printed.join("\n"));
    for (const line of printed) {
      canaries.assertNotIn("a line", line);
      assert(!UNSAFE.test(line), JSON.stringify(line));
    }
    for (const event of await raw.listEvents({ limit: 100 })) {
      canaries.assertNotIn("an event", JSON.stringify(event));
    }
    let files = 0;
    for await (const path of walkFiles(join(directory, "data"))) {
      files++;
      canaries.assertNotIn(path, await Deno.readTextFile(path));
    }
    assert(files > 0);
    assertEquals(await Array.fromAsync(Deno.readDir(join(directory, "scratch"))), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
