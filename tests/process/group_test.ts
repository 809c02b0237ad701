import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startGroup } from "../../process/group.ts";
import { run } from "../../process/run.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { withPatience } from "../helpers/patience.ts";

const here = { cwd: "/", env: { PATH: "/usr/bin:/bin" } };

/** True while a process exists. */
function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, 0 as unknown as Deno.Signal); // signal 0 only asks; Deno's type does not list it
    return true;
  } catch {
    return false;
  }
}

/** A child that outlives every wait for its end: who sees it gone saw it killed. */
const LONG = "sleep 3600";

/** Ends a child that the product left behind. */
function lastly(pid: number): Disposable {
  return {
    [Symbol.dispose]: () => {
      if (pid > 0 && isAlive(pid)) Deno.kill(pid, "SIGKILL");
    },
  };
}

async function becomesDead(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 3_000; tries++) {
    if (!isAlive(pid)) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

Deno.test("run() gives the output and the exit code of a program", async () => {
  const result = await run({
    ...here,
    command: ["sh", "-c", "cat; echo err >&2; exit 3"],
    input: "hi",
    timeoutMs: 30_000,
  });
  assertEquals([result.kind, result.stdout, result.stderr], ["exited", "hi", "err\n"]);
  assert(result.kind === "exited" && result.code === 3);
});

Deno.test("run() kills the whole group at the deadline, grandchildren that hold the pipe included (promise 20)", async () => {
  const command = ["sh", "-c", `${LONG} & echo $!; trap '' TERM; while :; do sleep 1; done`] as const;
  const result = await withPatience(
    500,
    (timeoutMs) => run({ ...here, command, timeoutMs }),
    ({ stdout }) => stdout.endsWith("\n"),
  );
  assert(result.kind === "killed" && result.why === "timeout");
  const pid = Number(result.stdout.trim());
  using _ = lastly(pid);
  assert(await becomesDead(pid));
});

Deno.test("run() returns when the program has ended, and what it left behind with the pipe goes with it (promise 20)", async () => {
  const command = ["sh", "-c", `${LONG} & echo $!`] as const;
  const result = await run({ ...here, command, timeoutMs: 60_000 });
  const pid = Number(result.stdout.trim());
  using _ = lastly(pid);
  assertEquals([result.kind, pid > 0], ["exited", true]);
  assert(await becomesDead(pid));
});

Deno.test("run() keeps the beginning and the end of an output that is too large", async () => {
  const result = await run({
    ...here,
    command: ["sh", "-c", "echo first; yes middle | head -n 300000; echo last"],
    timeoutMs: 20_000,
    outputBytesMax: 10_000,
  });
  assert(result.truncated);
  assertStringIncludes(result.stdout.slice(0, 10), "first");
  assert(result.stdout.endsWith("last\n"));
  assert(result.stdout.length < 11_000);
});

Deno.test("run() gives a child nothing of our environment", async () => {
  Deno.env.set("EVENKEEL_TEST_CANARY", "canary");
  const result = await run({ ...here, command: ["env"], timeoutMs: 30_000 });
  Deno.env.delete("EVENKEEL_TEST_CANARY");
  assertEquals(result.stdout.includes("CANARY"), false);
});

Deno.test("end() removes the scratch folder and everything the child started (promise 20)", async () => {
  const scratch = await Deno.makeTempDir();
  await using group = startGroup({ ...here, command: ["sh", "-c", `${LONG} & echo $!; wait`], scratch });
  const reader = group.stdout.getReader();
  const first = await reader.read();
  const pid = Number(new TextDecoder().decode(first.value).trim());
  using _ = lastly(pid);
  assert(isAlive(pid));
  reader.releaseLock();
  await Promise.all([group.end(), group.stdout.cancel(), group.stderr.cancel()]);
  assert(await becomesDead(pid));
  assertEquals(await Deno.stat(scratch).catch(() => "gone"), "gone");
});

Deno.test("a child and its scratch folder go when this process is killed with SIGKILL (promise 20)", async () => {
  const scratch = await Deno.makeTempDir();
  const module = new URL("../../process/group.ts", import.meta.url).href;
  const program = `
    import { startGroup } from ${JSON.stringify(module)};
    const group = startGroup({ command: ["sleep", "3600"], cwd: "/", env: { PATH: "/usr/bin:/bin" }, scratch: ${
    JSON.stringify(scratch)
  } });
    console.log(group.pid);
    await group.status;`;
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = parent.stdout.getReader();
  const pid = Number(new TextDecoder().decode((await reader.read()).value).trim());
  using _ = lastly(pid);
  assert(isAlive(pid));
  parent.kill("SIGKILL");
  await parent.status;
  await reader.cancel();
  assert(await becomesDead(pid));
  for (let tries = 0; tries < 3_000 && await Deno.stat(scratch).then(() => true, () => false); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assertEquals(await Deno.stat(scratch).catch(() => "gone"), "gone");
});

Deno.test("toolEnvironment() passes programs, certificates and indexes on, and no credential", () => {
  const ours: Record<string, string> = {
    PATH: "/bin",
    RENDER_API_KEY: "rnd_x",
    GITHUB_TOKEN: "t",
    PIP_INDEX_URL: "file:///i",
  };
  assertEquals(toolEnvironment((name) => ours[name]), { PATH: "/bin", PIP_INDEX_URL: "file:///i" });
});
