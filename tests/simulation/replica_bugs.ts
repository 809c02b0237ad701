/** Planted bugs around who leads, what was published as a proposal, and a person's wishes. */
import type { Parts } from "../../reconciler/parts.ts";
import type { PlantedBug } from "./planted.ts";

function withRepositories(
  change: (repositories: Parts["repositories"]) => Partial<Parts["repositories"]>,
): Pick<PlantedBug, "parts"> {
  return {
    parts: (parts) => ({
      ...parts,
      repositories: { ...methodsOf(parts.repositories), ...change(parts.repositories) },
    }),
  };
}

/** The repositories of a process come as a proxy, whose methods are not its own. */
function methodsOf(repositories: Parts["repositories"]): Parts["repositories"] {
  return {
    clone: (...of) => repositories.clone(...of),
    commit: (...of) => repositories.commit(...of),
    publish: (...of) => repositories.publish(...of),
    findPullRequest: (...of) => repositories.findPullRequest(...of),
    contains: (...of) => repositories.contains(...of),
  };
}

export const REPLICA_BUGS: Record<string, PlantedBug> = {
  "does not check the fencing number when it writes": {
    breaks: ["fenced", "late", "twice"],
    isUnfenced: true,
  },
  "checks who leads only when it begins to lead": {
    breaks: ["late", "fenced", "twice"],
    isUnfenced: true,
    term: (term) => ({ ...term, lost: new AbortController().signal, confirm: () => Promise.resolve() }),
  },
  "trusts that it still leads when an intent is written": {
    seed: 342,
    breaks: ["late"],
    term: (term) => ({ ...term, lost: new AbortController().signal, confirm: () => Promise.resolve() }),
  },
  "opens a pull request anew whenever it looks": {
    seed: 13,
    breaks: ["twice"],
    ...withRepositories((repositories) => {
      // Makes the branches of a pull request differ.
      let again = 0;
      return {
        findPullRequest: () => Promise.resolve(null),
        publish: (checkout, commit, how, signal) =>
          repositories.publish(
            checkout,
            commit,
            how.mode === "push" ? how : { ...how, attempt: how.attempt + again++ },
            signal,
          ),
      };
    }),
  },
  "pushes to the branch where it is to open a pull request": {
    // The intent in the journal is of another kind, so that this one has none.
    breaks: ["journal", "mode"],
    ...withRepositories((repositories) => ({
      publish: (checkout, commit, how, signal) =>
        repositories.publish(checkout, commit, { ...how, mode: "push" }, signal),
    })),
  },
  "acts where it is to suggest": {
    seed: 23,
    breaks: ["mode"],
    specs: (specs) => specs.map((spec) => spec.mode === "suggest" ? { ...spec, mode: "push" } : spec),
  },
  "does not hear a person who asks to go on": {
    seed: 6,
    breaks: ["wish"],
    parts: (parts) => ({
      ...parts,
      store: new Proxy(parts.store, {
        get: (store, key) => key === "isResumeAsked" ? () => Promise.resolve(false) : Reflect.get(store, key),
      }),
    }),
  },
};
