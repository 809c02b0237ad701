/** The simulated repositories as one process uses them: clone, commit, publish without force, look for a commit. */
import { EvenkeelError } from "../../base/errors.ts";
import type { Checkout, Repositories } from "../../reconciler/parts.ts";
import { pullRequestBranch } from "../../repo/pull_request.ts";
import type { PullRequest } from "./git.ts";
import type { Platform, SimService } from "./platform.ts";
import type { Chance } from "./random.ts";
import type { Watcher } from "./render.ts";
import type { Weather } from "./weather.ts";

export function createSimulatedRepositories(
  platform: Platform,
  weather: () => Weather,
  chance: Chance,
  watcher: Watcher,
  /** Awaited right before a pull request is opened. */
  confirm: () => Promise<void> = () => Promise.resolve(),
): Repositories {
  const { scheduler } = platform;
  const serviceOf = (url: string): SimService => {
    const service = platform.find(url.split("/").at(-1) ?? "");
    if (service === undefined) throw new EvenkeelError(`Cannot clone ${url}: there is no such repository`);
    return service;
  };
  const ask = async (verb: string) => {
    await scheduler.sleep(chance.whole(10, weather().latencyMs));
    if (chance.roll(weather().gitLost)) {
      throw new EvenkeelError(`Cannot ${verb} the repository: it does not answer`);
    }
  };
  let checkouts = 0;
  const services = new WeakMap<Checkout, SimService>();
  const of = (checkout: Checkout): SimService => {
    const service = services.get(checkout);
    if (service === undefined) throw new Error("This checkout was made elsewhere");
    return service;
  };

  return {
    async clone({ url, branch }) {
      const service = serviceOf(url);
      await ask("clone");
      const { repository } = service;
      const head = repository.head;
      const { tree } = repository.get(head);
      const checkout: Checkout = {
        directory: `/sim/${service.id}/${head}/${++checkouts}`,
        branch,
        head,
        paths: () => Promise.resolve(Object.keys(tree)),
        read: (path) => Promise.resolve(tree[path] ?? null),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      services.set(checkout, service);
      return checkout;
    },
    commit(checkout, { edits, message, atSeconds }) {
      const { repository } = of(checkout);
      const tree = { ...repository.get(checkout.head).tree };
      for (const { path, content } of edits) {
        if (content === null) delete tree[path];
        else tree[path] = content;
      }
      const commit = repository.make({ parent: checkout.head, tree, message }, atSeconds);
      return Promise.resolve({ commit: commit.id, diff: edits.map(({ path }) => `~${path}`).join("\n") });
    },
    async publish(checkout, id, { mode, incident, attempt }) {
      const service = of(checkout);
      const { repository } = service;
      watcher.sends?.(service, `publish ${id.slice(0, 7)}`);
      await ask("push to");
      if (mode === "pull-request") {
        const branch = pullRequestBranch(incident, attempt);
        const urlOf = ({ number }: PullRequest) => `https://git.sim/${service.id}/pull/${number}`;
        const known = repository.pulls.find((pull) => pull.branch === branch);
        if (known !== undefined) return { kind: "published", pullRequestUrl: urlOf(known) };
        await ask("push to");
        await confirm();
        watcher.sends?.(service, `open a pull request for ${id.slice(0, 7)}`);
        await ask("open a pull request on");
        const open = () => {
          if (repository.pulls.some((pull) => pull.branch === branch && pull.state === "open")) return null;
          const { parent, ...commit } = repository.get(id);
          const effect = { commit: id, parent, incident: commit.incident, attempt: commit.attempt };
          watcher.effect(service, { kind: "pull-request", ...effect });
          const number = repository.pulls.length + 1;
          const pull: PullRequest = { number, branch, commit: id, state: "open" };
          repository.pulls.push(pull);
          return pull;
        };
        const { gitLost, lateMs } = weather();
        if (chance.roll(gitLost / 2)) {
          scheduler.after(chance.whole(0, lateMs), open);
          throw new EvenkeelError("Cannot open a pull request: no answer");
        }
        const pull = open();
        if (pull === null) throw new EvenkeelError("Cannot open a pull request: there is one already");
        await ask("open a pull request on");
        return { kind: "published", pullRequestUrl: urlOf(pull) };
      }
      const push = () => {
        const commit = repository.get(id);
        if (repository.has(id)) return { kind: "published", pullRequestUrl: null } as const;
        if (repository.head !== commit.parent) return { kind: "moved", head: repository.head } as const;
        watcher.effect(service, {
          kind: "push",
          commit: id,
          parent: commit.parent,
          incident: commit.incident,
          attempt: commit.attempt,
        });
        repository.head = id;
        platform.pushed(service);
        return { kind: "published", pullRequestUrl: null } as const;
      };
      const { gitLost, lateMs } = weather();
      if (chance.roll(gitLost / 2)) {
        scheduler.after(chance.whole(0, lateMs), push);
        throw new EvenkeelError("Cannot push to the repository: the connection was lost");
      }
      const result = push();
      await ask("push to");
      return result;
    },
    async findPullRequest({ url }, { incident, attempt }) {
      const service = serviceOf(url);
      await ask("list the pull requests of");
      const branch = pullRequestBranch(incident, attempt);
      const pull = service.repository.pulls.find((one) => one.branch === branch);
      return pull === undefined ? null : `${url}/pull/${pull.number}`;
    },
    async contains({ url }, commit) {
      const service = serviceOf(url);
      await ask("read");
      return service.repository.has(commit);
    },
  };
}
