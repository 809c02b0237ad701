import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import type { AgentLimits, AgentPermissions, Toolbox } from "../../agents/agent.ts";
import { TOOL_CALLS_MAX } from "../../agents/gate.ts";
import { runInline } from "../../agents/inline.ts";
import { createSubprocessRunner } from "../../agents/runner.ts";
import { oddAgent } from "./fixtures/odd_agent.ts";

const entry = () => new URL("./fixtures/odd_main.ts", import.meta.url);
const toolbox: Toolbox = {
  add: {
    input: z.object({ a: z.number(), b: z.number() }),
    run: async (input) => {
      const { a, b } = z.object({ a: z.number(), b: z.number() }).parse(input);
      return a + b;
    },
  },
  slow: {
    input: z.object({}),
    run: (_input, signal) =>
      new Promise((_resolve, reject) => {
        const timer = setTimeout(() => {}, 60_000);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(new Error("stopped"));
        });
      }),
  },
  forbidden: { input: z.object({}), run: async () => "forbidden fruit" },
};

interface Trial {
  argument?: string;
  limits?: Partial<AgentLimits>;
  permissions?: AgentPermissions;
  signal?: AbortSignal;
  onLog?: (agent: string, message: string) => void;
}

/** Runs the odd agent once and gives how it ended and what is left in the folder of temp folders. */
async function attempt(deed: string, trial: Trial = {}) {
  const scratchRoot = await Deno.makeTempDir({ prefix: "evenkeel-runner-" });
  try {
    const runAgent = createSubprocessRunner({
      scratchRoot,
      entry,
      ...(trial.onLog === undefined ? {} : { onLog: trial.onLog }),
    });
    const agent = {
      ...oddAgent,
      limits: { ...oddAgent.limits, ...trial.limits },
      permissions: () => trial.permissions ?? {},
    };
    const result = await runAgent(agent, { deed, argument: trial.argument ?? "" }, {
      toolbox,
      ...(trial.signal === undefined ? {} : { signal: trial.signal }),
    });
    assertEquals(await Array.fromAsync(Deno.readDir(scratchRoot)), [], "a temp folder was left");
    assertEquals(await groupsIn(scratchRoot), [], "a process was left");
    return result.kind === "answered"
      ? { output: result.output }
      : { why: result.why, message: result.message };
  } finally {
    await Deno.remove(scratchRoot, { recursive: true });
  }
}

/** Processes whose working folder or command line names this folder. */
async function groupsIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  if (Deno.build.os !== "linux") return found;
  for await (const entry of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(entry.name)) continue;
    const cwd = await Deno.readLink(`/proc/${entry.name}/cwd`).catch(() => "");
    const command = await Deno.readTextFile(`/proc/${entry.name}/cmdline`).catch(() => "");
    if (cwd.startsWith(folder) || command.includes(folder)) found.push(command);
  }
  return found;
}

Deno.test("an agent in its own process answers, and its log lines come out clean", async () => {
  assertEquals(await attempt("greet", { argument: "wörld" }), { output: "hello wörld" });
  const logged: string[] = [];
  const onLog = (agent: string, message: string) => logged.push(`${agent}: ${message}`);
  assertEquals(await attempt("log", { argument: "\x1b[31msecond", onLog }), { output: "logged" });
  assertEquals(logged, ["monitor: first", "monitor: second"]);
});

Deno.test("an agent that throws, exits or forgets a promise has crashed, and the reason is told", async () => {
  assertEquals(await attempt("throw", { argument: "\x1b[2Jno luck" }), { why: "crash", message: "no luck" });
  assertEquals(await attempt("exit", { argument: "7" }), { why: "crash", message: "exit code 7" });
  const forgotten = await attempt("reject");
  assertEquals(forgotten.why, "crash");
  assertStringIncludes(forgotten.message ?? "", "nobody waits for me");
});

Deno.test("an agent that is busy, deaf to SIGTERM or silent ends at its deadline (promise 20)", async () => {
  const limits = { deadlineMs: 500 };
  for (const deed of ["spin", "stubborn", "close"]) {
    assertEquals(
      await attempt(deed, { limits }),
      { why: "deadline", message: "monitor took over 500 ms" },
      deed,
    );
  }
});

Deno.test("an agent that says too much, nonsense or the wrong thing has failed", async () => {
  assertEquals((await attempt("flood")).why, "output-cap");
  assertEquals((await attempt("lines", { limits: { outputBytesMax: 10_000_000 } })).why, "output-cap");
  const nonsense = await attempt("nonsense");
  assertEquals(nonsense.why, "bad-output");
  assertEquals(nonsense.message?.includes("\x1b"), false);
  assertEquals((await attempt("number")).why, "bad-output");
});

Deno.test("an agent that runs out of memory takes nobody with it (promise 20)", async () => {
  const result = await attempt("memory");
  assertEquals(result, { why: "memory", message: "ran out of memory: its heap may have 64 MiB" });
});

Deno.test("an agent may read, write, connect, spawn and see nothing that it was not given (promise 21)", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(listener.addr.port);
  for (
    const [deed, argument] of [
      ["read", "/etc/passwd"],
      ["read", "/proc/self/environ"],
      ["write", "/tmp/evenkeel-agent-was-here"],
      ["env", "HOME"],
      ["environment", ""],
      ["connect", port],
      ["spawn", ""],
    ] as const
  ) {
    const result = await attempt(deed, { argument });
    assertEquals(result.why, "denied", `${deed} ${argument}: ${JSON.stringify(result)}`);
  }
});

