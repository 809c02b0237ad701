import { assertEquals } from "@std/assert";
import { readLines } from "../../agents/lines.ts";
import { startGroup } from "../../process/group.ts";
import { toolEnvironment } from "../../process/environment.ts";

Deno.test("an agent hears of a refusal that is there before its question is written to the end", async () => {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-serve-" });
  const odd = new URL("./fixtures/odd_main.ts", import.meta.url);
  await using group = startGroup({
    command: [Deno.execPath(), "run", "--no-prompt", "--cached-only", "--no-check", odd.href],
    cwd: folder,
    env: { ...toolEnvironment(), NO_COLOR: "1", ...denoFolders() },
    stdin: "piped",
    scratch: folder,
  });
  const errors = new Response(group.stderr).text();
  const writer = group.stdin!.getWriter();
  const write = (value: unknown) => writer.write(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
  await write({ input: { deed: "long" } });
  // The question is longer than a pipe is wide: with its beginning read, the rest is not yet written.
  const [mine, beginning] = group.stdout.tee();
  const reader = beginning.getReader();
  await reader.read();
  reader.cancel().catch(() => {});
  await write({ id: 1, ok: false, error: "no" });
  // More than fits on the way: once it is written, the refusal has been read.
  for (let count = 0; count < 400; count++) await write({ id: 99, ok: true, output: "x".repeat(1000) });
  const said: string[] = [];
  for await (const line of readLines(mine)) said.push(line.slice(0, 60));
  assertEquals([said.at(-1), await errors], ['{"type":"result","output":"heard: no"}', ""]);
});

/** Where the modules that an agent needs lie. */
function denoFolders(): Record<string, string> {
  const names = ["DENO_DIR", "HOME", "XDG_CACHE_HOME"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
