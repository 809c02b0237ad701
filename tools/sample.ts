/**
 * A local Render with one service in it, for compose.yaml: its first version listens on localhost, so its first
 * deploy fails in the way Evenkeel knows how to repair. Runs until SIGTERM.
 *
 *     RENDER_API_KEY=local-key deno run -A tools/sample.ts --port 10000 --directory /tmp/sample
 */
import { join } from "@std/path";
import { parseArguments } from "../cli/arguments.ts";
import { defineCommand } from "../cli/command.ts";
import { startDrydock } from "../drydock/mod.ts";
import { toolEnvironment } from "../process/environment.ts";
import { run } from "../process/run.ts";

const GIT_TIMEOUT_MS = 30_000;

const INDEX = `const http = require("node:http");

const server = http.createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ status: "ok", path: request.url }));
});
server.listen(process.env.PORT, "127.0.0.1");
`;
const PACKAGE = `{
  "name": "sample",
  "private": true,
  "scripts": { "start": "node index.js" }
}
`;

const definition = defineCommand({
  name: "sample",
  invocation: "deno run -A tools/sample.ts",
  summary: "Runs a local Render with one broken service in it, until it is stopped.",
  flags: {
    port: {
      kind: "number",
      placeholder: "PORT",
      min: 0,
      max: 65535,
      whole: true,
      default: 10_000,
      description: "Port of the API",
    },
    directory: {
      kind: "text",
      placeholder: "FOLDER",
      default: "/tmp/evenkeel-sample",
      description: "Where the service's repository is kept",
    },
    speed: {
      kind: "number",
      placeholder: "X",
      min: 1,
      max: 100_000,
      whole: false,
      default: 10,
      description: "What Render's time limits are divided by",
    },
  },
  environment: [{ name: "RENDER_API_KEY", description: "The key that the API accepts; required" }],
  exitCodes: { 0: "stopped" },
  examples: ["RENDER_API_KEY=local-key deno run -A tools/sample.ts"],
});

/** @returns the bare repository, made when it is not there yet */
async function prepareRepository(folder: string): Promise<string> {
  const bare = join(folder, "sample.git");
  if (await Deno.stat(join(bare, "HEAD")).then(() => true, () => false)) return bare;
  const tree = await Deno.makeTempDir({ prefix: "evenkeel-sample-" });
  const person = { name: "A Developer", email: "developer@example.com" };
  const git = async (...args: string[]) => {
    const result = await run({
      command: ["git", ...args],
      cwd: tree,
      env: {
        ...toolEnvironment(),
        HOME: tree,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_AUTHOR_NAME: person.name,
        GIT_AUTHOR_EMAIL: person.email,
        GIT_COMMITTER_NAME: person.name,
        GIT_COMMITTER_EMAIL: person.email,
      },
      timeoutMs: GIT_TIMEOUT_MS,
    });
    if (result.kind !== "exited" || result.code !== 0) throw new Error(`git ${args[0]}: ${result.stderr}`);
  };
  try {
    await Deno.mkdir(folder, { recursive: true });
    await git("init", "-q", "--bare", "--initial-branch=main", bare);
    await git("init", "-q", "--initial-branch=main", ".");
    await Deno.writeTextFile(join(tree, "index.js"), INDEX);
    await Deno.writeTextFile(join(tree, "package.json"), PACKAGE);
    await git("add", "-A");
    await git("commit", "-q", "-m", "First version");
    await git("push", "-q", bare, "main");
    return bare;
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
}

if (import.meta.main) {
  const parsed = parseArguments(definition, Deno.args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    Deno.exit(0);
  }
  const { port, directory, speed } = parsed.flags;
  const apiKey = Deno.env.get("RENDER_API_KEY");
  if (apiKey === undefined || apiKey === "") throw new Error("RENDER_API_KEY is missing");
  const repo = await prepareRepository(directory);
  const stop = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stop.resolve());
  await using drydock = await startDrydock({ port, apiKey, speed });
  const answer = await fetch(`${drydock.url}/services`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${apiKey}`,
      accept: "application/json",
      "content-type": "application/json",
    },
    body: JSON.stringify({
      type: "web_service",
      name: "sample",
      ownerId: drydock.ownerId,
      repo,
      serviceDetails: {
        runtime: "node",
        healthCheckPath: "/healthz",
        envSpecificDetails: { buildCommand: "", startCommand: "npm start" },
      },
    }),
  });
  if (!answer.ok) throw new Error(`The sample service was refused: ${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
  console.log(
    `A local Render with the service "sample" answers at ${drydock.url}; its repository is ${repo}`,
  );
  await stop.promise;
}