Deno.test("an agent reaches exactly the host and the folder that it was given (promise 21)", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("hi"),
  );
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const net = [`127.0.0.1:${server.addr.port}`];
  const url = (port: number) => `http://127.0.0.1:${port}/`;
  assertEquals(await attempt("fetch", { argument: url(server.addr.port), permissions: { net } }), {
    output: "hi",
  });
  assertEquals(
    (await attempt("fetch", { argument: url(other.addr.port), permissions: { net } })).why,
    "denied",
  );

  const folder = await Deno.makeTempDir({ prefix: "evenkeel-runner-" });
  try {
    await Deno.writeTextFile(`${folder}/inside`, "inside");
    const permissions = { read: [folder] };
    assertEquals(await attempt("read", { argument: `${folder}/inside`, permissions }), { output: "inside" });
    assertEquals((await attempt("read", { argument: `${folder}/../x`, permissions })).why, "denied");
    assertEquals((await attempt("write", { argument: `${folder}/inside`, permissions })).why, "denied");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("permissions that are not a host with a port or a plain absolute folder are refused", async () => {
  for (
    const permissions of [{ net: ["example.com"] }, { net: ["a:1,b:2"] }, { read: ["relative"] }, {
      read: ["/a,/b"],
    }]
  ) {
    assertEquals((await attempt("greet", { permissions })).why, "crash");
  }
});

Deno.test("an agent sees none of our environment, even where it may look", async () => {
  Deno.env.set("EVENKEEL_AGENT_CANARY", "canary");
  const permissions = { emptyEnvironment: true };
  const result = await attempt("env", { argument: "EVENKEEL_AGENT_CANARY", permissions });
  Deno.env.delete("EVENKEEL_AGENT_CANARY");
  assertEquals(result, { output: "undefined" });
});

Deno.test("what an agent stores is gone before the next one looks (promise 21)", async () => {
  assertEquals(await attempt("remember"), { output: "nothing" });
  assertEquals(await attempt("remember"), { output: "nothing" });
});

Deno.test("an agent gets the tools of its definition and the reason why it gets no other", async () => {
  assertEquals(await attempt("add"), { output: "5" });
  assertStringIncludes((await attempt("unlisted")).message ?? "", "monitor may not use it");
  assertStringIncludes((await attempt("missing")).message ?? "", "there is no such tool");
  assertStringIncludes((await attempt("badInput")).message ?? "", "Cannot run tool");
  const many = await attempt("many");
  assertStringIncludes(many.output ?? "", `${TOOL_CALLS_MAX}: Cannot run tool "add"`);
});

Deno.test("a tool that is still running ends with the agent that asked for it", async () => {
  assertEquals((await attempt("slow", { limits: { deadlineMs: 500 } })).why, "deadline");
});

Deno.test("a run that is stopped by its caller ends as aborted, before and during", async () => {
  assertEquals((await attempt("greet", { signal: AbortSignal.abort() })).why, "aborted");
  assertEquals((await attempt("stubborn", { signal: AbortSignal.timeout(300) })).why, "aborted");
});

Deno.test("twenty runs at once, two at a time, leave no process and no folder (promise 20)", async () => {
  const scratchRoot = await Deno.makeTempDir({ prefix: "evenkeel-runner-" });
  const runAgent = createSubprocessRunner({ scratchRoot, entry });
  let most = 0;
  const watch = setInterval(() => most = Math.max(most, [...Deno.readDirSync(scratchRoot)].length), 10);
  const runs = Array.from({ length: 20 }, (_, index) => {
    const deed = index % 5 === 0 ? "exit" : "greet";
    return runAgent(oddAgent, { deed, argument: String(index) }, { toolbox });
  });
  const results = await Promise.all(runs);
  clearInterval(watch);
  assertEquals(results.filter((result) => result.kind === "answered").length, 16);
  assertEquals(await groupsIn(scratchRoot), []);
  await Deno.remove(scratchRoot); // not recursive: it must be empty
  assert(most >= 1 && most <= 2, `${most} at a time`);
});

Deno.test("an agent leaves by itself when its parent is gone (promise 20)", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--cached-only", entry().href],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode('{"input":{"deed":"stubborn","argument":""}}\n'));
  await writer.close();
  assertEquals((await child.status).code, 2);
});

Deno.test("runInline() answers, and fails as a subprocess does", async () => {
  const inline = (deed: string, argument = "", limits: Partial<AgentLimits> = {}) =>
    runInline({ ...oddAgent, limits: { ...oddAgent.limits, ...limits } }, { deed, argument }, { toolbox })
      .then((result) => result.kind === "answered" ? result.output : `${result.why}: ${result.message}`);
  assertEquals(await inline("greet", "you"), "hello you");
  assertEquals(await inline("add"), "5");
  assertEquals(await inline("throw", "no luck"), "crash: no luck");
  assertEquals((await inline("number")).slice(0, 10), "bad-output");
  assertEquals(await inline("slow", "", { deadlineMs: 50 }), "deadline: monitor took over 50 ms");
  assertStringIncludes(await inline("unlisted"), "monitor may not use it");
  const signal = AbortSignal.abort();
  const stopped = await runInline(oddAgent, { deed: "greet", argument: "" }, { toolbox, signal });
  assert(stopped.kind === "failed" && stopped.why === "aborted");
});
