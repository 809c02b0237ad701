import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { cloneCheckout } from "../../repo/checkout.ts";
import { commitEdits } from "../../repo/commit.ts";
import { createGitHub, parseGitHubRepository } from "../../repo/github.ts";
import { DirectPush, GitHubPullRequest } from "../../repo/pull_request.ts";
import { remoteHead } from "../../repo/push.ts";
import { createBareRepository } from "../helpers/repository.ts";
import { createFolder, gitIn } from "./hostile.ts";

const TOKEN = "ghp_canary4711canary4711canary4711";

/** The two calls of GitHub, with the pull requests in memory. */
function startGitHub(mood: { answer?: () => Response } = {}) {
  const pulls: {
    number: number;
    html_url: string;
    head: string;
    base: string;
    title: string;
    state: "open" | "closed";
  }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const url = new URL(request.url);
    if (mood.answer !== undefined) return mood.answer();
    if (url.pathname !== "/repos/o/r/pulls") return Response.json({ message: "Not Found" }, { status: 404 });
    if (request.method === "GET") {
      const head = url.searchParams.get("head")?.replace(/^o:/, "");
      const base = url.searchParams.get("base");
      // GitHub's default.
      const state = url.searchParams.get("state") ?? "open";
      return Response.json(
        pulls.filter((pull) =>
          pull.head === head && pull.base === base && (state === "all" || pull.state === state)
        ),
      );
    }
    const { head, base, title } = await request.json();
    const number = pulls.length + 1;
    const html_url = `https://github.com/o/r/pull/${number}`;
    const pull = { number, html_url, head, base, title, state: "open" as const };
    pulls.push(pull);
    return Response.json(pull, { status: 201 });
  });
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}`,
    pulls,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function prepare() {
  const repository = await createBareRepository({ "a": "1\n" });
  const folder = await createFolder();
  const directory = join(folder.path, "work");
  const checkout = await cloneCheckout({ url: repository.url, branch: "main", directory });
  const { commit } = await commitEdits(checkout, {
    edits: [{ path: "a", content: "2\n" }],
    author: { name: "Evenkeel", email: "evenkeel@example.com" },
    message: "Change a",
    atSeconds: 1_780_000_000,
  });
  const request = { checkout, commit, incident: "inc_1", attempt: 2, title: "Change a", body: "Because" };
  return {
    repository,
    request,
    [Symbol.asyncDispose]: async () => {
      await folder[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a pull request is opened once from a branch of its own, and the base branch stays", async () => {
  await using github = startGitHub();
  await using prepared = await prepare();
  const { repository, request } = prepared;
  const before = await repository.head();
  const make = () =>
    new GitHubPullRequest(createGitHub({ token: TOKEN, baseUrl: github.baseUrl }), { owner: "o", repo: "r" });
  const expected = {
    kind: "pull-request",
    branch: "evenkeel/inc_1-2",
    number: 1,
    url: "https://github.com/o/r/pull/1",
  } as const;
  assertEquals(await make().publish(request), expected);
  assertEquals(await make().publish(request), expected);
  assertEquals(github.pulls.map(({ head, base, title }) => [head, base, title]), [
    ["evenkeel/inc_1-2", "main", "Change a"],
  ]);
  assertEquals(await remoteHead(repository.url, "evenkeel/inc_1-2"), request.commit);
  assertEquals(await repository.head(), before);
});

Deno.test("a pull request that a person closed, its branch deleted, is not opened again (promise 1) (promise 25)", async () => {
  await using github = startGitHub();
  await using prepared = await prepare();
  const { repository, request } = prepared;
  const where = { owner: "o", repo: "r" };
  const make = () => new GitHubPullRequest(createGitHub({ token: TOKEN, baseUrl: github.baseUrl }), where);
  const first = await make().publish(request);
  for (const pull of github.pulls) pull.state = "closed";
  await gitIn(repository.url, ["branch", "-D", "evenkeel/inc_1-2"]);
  assertEquals(await make().publish(request), first);
  assertEquals(github.pulls.length, 1);
  assertEquals(await remoteHead(repository.url, "evenkeel/inc_1-2"), null);
});

Deno.test("a branch of that name with somebody else's commit is left alone", async () => {
  await using github = startGitHub();
  await using prepared = await prepare();
  const { repository, request } = prepared;
  const foreign = await repository.commit({ "a": "theirs\n" }, "Theirs");
  await gitIn(repository.url, ["branch", "evenkeel/inc_1-2"]);
  const publisher = new GitHubPullRequest(createGitHub({ token: TOKEN, baseUrl: github.baseUrl }), {
    owner: "o",
    repo: "r",
  });
  assertEquals(await publisher.publish(request), { kind: "moved", head: foreign });
  assertEquals(github.pulls, []);
});

Deno.test("a call that GitHub refuses or garbles is an error without the token, made once", async () => {
  let calls = 0;
  const mood = {
    answer: () => {
      calls++;
      return calls === 1
        ? Response.json({ message: `Bad credentials ${TOKEN}` }, { status: 500 })
        : Response.json([{ number: "one" }]);
    },
  };
  await using server = startGitHub(mood);
  const github = createGitHub({ token: TOKEN, baseUrl: server.baseUrl });
  const query = { owner: "o", repo: "r", head: "h", base: "main" };
  const error = await assertRejects(() => github.findPullRequest(query), EvenkeelError);
  assertStringIncludes(error.message, "Cannot list the pull requests of o/r: Bad credentials");
  assertEquals([Deno.inspect(error).includes(TOKEN), calls], [false, 1]);
  const garbled = await assertRejects(() => github.findPullRequest(query), EvenkeelError);
  assertStringIncludes(garbled.message, "the answer's 0.number is not as documented");
});

Deno.test("DirectPush publishes on the checkout's branch, once", async () => {
  await using prepared = await prepare();
  const { repository, request } = prepared;
  assertEquals(await new DirectPush().publish(request), { kind: "pushed" });
  assertEquals(await new DirectPush().publish(request), { kind: "already-there" });
  assertEquals(await repository.head(), request.commit);
});

Deno.test("parseGitHubRepository() reads GitHub's forms of an address, and no other host's", () => {
  const expected = { owner: "my-org", repo: "my.app" };
  for (
    const url of [
      "https://github.com/my-org/my.app",
      "https://github.com/my-org/my.app.git",
      "https://github.com/my-org/my.app/",
      "git@github.com:my-org/my.app.git",
      "ssh://git@github.com/my-org/my.app.git",
    ]
  ) assertEquals(parseGitHubRepository(url), expected);
  assertEquals(parseGitHubRepository("https://gitlab.com/my-org/my.app"), null);
  assertEquals(parseGitHubRepository("https://github.com.example.com/a/b"), null);
});
