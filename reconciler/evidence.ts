/**
 * Gathers what explains a failure: the deploy's log cut by its time window, Render's own words for the end of
 * the deploy, and the repository's files that matter. Everything leaves here sanitised and redacted; the
 * repository's text, which goes to agents only, is redacted and otherwise as it is.
 */
import { z } from "zod";
import type { Phase, RepositoryView } from "../agents/messages.ts";
import { cleanLog } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import type { BuildPhase } from "../state/build_facts.ts";
import { buildPhases } from "./build_phases.ts";
import type { DeployView, ServiceView } from "./observation.ts";
import type { Checkout, Parts } from "./parts.ts";
import { serviceRedactor } from "./service_secrets.ts";

/** Log lines arrive late: read this much beyond the end of a deploy (reference 2.4), in milliseconds. */
const WINDOW_SLACK_MS = 60_000;
const LOG_LINES_READ = 5_000;
const LOG_BYTES_READ = 2 * 1024 * 1024;
const EVENTS_READ = 50;
export const VIEW_FILES_MAX = 300;
export const VIEW_BYTES_MAX = 3 * 1024 * 1024;

export interface FailureLog {
  text: string;
  isTruncated: boolean;
  /** How long the steps of the build took. */
  phases: BuildPhase[];
  /** Takes the service's own secrets, and ours, out of a text. */
  redact(text: string): string;
}

/** Reads the log of a deploy. For a live one that turned bad (`run`), only what the application printed. */
export async function readFailureLog(
  parts: Pick<Parts, "api" | "secrets">,
  service: ServiceView,
  deploy: DeployView,
  phase: Phase,
  signal: AbortSignal,
): Promise<FailureLog> {
  const { api } = parts;
  const start = deploy.startedAt ?? deploy.createdAt;
  // Render's clock, never ours: one that is slow would cut off what was logged last.
  const end = phase === "run" ? null : deploy.finishedAt;
  const [result, redact] = await Promise.all([
    api.listLogs({
      ownerId: service.ownerId,
      resource: [service.id],
      // Newest first: when the log is larger than the cap, its end is what is kept.
      direction: "backward",
      // While a deploy builds, what is logged as `app` is the old one's.
      type: phase === "run" ? ["app"] : phase === "build" ? ["build"] : ["build", "app"],
      ...(start === null ? {} : { startTime: new Date(start).toISOString() }),
      ...(end === null ? {} : { endTime: new Date(end + WINDOW_SLACK_MS).toISOString() }),
      linesMax: LOG_LINES_READ,
      bytesMax: LOG_BYTES_READ,
    }, signal),
    serviceRedactor(parts, service, signal),
  ]);
  const lines = result.lines.toSorted((a, b) =>
    a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0
  );
  // Sanitised first: an invisible character inside a secret would hide it from the redactor.
  const text = cleanLog(lines.map((line) => line.message).join("\n"), redact);
  const phases = buildPhases(
    lines.map(({ timestamp, message }) => ({ timestamp, message: redact(sanitizeLine(message)) })),
  );
  return { text, isTruncated: result.truncated, phases, redact: (other) => redact(other) };
}

/** The reason of a `deploy_ended` whose build has failed (reference 2.3). */
const buildFailedSchema = z.object({ buildFailed: z.object({ id: z.string() }) });

/** Render's machine-readable reason for the end of a deploy, as one line; `null` when it gives none. */
export async function readPlatformReason(
  api: Pick<Parts["api"], "listEvents">,
  serviceId: string,
  deploy: Pick<DeployView, "id">,
  signal: AbortSignal,
): Promise<string | null> {
  const events = await api.listEvents(serviceId, { limit: EVENTS_READ }, signal);
  for (const event of events) {
    const details = event.details ?? {};
    const isOurs = details["deployId"] === deploy.id || event.type === "server_failed";
    const reason = JSON.stringify(details["reason"] ?? {});
    if (!isOurs || reason === "{}") continue;
    // That a build has failed says nothing; why it has stands in the event of the build.
    const failed = buildFailedSchema.safeParse(details["reason"]).data?.buildFailed.id;
    const ended = events.find(({ type, details: of }) =>
      type === "build_ended" && failed !== undefined && of?.["buildId"] === failed
    );
    const why = JSON.stringify(ended?.details?.["reason"] ?? {});
    return sanitizeLine(
      ended === undefined || why === "{}" ? `${event.type}: ${reason}` : `${ended.type}: ${why}`,
      500,
    );
  }
  return null;
}

/** Names that carry meaning whatever their extension. */
const MANIFESTS =
  /(^|\/)(package\.json|package-lock\.json|requirements[^/]*\.txt|pyproject\.toml|setup\.(py|cfg)|Pipfile|Procfile|Dockerfile[^/]*|render\.ya?ml|\.python-version|\.node-version|\.nvmrc|runtime\.txt|tsconfig\.json)$/;
const SOURCES = /\.(py|js|mjs|cjs|ts|mts|cts|jsx|tsx|sh|toml|cfg)$/;
const SKIPPED = /(^|\/)(node_modules|\.venv|venv|dist|build|vendor|\.git)\//;

/**
 * Every path, and the text of the files that matter: manifests first, then sources, shallow ones first.
 * @param redact takes out what agents must not see @default nothing
 */
export async function viewRepository(
  checkout: Pick<Checkout, "paths" | "read">,
  redact: (text: string) => string = (text) => text,
): Promise<RepositoryView> {
  const paths = await checkout.paths();
  const depth = (path: string) => path.split("/").length;
  const rank = (path: string) => (MANIFESTS.test(path) ? 0 : 100) + depth(path);
  const wanted = paths
    .filter((path) => !SKIPPED.test(path) && (MANIFESTS.test(path) || SOURCES.test(path)))
    .toSorted((a, b) => rank(a) - rank(b))
    .slice(0, VIEW_FILES_MAX);
  const files: Record<string, string> = {};
  let bytes = 0;
  for (const path of wanted) {
    const text = await checkout.read(path);
    if (text === null) continue;
    bytes += text.length;
    if (bytes > VIEW_BYTES_MAX) break;
    files[path] = redact(text);
  }
  return { paths, files };
}
