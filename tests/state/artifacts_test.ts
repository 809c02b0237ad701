import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { agentOutputSchema } from "../../state/artifact_shapes.ts";
import {
  appendFallbackLog,
  appendSwarmLog,
  SESSION_LOG_BYTES_MAX,
  writeAgentOutput,
  writeLearningState,
  writeSession,
} from "../../state/artifacts.ts";
import { appendBounded, writeAtomically } from "../../state/files.ts";
import { learningState, learningStateSchema } from "../../state/learning_state.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import type { Store } from "../../state/store.ts";
import { createRedactor } from "../../text/redact.ts";
import { sanitizeLog } from "../../text/sanitize.ts";
import { attempt, healed, incident, inFolder, namesIn, outcome, serviceRecord, START } from "./builders.ts";

const CANARY = "canary-5d1f-value";
const redact = createRedactor([CANARY]);
const options = {
  clean: (text: string) => redact(sanitizeLog(text)),
  clock: { now: () => START + 60_000, monotonic: () => 0, sleep: async () => {} },
};

function withStore(work: (folder: string, store: Store) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    await using store = await openSqliteStore(join(folder, "store", "state.db"));
    const deploy = { at: START, serviceId: "srv-1", deployId: "dep-1", variant: "remedy:unpin", seconds: 42 };
    await store.record({
      service: serviceRecord(),
      incident: healed(1),
      outcome: outcome(),
      performance: [deploy, { ...deploy, seconds: 99 }],
    });
    await store.record({
      incident: healed(2),
      outcome: outcome({ incidentId: "inc_2", outcome: "no_effect" }),
    });
    await store.record({
      incident: incident({
        id: "inc_3",
        openedAt: START + 5000,
        message: `\x1b[31mbad\x1b[0m ${CANARY}`,
        attempts: [attempt({ startedAt: START + 6000, error: `password=${CANARY}` })],
      }),
    });
    await work(folder, store);
  });
}

async function readJson(folder: string, ...path: string[]): Promise<unknown> {
  return JSON.parse(await Deno.readTextFile(join(folder, ...path)));
}

Deno.test("a failed dependency is one row for a service that was made again under its name", () => {
  const incidents = ["srv-2", "srv-1"].map((serviceId, at) =>
    incident({ id: `inc_${at}`, serviceId, attempts: [attempt({ startedAt: START - at })] })
  );
  const other = incident({ id: "inc_9", serviceId: "srv-9", serviceName: "web", attempts: [attempt()] });
  const learned = { incidents: [...incidents, other], tallies: [], performance: [], imports: [] };
  const rows = learningState(learned, START).failed_dependencies;
  assertEquals(rows.map(({ service, times }) => [service, times]), [["api", 2], ["web", 1]]);
});

Deno.test("the learning state lists what failed, what fixed it and how long it took", () =>
  withStore(async (folder, store) => {
    await writeLearningState(folder, store, options);
    const state = learningStateSchema.parse(
      await readJson(folder, "artifacts", "deploy_learning_state.json"),
    );
    assertEquals(state.failed_dependencies.map(({ times, lastSeenAt }) => [times, lastSeenAt]), [
      [3, new Date(START + 6000).toISOString()],
    ]);
    assertEquals(state.known_fixes, { "python-dependency-conflict": "unpin" });
    assertEquals(state.performance_map, { "remedy:unpin": 42 });
    assertEquals(
      state.remedies.map(({ remedy, healed, noEffect, worse }) => [remedy, healed, noEffect, worse]),
      [["unpin", 1, 1, 0]],
    );
    assertEquals(state.services["api"], {
      incidents: 3,
      healed: 2,
      stalled: 0,
      attempts: 3,
      medianHealMs: 500,
      lastHealedAt: new Date(START + 2500).toISOString(),
    });
    assertEquals(state.attempts.map((one) => [one.incident, one.status]), [
      ["inc_3", "running"],
      ["inc_2", "fixed"],
      ["inc_1", "fixed"],
    ]);
  }));

