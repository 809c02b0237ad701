/** Escape attempts, one by one and all at once, by the real runner with the permissions of each of the six agents. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { AgentLimits, AgentPermissions, Toolbox } from "../../agents/agent.ts";
import { analyzer } from "../../agents/analyzer/agent.ts";
import { deployerAgent } from "../../agents/deployer/agent.ts";
import { fixer } from "../../agents/fixer/agent.ts";
import type { AgentName, MonitorInput } from "../../agents/messages.ts";
import { agentNames } from "../../agents/messages.ts";
import { monitorAgent } from "../../agents/monitor/agent.ts";
import { optimizerAgent } from "../../agents/optimizer/agent.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import { validatorAgent } from "../../agents/validator/agent.ts";
import { systemClock } from "../../base/clock.ts";
import { createTroubleTeller } from "../../cli/agent_trouble.ts";
import { cloneCheckout } from "../../repo/checkout.ts";
import { inFull } from "../helpers/full.ts";
import { createBareRepository } from "../helpers/repository.ts";
import { commitRaw } from "../repo/hostile.ts";
import { entriesOf, processesOf } from "../scenarios/leftovers.ts";
import { SETTINGS } from "./sample_project.ts";
import { escapeAgent, resultsSchema } from "./fixtures/escape_agent.ts";
import { attempts, environmentAttempts, lonelyAttempts, quietAttempts, sieges } from "./fixtures/escapes.ts";
import type { Ground } from "./fixtures/escapes.ts";

const CANARY = "canary-4711-canary";
/** A process that is refused says one of these. */
const REFUSED =
  /NotCapable|PermissionDenied|Requires \w+ access|^got denied$|refused|not found in cache|Failed loading|too many attached|Command failed|unscoped|must be (?:provided|specified)/;

/** The permissions and the limits of an agent as the loop gives them. */
function given(agent: AgentName, ground: Ground): { permissions: AgentPermissions; limits: AgentLimits } {
  switch (agent) {
    case "monitor": {
      const input: MonitorInput = {
        url: "https://my-api.example.com",
        healthPath: "/healthz",
        expect: null,
        database: { kind: "connection", connectionString: "postgres://me:x@db.example.com/app" },
        timeoutMs: 1000,
        bodyBytesMax: 1000,
        maySleep: false,
      };
      return { permissions: monitorAgent.permissions(input), limits: monitorAgent.limits };
    }
    case "analyzer": {
      const input = { log: "", phase: null, settings: null, repository: null, platformReason: null };
      return { permissions: analyzer.permissions(input), limits: analyzer.limits };
    }
    case "optimizer":
      return { permissions: optimizerAgent.permissions({ kind: "peers" }), limits: optimizerAgent.limits };
    case "fixer": {
      const diagnosis = {
        cause: "unknown",
        confidence: 0,
        summary: "",
        evidence: null,
        chain: [],
        captures: {},
        fingerprint: "",
        failureClass: { id: "", about: "" },
        phase: null,
        redeployMayCure: false,
        rejected: [],
        remedies: [],
        excerpt: [],
      };
      const input = { remedy: "", diagnosis, settings: SETTINGS, directory: ground.checkout, paths: [] };
      return { permissions: fixer.permissions(input), limits: fixer.limits };
    }
    case "validator": {
      const input = { directory: ground.checkout, edits: [], settings: SETTINGS };
      return { permissions: validatorAgent.permissions(input), limits: validatorAgent.limits };
    }
    case "deployer": {
      const input = { task: "publish", commit: null } as const;
      return { permissions: deployerAgent.permissions(input), limits: deployerAgent.limits };
    }
  }
}

class Field implements AsyncDisposable {
  readonly #cleanup = new AsyncDisposableStack();
  /** Connections that somebody made to the port that no agent was given. */
  connections = 0;
  ground!: Ground;
  folder!: string;
  scratchRoot!: string;
  #runs = 0;

