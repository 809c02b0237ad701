/** How one stage of a deploy ends badly. Thrown by stages, turned into a status and events by the pipeline. */
import type { FailureReason } from "../events.ts";

export class StageFailed extends Error {
  override readonly name = "StageFailed";
  constructor(
    readonly stage: "build" | "pre_deploy" | "update",
    readonly reason: FailureReason,
  ) {
    super(`${stage} failed`);
  }
}

/** The deploy was canceled, by a person or by a newer deploy. */
export class DeployCanceled extends Error {
  override readonly name = "DeployCanceled";
}

export const TROUBLESHOOTING =
  "==> Common ways to troubleshoot your deploy: https://render.com/docs/troubleshooting-deploys";