Deno.test("no escape and no secret reaches a file", () =>
  withStore(async (folder, store) => {
    const output = { text: `\x1b]0;x\x07log ${CANARY}`, [`key ${CANARY}`]: [{ deep: `x=${CANARY}` }] };
    await writeLearningState(folder, store, options);
    await writeSession(folder, "s1", { store }, options);
    await writeAgentOutput(folder, "analyzer", { session: "s1", attempt: 1, at: START, output }, options);
    await appendSwarmLog(folder, "s1", `analyzer: \x1b[1m${CANARY}`, options);
    await appendFallbackLog(folder, "s1", `token=${CANARY}\n`, options);
    const written = (await namesIn(folder)).filter((name) => !name.startsWith("store/"));
    assertEquals(written, [
      "artifacts/deploy_learning_state.json",
      "memory/sessions/s1/deployment_plan.json",
      "memory/sessions/s1/fallback_output.log",
      "memory/sessions/s1/final_state.json",
      "memory/sessions/s1/swarm_output.log",
      "memory/swarm/analyzer_output.json",
    ]);
    for (const name of written) {
      const text = await Deno.readTextFile(join(folder, name));
      assert(!text.includes(CANARY) && !text.includes("\\u001b") && !text.includes("\x1b"), name);
      assert(text.endsWith("\n"), name);
    }
    const agent = agentOutputSchema.parse(await readJson(folder, "memory", "swarm", "analyzer_output.json"));
    assertEquals(agent.output, { text: "log [redacted]", "key [redacted]": [{ deep: "x=[redacted]" }] });
  }));

Deno.test("an agent's answer that is too large leaves its size only", () =>
  inFolder(async (folder) => {
    const entry = { session: "s1", attempt: null, at: START, output: "x".repeat(3_000_000) };
    await writeAgentOutput(folder, "fixer", entry, options);
    const agent = agentOutputSchema.parse(await readJson(folder, "memory", "swarm", "fixer_output.json"));
    assertEquals(agent.output, "[... 3000002 characters]");
  }));

Deno.test("a session id or an agent name that is no plain name never becomes a path", () =>
  withStore(async (folder, store) => {
    const before = await namesIn(folder);
    for (
      const id of ["", ".", "..", "../x", "a/b", "/etc", "-rf", "a\0b", "a\nb", ".hidden", "x".repeat(129)]
    ) {
      await assertRejects(
        () => writeSession(folder, id, { store }, options),
        EvenkeelError,
        "Cannot use session id",
      );
    }
    const entry = { session: "s1", attempt: 1, at: START, output: null };
    await assertRejects(() => writeAgentOutput(folder, "../evil", entry, options));
    assertEquals(await namesIn(folder), before);
  }));

Deno.test("a replaced file is whole at every moment and no temporary file stays", () =>
  inFolder(async (folder) => {
    const path = join(folder, "state.json");
    const content = (number: number) => String(number % 10).repeat(50_000);
    await writeAtomically(path, content(0));
    const writes = Array.from({ length: 20 }, (_, at) => writeAtomically(path, content(at)));
    let reading = true;
    const reader = (async () => {
      while (reading) {
        const text = await Deno.readTextFile(path);
        assertEquals([text.length, new Set(text).size], [50_000, 1]);
      }
    })();
    await Promise.all(writes);
    reading = false;
    await reader;
    assertEquals(await Deno.readTextFile(path), content(19));
    assertEquals(await namesIn(folder), ["state.json"]);
  }));

Deno.test("a file that cannot be replaced stays as it was, without a temporary file", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(join(folder, "taken", "inside"), { recursive: true });
    await assertRejects(() => writeAtomically(join(folder, "taken"), "text"));
    await writeAtomically(join(folder, "other"), "text");
    assertEquals(await namesIn(folder), ["other"]);
  }));

Deno.test("a session's log turns over before it is too large (promise 23)", () =>
  inFolder(async (folder) => {
    const path = join(folder, "log");
    for (let number = 0; number < 30; number++) await appendBounded(path, `line ${number}\n`, 50);
    assertEquals(await namesIn(folder), ["log", "log.1"]);
    for (const name of ["log", "log.1"]) assertLessOrEqual((await Deno.stat(join(folder, name))).size, 50);
    assert((await Deno.readTextFile(path)).endsWith("line 29\n"));
    assert(SESSION_LOG_BYTES_MAX > 0);
  }));
