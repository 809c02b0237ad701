/** Publishes the commit of an attempt, once; never over somebody else's. */
import { z } from "zod";
import { EvenkeelError } from "../../base/errors.ts";
import { restoreEdits } from "../../state/kept_edits.ts";
import type { KeptEdit } from "../../state/kept_edits.ts";
import { sanitizeLine } from "../../text/sanitize.ts";
import { commitRequest } from "../commit_request.ts";
import { commitTitle, pullRequestBody } from "../message.ts";
import type { PublishResult } from "../parts.ts";
import type { EffectContext, EffectResult } from "./context.ts";

/** Characters of what a repository says that are shown. */
const REASON_CHARS_MAX = 300;

const publishedSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("published"), pullRequestUrl: z.string().nullable() }),
  z.object({ kind: z.literal("moved"), head: z.string() }),
  z.object({ kind: z.literal("refused"), why: z.string() }),
  z.object({ kind: z.literal("different"), commit: z.string() }),
]);
/** `different`: made again after a restart, the commit is not the one that was checked, and is not published. */
type Published = PublishResult | { kind: "different"; commit: string };

export async function publish(context: EffectContext): Promise<EffectResult> {
  const { attempt, incident, spec } = context.request;
  const { repair, commit, branch, baseCommit } = attempt;
  if (repair.kind !== "patch" || commit === null || branch === null) {
    throw new Error(`Attempt ${attempt.number} has nothing to publish`);
  }
  const url = context.request.seen.service.repo ?? "";
  let result: Published | undefined;
  await context.askDeployer("publish", {
    publish: {
      input: z.unknown(),
      run: async () => {
        result = await context.once(publishedSchema, { branch, baseCommit, commit }, {
          alreadyDone: async (): Promise<PublishResult | null> => {
            const { repositories } = context.parts;
            if (spec.mode === "push") {
              const isThere = await repositories.contains({ url, branch }, commit, context.signal);
              return isThere ? { kind: "published", pullRequestUrl: null } : null;
            }
            const of = { incident: incident.id, attempt: attempt.number };
            const pullRequestUrl = await repositories.findPullRequest({ url, branch }, of, context.signal);
            return pullRequestUrl === null ? null : { kind: "published", pullRequestUrl };
          },
          perform: () => publishNow(context, url, branch, commit, repair.edits),
        });
        if (result.kind === "published") return { kind: "published", commit };
        return { kind: "refused", why: whyNot(result) };
      },
    },
  });
  await context.checkouts.drop(context.request.incident.id, attempt.number);
  switch (result?.kind) {
    case "published":
      return context.done(`Published ${commit.slice(0, 9)} on ${branch}`, {
        publishedAt: context.parts.clock.now(),
        pullRequestUrl: result.pullRequestUrl,
      });
    case "moved":
      return context.failed(
        `Somebody pushed ${result.head.slice(0, 9)} since; the fix is dropped`,
        "abandoned",
      );
    case "refused":
      return refused(context, branch, sanitizeLine(result.why, REASON_CHARS_MAX));
    case "different":
      return context.failed(`The fix is dropped: ${whyNot(result)}`, "abandoned");
    case undefined:
      throw new EvenkeelError("Cannot publish the repair: the deployer did not ask for it");
  }
}

/** Nothing was published, so that the attempt is no try; the same push would be refused until a person helps. */
function refused(context: EffectContext, branch: string, why: string): EffectResult {
  const message = `The repository refused the push: ${why}`;
  const { mode } = context.request.spec;
  const access = `give the token write access${mode === "push" ? ` to ${branch}` : ""}`;
  const help = mode === "push" ? `${access}, or set mode: pull-request` : access;
  return {
    ...context.failed(message, "abandoned"),
    event: "EffectRefused",
    stall: { reason: "PushRefused", message: `${message}. What helps: ${help}; then resume` },
  };
}

function whyNot(result: Exclude<Published, { kind: "published" }>): string {
  switch (result.kind) {
    case "moved":
      return `the branch moved to ${result.head}`;
    case "refused":
      return result.why;
    case "different":
      return `the commit came out as ${result.commit}, not as the one that was checked`;
  }
}

async function publishNow(
  context: EffectContext,
  url: string,
  branch: string,
  commit: string,
  kept: readonly KeptEdit[],
): Promise<Published> {
  const { incident, attempt, spec } = context.request;
  const { repositories } = context.parts;
  let checkout = context.checkouts.take(incident.id, attempt.number);
  try {
    if (checkout === null) {
      checkout = await repositories.clone({ url, branch }, context.signal);
      if (checkout.head !== attempt.baseCommit) return { kind: "moved", head: checkout.head };
      const fresh = checkout;
      const edits = await restoreEdits((path) => fresh.read(path), kept);
      const again = await repositories.commit(
        checkout,
        commitRequest(context.parts, spec, incident, attempt, edits),
      );
      if (again.commit !== commit) return { kind: "different", commit: again.commit };
    }
    try {
      context.request.assertRecent();
    } catch (error) {
      // Made while the machine slept, or a large one to clone: the next look finds it ready.
      await context.checkouts.put(incident.id, attempt.number, checkout);
      checkout = null;
      throw error;
    }
    return await repositories.publish(checkout, commit, {
      mode: spec.mode === "pull-request" ? "pull-request" : "push",
      incident: incident.id,
      attempt: attempt.number,
      title: commitTitle(attempt),
      body: pullRequestBody(incident, attempt),
    }, context.signal);
  } finally {
    await checkout?.[Symbol.asyncDispose]();
  }
}
