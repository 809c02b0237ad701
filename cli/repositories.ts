/** Gives the reconciler git as it wants it: clones in scratch folders, commits, pushes and pull requests. */
import { join } from "@std/path";
import { EvenkeelError } from "../base/errors.ts";
import type { Checkout as Wanted, Repositories } from "../reconciler/parts.ts";
import { cloneCheckout, LINK, SUBMODULE } from "../repo/checkout.ts";
import type { Checkout } from "../repo/checkout.ts";
import { commitEdits } from "../repo/commit.ts";
import { createGitHub, parseGitHubRepository } from "../repo/github.ts";
import type { GitHub } from "../repo/github.ts";
import { DirectPush, GitHubPullRequest, pullRequestBranch } from "../repo/pull_request.ts";
import type { Publisher } from "../repo/pull_request.ts";
import { remoteContains } from "../repo/push.ts";
import { parseRemote } from "../repo/remote.ts";

/**
 * @param options.gitHubUrl base of the API of a GitHub Enterprise Server @default GitHub's
 * @param options.confirm awaited right before a pull request is opened: a push may be repeated, that may not
 */
export function createRepositories(
  options: Access & { scratchRoot: string },
): Repositories {
  const { scratchRoot } = options;
  const credential = options.token === null ? {} : { token: options.token };
  const real = new WeakMap<Wanted, Checkout>();
  const realOf = (checkout: Wanted): Checkout => {
    const found = real.get(checkout);
    if (found === undefined) throw new Error("This checkout was made elsewhere");
    return found;
  };
  return {
    async clone({ url, branch }, signal) {
      const directory = join(scratchRoot, `checkout-${crypto.randomUUID()}`);
      const checkout = await cloneCheckout({ url, branch, directory, signal, ...credential });
      const all = await checkout.paths();
      const hasLinks = () => all.some((path) => [LINK, SUBMODULE].includes(checkout.entry(path)?.mode ?? ""));
      const wanted: Wanted = {
        directory,
        branch,
        head: checkout.head,
        paths: () => checkout.paths(),
        hasLinks,
        // A link, a binary or a huge file is nothing to read, and no reason to stop.
        read: (path) =>
          checkout.read(path).catch((error) => {
            if (error instanceof EvenkeelError) return null;
            throw error;
          }),
        [Symbol.asyncDispose]: () => checkout[Symbol.asyncDispose](),
      };
      real.set(wanted, checkout);
      return wanted;
    },
    async commit(checkout, request) {
      return await commitEdits(realOf(checkout), request);
    },
    async publish(checkout, commit, how, signal) {
      const request = { ...how, checkout: realOf(checkout), commit, signal };
      const result = await publisherFor(how.mode, options).publish(request);
      switch (result.kind) {
        case "pushed":
        case "already-there":
          return { kind: "published", pullRequestUrl: null };
        case "pull-request":
          return { kind: "published", pullRequestUrl: result.url };
        case "moved":
          return { kind: "moved", head: result.head ?? "nothing: the branch is gone" };
        case "refused":
          return { kind: "refused", why: result.reason };
      }
    },
    async findPullRequest({ url, branch }, { incident, attempt }) {
      const repository = parseGitHubRepository(parseRemote(url).url, options.gitHubUrl);
      if (options.token === null || repository === null) return null;
      const where = { ...repository, head: pullRequestBranch(incident, attempt), base: branch };
      return (await gitHubOf(options.token, options.gitHubUrl).findPullRequest(where))?.url ?? null;
    },
    contains: ({ url, branch }, commit, signal) =>
      remoteContains(url, branch, commit, { ...credential, scratchRoot, signal }),
  };
}

interface Access {
  token: string | null;
  gitHubUrl?: string | undefined;
  confirm: () => Promise<void>;
}

function gitHubOf(token: string, gitHubUrl: string | undefined): GitHub {
  return createGitHub({ token, ...(gitHubUrl === undefined ? {} : { baseUrl: gitHubUrl }) });
}

function publisherFor(mode: "push" | "pull-request", { token, gitHubUrl, confirm }: Access): Publisher {
  if (mode === "push") return new DirectPush();
  if (token !== null) {
    const github = gitHubOf(token, gitHubUrl);
    const confirmed: GitHub = {
      ...github,
      openPullRequest: (request) => confirm().then(() => github.openPullRequest(request)),
    };
    return new GitHubPullRequest(confirmed, undefined, gitHubUrl);
  }
  throw new EvenkeelError("Cannot open a pull request: GITHUB_TOKEN is not set", {
    hint: "Set GITHUB_TOKEN to a token that may push and open pull requests, or use mode: push",
  });
}
