import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { z } from "zod";
import { findDenoDir } from "../../agents/sandbox.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";

const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
const LOG = [
  "==> Running build command 'npm install'...",
  "==> Build successful",
  "==> Running 'npm start'",
  '\x1b[31mnpm error Missing script: "start"\x1b[0m',
  "npm error To see a list of scripts, run: TOKEN=ghp_abcdefghijklmnopqrstuvwxyz012345",
  "==> Exited with status 1",
].join("\n");

async function withFolder(files: Readonly<Record<string, string>>, use: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-diagnose-test-" });
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(folder, name), text);
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function command(cwd: string, args: string[], input?: string) {
  const result = await run({
    command: [Deno.execPath(), "run", "-A", MAIN, "diagnose", ...args],
    cwd,
    env: {
      ...toolEnvironment(),
      HOME: Deno.env.get("HOME") ?? cwd,
      DENO_DIR: await findDenoDir(Deno.execPath()),
      NO_COLOR: "1",
    },
    timeoutMs: 60_000,
    ...(input === undefined ? {} : { input }),
  });
  return { code: result.kind === "exited" ? result.code : -1, stdout: result.stdout, stderr: result.stderr };
}

Deno.test("diagnose shows cause, evidence in context, remedy and a diff that git applies, and changes nothing", async () => {
  const manifest = '{\n  "name": "t",\n  "scripts": {}\n}\n';
  await withFolder({
    "deploy.log": LOG,
    "package.json": manifest,
    "web.js": "app.listen(process.env.PORT);\n",
  }, async (folder) => {
    const { code, stdout, stderr } = await command(folder, ["deploy.log", "--repo", ".", "--why"]);
    assertEquals([code, stderr], [0, ""]);
    for (
      const part of [
        "npm-script-missing",
        '>     4  npm error Missing script: "start"',
        "node/add-script",
        '+    "start": "node web.js"',
      ]
    ) {
      assertStringIncludes(stdout, part);
    }
    assert(!stdout.includes("ghp_") && !stdout.includes("\x1b"));
    assertEquals(await Deno.readTextFile(join(folder, "package.json")), manifest);

    const json = await command(folder, ["-", "--repo", ".", "-o", "json"], LOG);
    const answer = z.object({ cause: z.string(), patch: z.string(), remedy: z.object({ id: z.string() }) })
      .parse(JSON.parse(json.stdout));
    assertEquals([answer.cause, answer.remedy.id], ["npm-script-missing", "node/add-script"]);
    const applied = await run({
      command: ["git", "apply", "-"],
      cwd: folder,
      env: { ...toolEnvironment(), GIT_CEILING_DIRECTORIES: folder },
      timeoutMs: 20_000,
      input: `${answer.patch}\n`,
    });
    assertEquals(applied.stderr, "");
    assertStringIncludes(await Deno.readTextFile(join(folder, "package.json")), '"start": "node web.js"');
  });
});

Deno.test("an unknown cause exits 1 with the lines that look like errors", async () => {
  await withFolder({}, async (folder) => {
    const { code, stdout } = await command(folder, ["-"], "starting\nfrobnication failed: error 17\nbye\n");
    assertEquals(code, 1);
    assertStringIncludes(stdout, "      2  frobnication failed: error 17");
  });
});

Deno.test("a missing log, a missing folder and a mistyped flag are refused with what would help, exit 2", async () => {
  await withFolder({ "a.log": LOG }, async (folder) => {
    const missing = await command(folder, ["nowhere.log"]);
    const noFolder = await command(folder, ["a.log", "--repo", "nowhere"]);
    const flag = await command(folder, ["a.log", "--rep", "."]);
    assertEquals([missing.code, noFolder.code, flag.code], [2, 2, 2]);
    assertStringIncludes(missing.stderr, "Cannot read the log nowhere.log: there is no such file");
    assertStringIncludes(noFolder.stderr, "Cannot read the repository nowhere");
    assertStringIncludes(flag.stderr, "did you mean --repo?");
    assert(![missing, noFolder, flag].some(({ stderr }) => stderr.includes("    at ")));
  });
});
