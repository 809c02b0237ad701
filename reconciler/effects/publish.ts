/** Publishes the commit of an attempt, once; never over somebody else's. */
import { z } from "zod";
import { EvenkeelError } from "../../base/errors.ts";
import { restoreEdits } from "../../state/kept_edits.ts";
import type { KeptEdit } from "../../state/kept_edits.ts";
import { commitRequest } from "../commit_request.ts";
import { commitTitle, pullRequestBody } from "../message.ts";
import type { PublishResult } from "../parts.ts";
import type { EffectContext, EffectResult } from "./context.ts";

const publishedSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("published"), pullRequestUrl: z.string().nullable() }),
  z.object({ kind: z.literal("moved"), head: z.string() }),
  z.object({ kind: z.literal("refused"), why: z.string() }),
]);

export async function publish(context: EffectContext): Promise<EffectResult> {
  const { attempt, incident, spec } = context.request;
  const { repair, commit, branch, baseCommit } = attempt;
  if (repair.kind !== "patch" || commit === null || branch === null) {
    throw new Error(`Attempt ${attempt.number} has nothing to publish`);
  }
  const url = context.request.seen.service.repo ?? "";
  let result: PublishResult | undefined;
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
        const why = result.kind === "moved" ? `the branch moved to ${result.head}` : result.why;
        return { kind: "refused", why };
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
      return context.failed(`The repository refused the push: ${result.why}`);
    case undefined:
      throw new EvenkeelError("Cannot publish the repair: the deployer did not ask for it");
  }
}

async function publishNow(
  context: EffectContext,
  url: string,
  branch: string,
  commit: string,
  kept: readonly KeptEdit[],
): Promise<PublishResult> {
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
      if (again.commit !== commit) {
        return { kind: "refused", why: `the commit came out as ${again.commit}, not ${commit}` };
      }
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
