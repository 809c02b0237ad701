/** Changes what Render knows of a service: the setting that repairs it, and autodeploy around a rollback. */
import type { EffectContext, EffectResult } from "./context.ts";

export async function changeSetting(context: EffectContext): Promise<EffectResult> {
  const { repair } = context.request.attempt;
  if (repair.kind !== "setting") throw new Error("The repair is not a setting");
  if (!await context.patch(repair.patch)) {
    return context.failed("Render took the setting and did not keep it");
  }
  return context.done(`Changed ${repair.diff.split("\n").at(-1)?.slice(1) ?? "a setting"}`, {
    publishedAt: context.parts.clock.now(),
  });
}

export async function switchAutodeploy(
  context: EffectContext,
  autoDeploy: "yes" | "no",
): Promise<EffectResult> {
  if (!await context.patch({ autoDeploy })) {
    const why = `Render did not keep autodeploy ${autoDeploy}`;
    return autoDeploy === "no" ? context.withoutPrecaution(why) : context.failed(why);
  }
  return autoDeploy === "no"
    ? context.done("Switched autodeploy off, so that the bad commit does not come back")
    : context.done("Switched autodeploy on again: a later commit is proven good", {}, { hold: null });
}
