/**
 * What must appear nowhere for a service: every value it is given, the credentials of its repository, and our own
 * secrets. A key that may not read the values still works; then only what looks like a secret is known.
 */
import { RenderRefused, RenderUnreachable } from "../render/api.ts";
import { whereAllowed } from "../render/given_secrets.ts";
import type { Probe } from "../agents/messages.ts";
import { credentialsOf } from "../text/address.ts";
import { createRedactor } from "../text/redact.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { valuesToHide } from "../text/secret_values.ts";
import type { NamedValue } from "../text/secret_values.ts";
import type { Probes, ServiceView } from "./observation.ts";
import type { Parts } from "./parts.ts";

/** Reads the values and makes a function that takes them out of a text. @throws {RenderUnreachable} */
export async function serviceRedactor(
  parts: Pick<Parts, "api" | "secrets">,
  service: Pick<ServiceView, "id" | "ownerId" | "repo">,
  signal: AbortSignal,
): Promise<(text: string) => string> {
  const [variables, given] = await Promise.all([
    whereAllowed(parts.api.listEnvVars(service.id, signal)),
    whereAllowed(parts.api.listGivenSecrets?.(service, signal) ?? Promise.resolve([])),
  ]);
  const named: NamedValue[] = (variables ?? []).map(({ key, value }) => ({ name: key, value: value ?? "" }));
  const secrets = [...valuesToHide([...named, ...given ?? []]), ...credentialsOf(service.repo ?? "")];
  return createRedactor([...parts.secrets, ...secrets]);
}

/** Probes that repeat words of the service itself. */
const QUOTING = new Set(["NotJson", "Differs", "DatabaseDown", "HttpStatus"]);

/** How long what was read for one deploy of a service is good, in milliseconds: a new value needs a new deploy. */
const FRESH_MS = 10 * 60_000;
/** Services whose redactors are kept. */
const KEPT_MAX = 1000;

interface Kept {
  key: string;
  readAt: number;
  redact: (text: string) => string;
}
const kept = new WeakMap<Parts["api"], Map<string, Kept>>();

/** The redactor of a service as of its newest deploy, read once: a service that is looked at often costs no calls. */
async function keptRedactor(
  parts: Pick<Parts, "api" | "secrets" | "clock">,
  service: ServiceView,
  deployId: string | null,
  signal: AbortSignal,
): Promise<(text: string) => string> {
  const ofApi = kept.get(parts.api) ?? new Map<string, Kept>();
  kept.set(parts.api, ofApi);
  const key = JSON.stringify([deployId, service.repo]);
  const known = ofApi.get(service.id);
  const now = parts.clock.monotonic();
  if (known !== undefined && known.key === key && now - known.readAt < FRESH_MS) return known.redact;
  const redact = await serviceRedactor(parts, service, signal);
  for (const oldest of ofApi.keys()) {
    if (ofApi.size < KEPT_MAX) break;
    ofApi.delete(oldest);
  }
  ofApi.set(service.id, { key, readAt: now, redact });
  return redact;
}

/**
 * The same probes without secrets in their words. Where the service's values cannot be read now, its words are left
 * out: the measurement stands without them.
 * @param deployId the newest deploy of the service
 */
export async function withoutSecrets(
  parts: Pick<Parts, "api" | "secrets" | "clock">,
  service: ServiceView,
  deployId: string | null,
  probes: Probes,
  signal: AbortSignal,
): Promise<Probes> {
  if (![probes.health, probes.json, probes.database].some(quotes)) return probes;
  const clean = await keptRedactor(parts, service, deployId, signal).then(
    (redact) => (probe: Probe) => ({ ...probe, message: sanitizeLine(redact(sanitizeLine(probe.message))) }),
    (error) => {
      if (!(error instanceof RenderUnreachable || error instanceof RenderRefused)) throw error;
      return (probe: Probe) => quotes(probe) ? { ...probe, message: UNQUOTED } : probe;
    },
  );
  return { health: clean(probes.health), json: clean(probes.json), database: clean(probes.database) };
}

const UNQUOTED = "not as it should be; what it answered is not shown, for its secrets could not be read";

function quotes({ status, reason, message }: Probe): boolean {
  return status !== "good" && QUOTING.has(reason) && (reason !== "HttpStatus" || / to \S/.test(message));
}
