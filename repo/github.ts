/**
 * The two calls of GitHub that a pull request needs. octokit is loaded when the first call is made: it takes a
 * quarter of a second that most runs never need. Its own retries are off, for an answer that was lost does not
 * say that nothing was done.
 */
import { z } from "zod";
import { EvenkeelError, EXIT, messageOf } from "../base/errors.ts";
import { isLoopback } from "../base/loopback.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";

export interface GitHubRepository {
  owner: string;
  repo: string;
}

export interface PullRequest {
  number: number;
  url: string;
}

export interface GitHub {
  /** The pull request from `head` into `base`, also one that was merged or closed since; `null` when there was none. */
  findPullRequest(query: GitHubRepository & { head: string; base: string }): Promise<PullRequest | null>;
  openPullRequest(
    request: GitHubRepository & { head: string; base: string; title: string; body: string },
  ): Promise<PullRequest>;
}

export interface GitHubOptions {
  token: string;
  /** Full base of the API. @default GitHub's */
  baseUrl?: string;
  /** Milliseconds for one call. @default GITHUB_TIMEOUT_MS */
  timeoutMs?: number;
}

export const GITHUB_TIMEOUT_MS = 20_000;

const pullRequestSchema = z.object({ number: z.number(), html_url: z.string() });

export function createGitHub(options: GitHubOptions): GitHub {
  const redact = createRedactor([options.token]);
  const timeoutMs = options.timeoutMs ?? GITHUB_TIMEOUT_MS;
  const load = async () => {
    const { Octokit } = await import("octokit");
    return new Octokit({
      auth: options.token,
      ...(options.baseUrl === undefined ? {} : { baseUrl: options.baseUrl }),
      retry: { enabled: false },
      throttle: { enabled: false },
      // Its own log goes to the terminal, unredacted.
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
  };
  let loaded: ReturnType<typeof load> | undefined;
  const call = async <T>(
    doing: string,
    schema: z.ZodType<T>,
    send: (octokit: Awaited<ReturnType<typeof load>>, signal: AbortSignal) => Promise<{ data: unknown }>,
  ): Promise<T> => {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMs);
    try {
      const { data } = await send(await (loaded ??= load()), timeout.signal);
      return schema.parse(data);
    } catch (error) {
      const why = timeout.signal.aborted ? `no answer within ${timeoutMs} ms` : whyOf(error);
      throw new EvenkeelError(`Cannot ${doing}: ${sanitizeLine(redact(sanitizeLine(why, 4000)), 300)}`, {
        exitCode: EXIT.unobservable,
        hint: "Check that GITHUB_TOKEN may write to pull requests of the repository",
      });
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    async findPullRequest({ owner, repo, head, base }) {
      const doing = `list the pull requests of ${owner}/${repo}`;
      const found = await call(
        doing,
        z.array(pullRequestSchema),
        (octokit, signal) =>
          octokit.rest.pulls.list({
            ...{ owner, repo, base, state: "all", per_page: 1 },
            // GitHub ignores a head without its owner and answers with every pull request.
            head: `${owner}:${head}`,
            request: { signal },
          }),
      );
      return found[0] === undefined ? null : { number: found[0].number, url: found[0].html_url };
    },
    async openPullRequest({ owner, repo, head, base, title, body }) {
      const doing = `open a pull request on ${owner}/${repo}`;
      const made = await call(
        doing,
        pullRequestSchema,
        (octokit, signal) =>
          octokit.rest.pulls.create({ owner, repo, head, base, title, body, request: { signal } }),
      );
      return { number: made.number, url: made.html_url };
    },
  };
}

function whyOf(error: unknown): string {
  if (error instanceof z.ZodError) {
    return `the answer's ${error.issues[0]?.path.join(".") || "body"} is not as documented`;
  }
  return messageOf(error);
}

/**
 * Owner and name of a repository on GitHub, from its address without credentials; `null` for any other place.
 * @param apiUrl base of the API of a GitHub Enterprise Server; then only its own repositories count
 */
export function parseGitHubRepository(url: string, apiUrl?: string): GitHubRepository | null {
  const server = apiUrl === undefined ? "github.com" : new URL(apiUrl).hostname.replace(/^api\./, "");
  const match =
    /^(?:https?:\/\/(?:www\.)?([^\s/:@]+)(?::\d+)?\/|ssh:\/\/git@([^\s/:@]+)\/|git@([^\s/:@]+):)([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/
      .exec(url);
  const [, byWeb, bySsh, byName, owner, repo] = match ?? [];
  if (owner === undefined || repo === undefined) return null;
  return (byWeb ?? bySsh ?? byName) === server ? { owner, repo } : null;
}

/** Whether a token may be sent to a base of an API: encrypted, or to this machine only. */
export function isGitHubUrl(text: string): boolean {
  const url = URL.parse(text);
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  return url !== null && isSafe && url.username === "" && url.password === "" && url.search === "";
}
