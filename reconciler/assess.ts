/**
 * Compares what is seen with what is wanted and names the gap. A failed deploy behind a healthy service, a live
 * service that turned bad, and a database that is down are different gaps with different answers. Pure.
 */
import type { Incident, ProvenDeploy, ServiceRecord } from "../state/records.ts";
import { buildFinding } from "./conditions.ts";
import { latestDeploy, liveDeploy, stateOf } from "./observation.ts";
import type { DeployView, Sighting } from "./observation.ts";
import { isConfirmedBad, verdictOf } from "./samples.ts";
import type { ServiceSpec } from "./spec.ts";

export type Assessment =
  | { kind: "none" }
  /** Not enough is known to call it good or bad. */
  | { kind: "unsure"; reason: string; message: string }
  | { kind: "gap"; gap: Incident["gap"]; message: string; deploy: DeployView };

export function assess(spec: ServiceSpec, seen: Sighting, record: ServiceRecord): Assessment {
  const latest = latestDeploy(seen.deploys);
  if (latest === null) {
    return { kind: "unsure", reason: "NoDeploy", message: "The service was never deployed" };
  }
  const live = liveDeploy(seen.deploys);
  const verdict = verdictOf(seen);
  const isBad = verdict === "bad" && isConfirmedBad(record, spec);
  // A database probed by itself is down whatever the code does; one that only the app reports on may be the
  // code's own fault, so a deploy that has just broken it is looked at first.
  const databaseIsDown = seen.database.status === "bad" &&
    (spec.database.kind !== "json-path" || rollbackTarget(seen, record) === null);
  if (isBad && databaseIsDown) {
    return { kind: "gap", gap: "database-down", message: seen.database.message, deploy: live ?? latest };
  }
  const hasFailed = stateOf(latest) === "failed";
  const failure = {
    kind: "gap",
    gap: "deploy-failed",
    message: buildFinding(seen).message,
    deploy: latest,
  } as const;
  if (live === null) {
    if (hasFailed) return failure;
    return {
      kind: "unsure",
      reason: "NothingServes",
      message: `No deploy serves; ${buildFinding(seen).message}`,
    };
  }
  if (isBad) {
    return { kind: "gap", gap: "unhealthy", message: badMessage(seen), deploy: live };
  }
  if (verdict !== "good") {
    return { kind: "unsure", reason: "NotConfirmed", message: `Not confirmed yet: ${badMessage(seen)}` };
  }
  return hasFailed ? failure : { kind: "none" };
}

function badMessage(seen: Sighting): string {
  const probes = [seen.health, seen.json, seen.database];
  const probe = probes.find((one) => one.status === "bad") ?? probes.find((one) => one.status === "unknown");
  return probe?.message ?? "All probes are good";
}

/**
 * The deploy to go back to when the live one is what broke the service: the newest deploy that was Ready under
 * our eyes, is still kept by Render, and carries another commit. `null` when the live deploy was itself proven
 * good, for then it is not what broke.
 */
export function rollbackTarget(seen: Sighting, record: ServiceRecord): ProvenDeploy | null {
  const live = liveDeploy(seen.deploys);
  if (live === null || record.provenDeploys.some((proven) => proven.deployId === live.id)) return null;
  return record.provenDeploys.find((proven) =>
    proven.commit !== live.commit &&
    !record.badCommits.some((bad) => bad.commit === proven.commit) &&
    seen.deploys.some((deploy) => deploy.id === proven.deployId && deploy.status === "deactivated")
  ) ?? null;
}
