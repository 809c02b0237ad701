/**
 * Performs the effects of an attempt, each exactly once: the intent is in the journal before the world changes,
 * and after a crash the world is asked before anything is done again. Push and deploy go through the deployer
 * agent, which says when; what is done is held in effects/.
 */
import { messageOf } from "../base/errors.ts";
import { isCertainRefusal } from "../state/journal.ts";
import type { CheckoutCache } from "./checkouts.ts";
import { EffectContext, NotWanted } from "./effects/context.ts";
import type { EffectRequest, EffectResult } from "./effects/context.ts";
import { deploy, restart, rollBack } from "./effects/deploys.ts";
import { publish } from "./effects/publish.ts";
import { changeSetting, switchAutodeploy } from "./effects/settings.ts";
import type { Parts } from "./parts.ts";

/**
 * @throws {StillInDoubt} when an earlier try may still take effect
 * @throws {RenderUnreachable} when it is not known whether the effect happened: the next pass asks the world
 * @throws {RenderRefused} when Render is too busy to take it: to be tried again
 */
export async function performEffect(
  parts: Parts,
  checkouts: CheckoutCache,
  request: EffectRequest,
  signal: AbortSignal,
): Promise<EffectResult> {
  const context = new EffectContext(parts, checkouts, request, signal);
  try {
    return await perform(context);
  } catch (error) {
    if (error instanceof NotWanted) return context.failed(error.message, "abandoned");
    if (!isCertainRefusal(error)) throw error;
    // Switching autodeploy off is a precaution; without it the service still has to come back.
    if (request.step === "autodeploy-off") return context.withoutPrecaution(messageOf(error));
    return context.failed(messageOf(error));
  }
}

function perform(context: EffectContext): Promise<EffectResult> {
  switch (context.request.step) {
    case "push":
    case "pull-request":
      return publish(context);
    case "deploy":
      return deploy(context);
    case "setting":
      return changeSetting(context);
    case "autodeploy-off":
      return switchAutodeploy(context, "no");
    case "autodeploy-on":
      return switchAutodeploy(context, "yes");
    case "rollback":
      return rollBack(context);
    case "restart":
      return restart(context);
  }
}
