/**
 * Every secret value this run has come to know: its own, and those of services as it reads them. What is printed,
 * logged or written passes `redact`.
 */
import type { RenderApi } from "../render/api.ts";
import type { Configuration } from "../reconciler/config.ts";
import { credentialsOf } from "../text/address.ts";
import { memoize } from "../text/memo.ts";
import { cleanLog, createHider, redactShapes } from "../text/redact.ts";
import { isSecretName } from "../text/secret_shapes.ts";
import { valuesToHide } from "../text/secret_values.ts";

/** Values remembered beside our own; the newest stay. */
export const LEARNED_MAX = 5_000;

export interface Secrets {
  redact(text: string): string;
  /** The same for a text of any length and origin: escapes go too. What is cleaned again and again costs once. */
  clean(text: string): string;
  /** Adds values that must appear nowhere from now on. */
  learn(values: Iterable<string>): void;
}

/** Values learned together, or merged since. */
interface Layer {
  values: string[];
  hide: (text: string) => string;
}

/** A layer stays apart while the one before it has more than this many times its values: few are rebuilt, few asked. */
const LAYER_RATIO = 4;
/** The share of LEARNED_MAX, from 0 to 1, that is kept when there are more values, so that not each new value costs a rebuilding of all. */
const KEPT_SHARE = 0.8;

/** @param own values known from the start */
export function createSecrets(own: readonly string[]): Secrets {
  const learned = new Set<string>();
  const hideOwn = createHider(own);
  let layers: Layer[] = [];
  const redact = (text: string) =>
    redactShapes(layers.reduce((clean, { hide }) => hide(clean), hideOwn(text)));
  const clean = memoize((text) => cleanLog(text, redact));
  const layerOf = (values: string[]): Layer => ({ values, hide: createHider(values) });
  return {
    redact,
    clean,
    learn(values) {
      let fresh = [...new Set(values)].filter((value) => !learned.has(value));
      if (fresh.length === 0) return;
      for (const value of fresh) learned.add(value);
      clean.forget();
      if (learned.size > LEARNED_MAX) {
        for (const value of learned) {
          if (learned.size <= LEARNED_MAX * KEPT_SHARE) break;
          learned.delete(value);
        }
        layers = [layerOf([...learned])];
        return;
      }
      for (let last = layers.at(-1); last !== undefined; last = layers.at(-1)) {
        if (last.values.length > fresh.length * LAYER_RATIO) break;
        fresh = [...last.values, ...fresh];
        layers.pop();
      }
      layers.push(layerOf(fresh));
    },
  };
}

type Configured =
  & Pick<Configuration, "apiKey" | "githubToken" | "services">
  & Partial<Pick<Configuration, "webhook" | "hooks">>;

/**
 * The secrets that a run is started with: keys and tokens, the connection strings of the spec, credentials in its
 * addresses, and each variable of our own whose name says secret.
 * @param environment our variables @default Deno.env.toObject
 */
export function ownSecrets(
  { apiKey, githubToken, services, webhook, hooks }: Configured,
  environment: Readonly<Record<string, string>> = Deno.env.toObject(),
): string[] {
  const connections = services.flatMap(({ database }) =>
    database.kind === "connection-env" ? environment[database.variable] ?? [] : []
  );
  const addresses = [
    ...services.flatMap(({ repo }) => repo ?? []),
    ...Object.values(hooks?.targets ?? {}).flatMap((target) => target.kind === "http" ? target.url : []),
  ].flatMap(credentialsOf);
  const values = [apiKey, githubToken, ...webhook?.secrets ?? [], ...connections, ...addresses];
  const own = values.flatMap((value) => value === null || value === undefined || value === "" ? [] : [value]);
  return [...new Set([...own, ...secretVariables(environment)])];
}

/**
 * The values of variables whose name says secret.
 * @param environment @default Deno.env.toObject
 */
export function secretVariables(
  environment: Readonly<Record<string, string>> = Deno.env.toObject(),
): string[] {
  const named = Object.entries(environment).map(([name, value]) => ({ name, value }));
  return valuesToHide(named.filter(({ name }) => isSecretName(name)));
}

/** The same API, whose values of environment variables are learned as they are read. */
export function learnFrom(api: RenderApi, secrets: Secrets): RenderApi {
  return {
    ...api,
    async listEnvVars(serviceId, signal) {
      const variables = await api.listEnvVars(serviceId, signal);
      secrets.learn(valuesToHide(variables.map(({ key, value }) => ({ name: key, value: value ?? "" }))));
      return variables;
    },
    async listGivenSecrets(service, signal, onLeftOut) {
      const given = await api.listGivenSecrets?.(service, signal, onLeftOut) ?? [];
      secrets.learn(valuesToHide(given));
      return given;
    },
    async getService(serviceId, signal) {
      const service = await api.getService(serviceId, signal);
      secrets.learn(credentialsOf(service.repo ?? ""));
      return service;
    },
  };
}
