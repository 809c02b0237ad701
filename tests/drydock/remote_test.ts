import { assert, assertEquals } from "@std/assert";
import { toolEnvironment } from "../../process/environment.ts";
import { app, Harbour, nodeRepository, until } from "./harbour.ts";

/**
 * Git's smart HTTP protocol over a bare repository, for reading; one client that must know the password.
 * @param onRequest called while the client waits
 */
function serveGit(folder: string, credentials: string, onRequest: () => Promise<void>) {
  const git = async (args: string[], body?: Uint8Array<ArrayBuffer>) => {
    const child = new Deno.Command("git", {
      args: ["upload-pack", "--stateless-rpc", ...args, folder],
      env: {
        ...toolEnvironment(),
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "safe.directory",
        GIT_CONFIG_VALUE_0: "*",
      },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(body ?? new Uint8Array());
    await writer.close().catch(() => {});
    return (await child.output()).stdout;
  };
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    await onRequest();
    if (request.headers.get("authorization") !== `Basic ${btoa(credentials)}`) {
      return new Response("no\n", { status: 401, headers: { "www-authenticate": "Basic realm=git" } });
    }
    if (pathname.endsWith("/info/refs")) {
      const prefix = new TextEncoder().encode("001e# service=git-upload-pack\n0000");
      const refs = await git(["--advertise-refs"]);
      return new Response(new Blob([prefix, refs]), {
        headers: { "content-type": "application/x-git-upload-pack-advertisement" },
      });
    }
    const packed = new Uint8Array(await request.arrayBuffer());
    const isGzip = request.headers.get("content-encoding") === "gzip";
    const body = isGzip
      ? await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).bytes()
      : packed;
    return new Response(await git([], body), {
      headers: { "content-type": "application/x-git-upload-pack-result" },
    });
  });
}

Deno.test("a repository behind HTTP with a password is cloned and watched, and the password is shown nowhere", async () => {
  await using repository = await nodeRepository("one");
  const commandLines = new Set<string>();
  await using server = serveGit(repository.url, "robot:hidden-word", async () => {
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
      if (/\bgit\b/.test(line)) commandLines.add(line.replaceAll("\0", " "));
    }
  });
  await using harbour = await Harbour.open();
  const address = `127.0.0.1:${server.addr.port}/o/r.git`;
  const berth = await harbour.create(repository, { repo: `http://robot:hidden-word@${address}` });
  await berth.isLive();
  await repository.commit({ "index.js": app("two") }, "Second version");
  await until(async () => (await berth.answer()).version === "two" ? true : undefined);
  const everything = JSON.stringify([
    await berth.log(),
    await berth.events(),
    await harbour.call("GET", `/services/${berth.id}`),
  ]);
  assert(everything.includes(`http://${address}`) && !everything.includes("hidden-word"), everything);
  assertEquals((await berth.deploys())[0]?.trigger, "new_commit");
  const ours = [...commandLines].filter((line) => line.includes(address));
  assert(["ls-remote", "fetch"].every((word) => ours.some((line) => line.includes(word))), ours.join("\n"));
  assertEquals(ours.filter((line) => line.includes("hidden-word")), []);
});

Deno.test("a file URL and a missing branch name mean the repository's own default branch", async () => {
  await using repository = await nodeRepository("one");
  await using harbour = await Harbour.open();
  const berth = await harbour.create(repository, { repo: `file://${repository.url}` });
  await berth.isLive();
  assertEquals((await harbour.call("GET", `/services/${berth.id}`) as { branch: string }).branch, "main"); // an answer of our own server
});
