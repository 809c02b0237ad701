import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { EvenkeelError } from "../../base/errors.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { startGroup } from "../../process/group.ts";
import { drydockCommand } from "../../cli/drydock.ts";
import { nodeRepository, until } from "../drydock/harbour.ts";

const script = `import { drydockCommand } from "${new URL("../../cli/drydock.ts", import.meta.url)}";
Deno.exit(await drydockCommand(["--speed", "100"]));`;
const readySchema = z.object({
  url: z.url(),
  apiKey: z.string().startsWith("rnd_"),
  ownerId: z.string().startsWith("tea-"),
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(`${signal} to the drydock command ends what it runs`, async () => {
    await using repository = await nodeRepository();
    await using group = startGroup({
      command: [
        Deno.execPath(),
        "eval",
        "--config",
        new URL("../../deno.json", import.meta.url).pathname,
        "--ext=ts",
        script,
      ],
      cwd: "/",
      env: { ...toolEnvironment(), HOME: Deno.env.get("HOME") ?? "/", ...denoDirectory() },
    });
    const lines: string[] = [];
    const output = (async () => {
      for await (const text of group.stdout.pipeThrough(new TextDecoderStream())) lines.push(text);
    })();
    const errors = group.stderr.pipeTo(new WritableStream());
    const { url, apiKey, ownerId } = readySchema.parse(
      JSON.parse(await until(async () => lines.join("").match(/^.+\n/)?.[0])),
    );
    const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
    const created = await fetch(`${url}/services`, {
      method: "POST",
      headers,
      body: JSON.stringify({
        type: "web_service",
        name: "api",
        ownerId,
        repo: repository.url,
        serviceDetails: {
          runtime: "node",
          envSpecificDetails: { buildCommand: "", startCommand: "node index.js" },
        },
      }),
    });
    const { service } = z.object({ service: z.object({ serviceDetails: z.object({ url: z.string() }) }) })
      .parse(await created.json());
    const { pid, cwd } = await until(async () => {
      const response = await fetch(service.serviceDetails.url);
      const text = await response.text();
      return response.ok ? z.object({ pid: z.number(), cwd: z.string() }).parse(JSON.parse(text)) : undefined;
    });
    Deno.kill(group.pid, signal);
    const status = await group.status;
    assertEquals(status.code, signal === "SIGTERM" ? 0 : 137);
    await until(async () => await exists(`/proc/${pid}/cwd`) || await exists(cwd) ? undefined : true);
    await group.end();
    await Promise.all([output, errors]);
    assertEquals(lines.join("").trim().split("\n").length, 1);
  });
}

Deno.test("drydock refuses wrong arguments, all at once, with the nearest flag, and an engine it cannot use", async () => {
  const wrong = await assertRejects(
    () => drydockCommand(["--sped", "2", "--policy", "maybe"]),
    EvenkeelError,
  );
  assertStringIncludes(wrong.message, "there is no flag --sped, did you mean --speed?");
  assertStringIncludes(wrong.message, "maybe");
  for (const engine of ["/nowhere/buildah", "npm"]) {
    const unusable = await assertRejects(() => drydockCommand(["--engine", engine]), EvenkeelError);
    assertStringIncludes(unusable.message, `Cannot use the container engine ${engine}: ${engine} is `);
  }
  const noStore = await assertRejects(() => drydockCommand(["--images", "/nowhere"]), EvenkeelError);
  assertStringIncludes(noStore.message, "Cannot use the image store /nowhere");
});

function denoDirectory(): Record<string, string> {
  const directory = Deno.env.get("DENO_DIR");
  return directory === undefined ? {} : { DENO_DIR: directory };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
