/** Simulated repositories: commits with one parent and a whole tree, named by a hash of what they say. */
import { fingerprint } from "../../text/fingerprint.ts";

export type Tree = Readonly<Record<string, string>>;

export interface Commit {
  id: string;
  parent: string | null;
  tree: Tree;
  message: string;
  /** `null` for a person's commit. */
  incident: string | null;
  attempt: number | null;
}

export interface PullRequest {
  number: number;
  /** `evenkeel/<incident>-<attempt>` */
  branch: string;
  commit: string;
  state: "open" | "merged" | "closed";
}

export class Repository {
  readonly #commits = new Map<string, Commit>();
  head: string;
  readonly pulls: PullRequest[] = [];

  constructor(tree: Tree) {
    this.head = this.make({ parent: null, tree, message: "Begin" }, 0).id;
  }

  /** Makes a commit without putting it on the branch. The same words at the same time make the same commit. */
  make(of: Pick<Commit, "parent" | "tree" | "message">, atSeconds: number): Commit {
    const text = JSON.stringify([of.parent, Object.entries(of.tree).sort(), of.message, atSeconds]);
    const trailer = /Evenkeel-Attempt: (\S+)\/(\d+)/.exec(of.message);
    const commit: Commit = {
      ...of,
      id: fingerprint([text]).padEnd(40, "0"),
      incident: trailer?.[1] ?? null,
      attempt: trailer?.[2] === undefined ? null : Number(trailer[2]),
    };
    this.#commits.set(commit.id, commit);
    return commit;
  }

  knows(id: string): boolean {
    return this.#commits.has(id);
  }

  get(id: string): Commit {
    const commit = this.#commits.get(id);
    if (commit === undefined) throw new Error(`No commit ${id}`);
    return commit;
  }

  /** Puts what a pull request changes on the branch, as one commit or as the pull request's own. */
  merge(pull: PullRequest, isSquashed: boolean, atSeconds: number): void {
    pull.state = "merged";
    const { parent, tree, message } = this.get(pull.commit);
    if (parent === this.head && !isSquashed) {
      this.head = pull.commit;
      return;
    }
    const before: Tree = parent === null ? {} : this.get(parent).tree;
    const changed = Object.entries(tree).filter(([path, content]) => before[path] !== content);
    const merged = { ...this.get(this.head).tree, ...Object.fromEntries(changed) };
    this.head = this.make({ parent: this.head, tree: merged, message }, atSeconds).id;
  }

  /** Commits from a commit back to the first, or to where the history was cut. */
  *history(from: string = this.head): Iterable<Commit> {
    for (let id: string | null = from; id !== null;) {
      const commit = this.#commits.get(id);
      if (commit === undefined) return;
      yield commit;
      id = commit.parent;
    }
  }

  /** Forgets all but the newest commits, for a world that goes on for weeks. @param kept older ones that stay */
  cut(count: number, kept: ReadonlySet<string>): void {
    const surplus = this.#commits.size - count;
    for (const id of [...this.#commits.keys()].slice(0, Math.max(0, surplus))) {
      if (id !== this.head && !kept.has(id)) this.#commits.delete(id);
    }
  }

  /** Whether a commit is on the branch. */
  has(id: string): boolean {
    for (const commit of this.history()) if (commit.id === id) return true;
    return false;
  }
}