  static async open(): Promise<Field> {
    const field = new Field();
    const cleanup = field.#cleanup;
    field.folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "evenkeel-confinement-" }));
    cleanup.defer(() => Deno.remove(field.folder, { recursive: true }));
    field.scratchRoot = join(field.folder, "scratch");
    const secret = join(field.folder, "secret");
    await Deno.writeTextFile(secret, CANARY);
    const repository = cleanup.use(await createBareRepository({ "package.json": "{}" }));
    await commitRaw(repository, [
      { path: "planted", mode: "120000", content: secret },
      { path: "up", mode: "120000", content: ".." },
      { path: "proc", mode: "120000", content: "/proc/self/root" },
    ]);
    const directory = join(field.folder, "checkout");
    cleanup.use(await cloneCheckout({ url: repository.url, branch: "main", directory }));
    const code = join(field.folder, "agent.ts");
    await Deno.copyFile(new URL("../../agents/serve.ts", import.meta.url), code);
    const listener = cleanup.adopt(Deno.listen({ hostname: "127.0.0.1", port: 0 }), (one) => one.close());
    (async () => {
      for await (const connection of listener) {
        field.connections++;
        connection.close();
      }
    })().catch(() => {});
    Deno.env.set("EVENKEEL_CANARY", CANARY);
    cleanup.defer(() => Deno.env.delete("EVENKEEL_CANARY"));
    field.ground = {
      secret,
      checkout: directory,
      port: listener.addr.port,
      code,
      free: join(field.folder, "free"),
    };
    return field;
  }

  /** Lets one agent's process try these, and gives what came of each, how the run ended and its event. */
  async run(agent: AgentName, names: readonly string[], limits: Partial<AgentLimits> = {}) {
    const scratchRoot = join(this.scratchRoot, String(++this.#runs));
    const tell = createTroubleTeller(systemClock);
    let results: Record<string, string> = {};
    const toolbox: Toolbox = {
      tell: { input: resultsSchema, run: async (input) => void (results = resultsSchema.parse(input)) },
    };
    const runAgent = createSubprocessRunner({
      scratchRoot,
      entry: () => new URL("./fixtures/escape_main.ts", import.meta.url),
    });
    const { permissions, limits: own } = given(agent, this.ground);
    const played = {
      ...escapeAgent,
      name: agent,
      permissions: () => permissions,
      limits: { ...own, deadlineMs: escapeAgent.limits.deadlineMs, ...limits },
    };
    const occasion = { serviceId: "srv-a", serviceName: "my-api", incidentId: "inc_1" };
    const run = await runAgent(played, { names: [...names], ground: this.ground }, { toolbox, occasion });
    assertEquals(await entriesOf(scratchRoot), [], "a temp folder was left");
    return { run, results, event: run.kind === "failed" ? tell(agent, run, occasion) : undefined };
  }

  /** No process is left, and nothing that the attempts aimed at has changed. */
  async assertWhole() {
    assertEquals(await processesOf(this.scratchRoot), [], "a process was left");
    assertEquals(this.connections, 0);
    assertEquals(await Deno.readTextFile(this.ground.secret), CANARY);
    const code = new URL("../../agents/serve.ts", import.meta.url);
    assertEquals(await Deno.readTextFile(this.ground.code), await Deno.readTextFile(code));
    const names = (await entriesOf(this.folder)).filter((name) => name !== "scratch");
    assertEquals(names.sort(), ["agent.ts", "checkout", "checkout.git", "secret"]);
    const inCheckout = (await entriesOf(this.ground.checkout)).sort();
    assertEquals(inCheckout, ["package.json", "planted", "proc", "up"]);
  }

  async [Symbol.asyncDispose]() {
    await this.#cleanup.disposeAsync();
  }
}

function assertRefused(agent: AgentName, results: Readonly<Record<string, string>>) {
  for (const [name, result] of Object.entries(results)) {
    assertEquals(result.includes(CANARY), false, `${agent}: ${name}: ${result}`);
    const isEmpty = name in environmentAttempts && /^got (?:nothing|\{\})$/.test(result);
    assert(isEmpty || REFUSED.test(result), `${agent}: ${name}: ${result}`);
  }
}

const linux = { ignore: Deno.build.os !== "linux" };
/**
 * Whose turn it is where not every agent tries everything. Through node the validator tries as well: what asks for a
 * variable first is refused there by none.
 */
function turn(index: number, name = ""): readonly AgentName[] {
  const [whose = "validator"] = agentNames.slice(index % agentNames.length);
  return /through node|as node/.test(name) ? [...new Set([whose, "validator" as const])] : [whose];
}

/** Two at a time, as the runner has them. */
async function inPairs<T>(all: Iterable<T>, work: (one: T) => Promise<void>): Promise<void> {
  const shared = Iterator.from(all);
  const walk = async () => {
    for (let next = shared.next(); !next.done; next = shared.next()) await work(next.value);
  };
  const ended = await Promise.allSettled([walk(), walk()]);
  for (const one of ended) if (one.status === "rejected") throw one.reason;
}

Deno.test(
  "everything that a hostile agent tries with the permissions of any of the six is refused, told, and leaves nothing (promise 21)",
  linux,
  async () => {
    await using field = await Field.open();
    const names = [attempts, quietAttempts, environmentAttempts].flatMap((each) => Object.keys(each));
    await inPairs(agentNames, async (agent) => {
      const { run, results, event } = await field.run(agent, names);
      assertEquals(Object.keys(results), names);
      assertRefused(agent, results);
      assert(run.kind === "failed" && run.why === "denied", JSON.stringify(run));
      assertEquals([event?.type, event?.serviceId, event?.incidentId], ["AgentDenied", "srv-a", "inc_1"]);
      assertStringIncludes(
        event?.message ?? "",
        `${agent} asked for what it was not given: read ${field.ground.secret}`,
      );
      assertMatch(event?.message ?? "", / and \d+ more$/);
    });
    await field.assertWhole();
  },
);

Deno.test(
  "an attempt is told although its agent began a line of the audit before it",
  linux,
  async () => {
    await using field = await Field.open();
    const { run } = await field.run("analyzer", ["read behind a line of the audit that was only begun"]);
    assert(run.kind === "failed" && run.why === "denied", JSON.stringify(run));
    assertStringIncludes(run.message, `read ${field.ground.secret}`);
    await field.assertWhole();
  },
);

Deno.test(
  "each single attempt is told, even when its agent answers as if nothing had been (promise 21)",
  linux,
  async () => {
    await using field = await Field.open();
    const trials = Object.keys(attempts).flatMap((name, index) =>
      inFull(agentNames, turn(index, name)).map((agent) => ({ agent, name }))
    );
    await inPairs(trials, async ({ agent, name }) => {
      const { run, event } = await field.run(agent, [name]);
      assert(run.kind === "failed" && run.why === "denied", `${agent}: ${name}: ${JSON.stringify(run)}`);
      assertEquals(event?.type, "AgentDenied");
    });
    await field.assertWhole();
  },
);

Deno.test(
  "a link planted in a repository is a small file, and a link on disk keeps the agent out (promise 18)",
  linux,
  async () => {
    await using field = await Field.open();
    const { checkout, secret } = field.ground;
    const cases: [name: string, make: (path: string) => Promise<void>][] = [
      ["symbolic", (path) => Deno.symlink(secret, path)],
      ["folder", (path) => Deno.symlink("/", path)],
      ["hard", (path) => Deno.link(secret, path)],
    ];
    assertEquals(await Deno.readTextFile(join(checkout, "planted")), secret);
    for (const agent of ["fixer", "validator"] as const) {
      for (const [name, make] of cases) {
        await Deno.mkdir(join(checkout, "deep"));
        await make(join(checkout, "deep", name));
        const { run, results, event } = await field.run(agent, ["read a file outside"]);
        assert(run.kind === "failed" && run.why === "denied", JSON.stringify(run));
        assertStringIncludes(run.message, `deep/${name} in it leads elsewhere`);
        assertEquals([event?.type, results], ["AgentDenied", {}]);
        await Deno.remove(join(checkout, "deep"), { recursive: true });
      }
    }
    await field.assertWhole();
  },
);

Deno.test(
  "a worker or a fork gets no further than the agent that starts it (promise 21)",
  linux,
  async () => {
    await using field = await Field.open();
    const trials = Object.keys(lonelyAttempts).flatMap((name, index) =>
      inFull(agentNames, turn(index, name)).map((agent) => ({ agent, name }))
    );
    await inPairs(trials, async ({ agent, name }) => {
      const { run, results } = await field.run(agent, [name]);
      assertRefused(agent, results);
      const isTold = run.kind === "failed" && ["denied", "memory"].includes(run.why);
      assert(isTold, `${agent}: ${name}: ${JSON.stringify(run)}`);
    });
    await field.assertWhole();
  },
);

/** How a siege ends: its limit, or one of several where it depends on the machine which is met first. */
const SIEGES: Record<string, { ends: readonly string[]; deadlineMs?: number }> = {
  "spins": { ends: ["deadline"], deadlineMs: 400 },
  "ignores SIGTERM": { ends: ["deadline"], deadlineMs: 400 },
  "fills its heap": { ends: ["memory"] },
  "fills its buffers": { ends: ["memory", "crash"] },
  "floods standard output": { ends: ["output-cap"] },
  "floods its log": { ends: ["output-cap", "memory", "deadline"], deadlineMs: 700 },
  "floods standard error": { ends: ["output-cap"] },
  "forks for ever": { ends: ["denied", "deadline"], deadlineMs: 700 },
  "starts workers for ever": { ends: ["denied", "deadline"], deadlineMs: 700 },
  "fills the audit": { ends: ["denied", "deadline"], deadlineMs: 700 },
};

Deno.test(
  "an agent that lays siege to the machine is ended, told, and leaves nothing (promise 20)",
  linux,
  async () => {
    await using field = await Field.open();
    assertEquals(Object.keys(SIEGES), Object.keys(sieges));
    for (const [index, [name, { ends, deadlineMs }]] of Object.entries(SIEGES).entries()) {
      for (const agent of inFull(agentNames, turn(index))) {
        const { run, event } = await field.run(agent, [name], deadlineMs === undefined ? {} : { deadlineMs });
        assert(run.kind === "failed", `${agent}: ${name}: ${JSON.stringify(run)}`);
        assert(ends.includes(run.why), `${agent}: ${name}: ${run.why}: ${run.message}`);
        assertEquals(event?.type, run.why === "denied" ? "AgentDenied" : "AgentFailed");
        assertStringIncludes(event?.message ?? "", `The ${agent} was ended (${run.why})`);
      }
    }
    await field.assertWhole();
  },
);
