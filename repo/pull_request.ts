/**
 * Two ways to publish a commit behind one interface: straight to the branch, or on a branch of its own with a pull
 * request. Both may be called again for the same commit, after a crash, without publishing it twice.
 */
import { EvenkeelError, unreachable } from "../base/errors.ts";
import type { Checkout } from "./checkout.ts";
import { parseGitHubRepository } from "./github.ts";
import type { GitHub, GitHubRepository } from "./github.ts";
import { pushCommit } from "./push.ts";
import type { PushResult } from "./push.ts";

export interface PublishRequest {
  checkout: Checkout;
  commit: string;
  incident: string;
  attempt: number;
  /** Title and text of a pull request; a direct push has them in the commit. Redacted already. */
  title: string;
  body: string;
  signal?: AbortSignal;
}

export type PublishResult =
  | PushResult
  | { kind: "pull-request"; branch: string; number: number; url: string };

export interface Publisher {
  /** @throws {EvenkeelError} when the remote or GitHub does not answer */
  publish(request: PublishRequest): Promise<PublishResult>;
}

/** Pushes to the branch of the checkout. */
export class DirectPush implements Publisher {
  async publish({ checkout, commit, signal }: PublishRequest): Promise<PublishResult> {
    return await pushCommit(checkout, commit, checkout.branch, signal);
  }
}

/** The branch that an attempt's pull request comes from. */
export function pullRequestBranch(incident: string, attempt: number): string {
  return `evenkeel/${incident}-${attempt}`;
}

/** Pushes to `evenkeel/<incident>-<attempt>` and opens a pull request into the branch of the checkout. */
export class GitHubPullRequest implements Publisher {
  readonly #github: GitHub;
  readonly #repository: GitHubRepository | undefined;

  readonly #apiUrl: string | undefined;

  /**
   * @param repository @default read from the checkout's address
   * @param apiUrl of a GitHub Enterprise Server
   */
  constructor(github: GitHub, repository?: GitHubRepository, apiUrl?: string) {
    this.#github = github;
    this.#repository = repository;
    this.#apiUrl = apiUrl;
  }

  async publish(request: PublishRequest): Promise<PublishResult> {
    const { checkout, commit, title, body, signal } = request;
    const repository = this.#repository ?? parseGitHubRepository(checkout.url, this.#apiUrl);
    if (repository === null) {
      throw new EvenkeelError(`Cannot open a pull request: ${checkout.url} is not on GitHub`, {
        hint: "Set the fix mode to push or suggest",
      });
    }
    const branch = pullRequestBranch(request.incident, request.attempt);
    const where = { ...repository, head: branch, base: checkout.branch };
    // Merged or closed since, its branch may be gone: neither is made anew.
    const known = await this.#github.findPullRequest(where);
    if (known !== null) return { kind: "pull-request", branch, ...known };
    const pushed = await pushCommit(checkout, commit, branch, signal);
    switch (pushed.kind) {
      case "pushed":
      case "already-there": {
        const pull = await this.#github.openPullRequest({ ...where, title, body });
        return { kind: "pull-request", branch, ...pull };
      }
      case "moved":
      case "refused":
        return pushed;
      default:
        return unreachable(pushed);
    }
  }
}
