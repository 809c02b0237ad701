/** What a killed run left in its scratch folder was made by code that nobody trusts. */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";

const fileOf = (path: string) => fromFileUrl(new URL(path, import.meta.url));

Deno.test("what a killed run left goes, however deep it lies, and closed", async () => {
  // In memory, where that many folders are made and removed soon.
  const memory = await Deno.stat("/dev/shm").then(() => "/dev/shm", () => undefined);
  const folder = await Deno.makeTempDir({
    prefix: "evenkeel-scratch-",
    ...(memory === undefined ? {} : { dir: memory }),
  });
  const succeed = async (command: [string, ...string[]]) => {
    const env = { ...toolEnvironment(), HOME: Deno.env.get("HOME") ?? "/" };
    const result = await run({ command, cwd: "/", env, timeoutMs: 120_000 });
    assertEquals([result.kind, "code" in result && result.code], ["exited", 0], result.stderr);
  };
  try {
    await Deno.mkdir(join(folder, "scratch/run"), { recursive: true });
    const deep = `process.chdir(process.argv[1]);
for (let i = 0; i < 40000; i++) { require("fs").mkdirSync("d"); process.chdir("d"); }
require("fs").mkdirSync("shut/in", { recursive: true }); require("fs").chmodSync("shut", 0);`;
    await succeed(["node", "-e", deep, join(folder, "scratch/run")]);
    // Apart, because what it is about would end this process.
    const [scratch, removal] = ["scratch.ts", "removal.ts"].map((name) => fileOf(`../../state/${name}`));
    const code = `const { forgetScratch } = await import(${JSON.stringify(scratch)});
const { Removal } = await import(${JSON.stringify(removal)});
await forgetScratch(${JSON.stringify(join(folder, "scratch"))}, 0, new Removal());`;
    await succeed([Deno.execPath(), "eval", "--no-check", "--config", fileOf("../../deno.json"), code]);
    assertEquals(await Array.fromAsync(Deno.readDir(join(folder, "scratch"))), []);
  } finally {
    await succeed(["rm", "-rf", "--", folder]);
  }
});
