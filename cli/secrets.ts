/**
 * Every secret value this run has come to know: its own, and those of services as it reads them. What is printed,
 * logged or written passes `redact`.
 */
import type { RenderApi } from "../render/api.ts";
import type { Configuration } from "../reconciler/config.ts";
import { createRedactor } from "../text/redact.ts";

/** Values remembered beside our own; the newest stay. */
export const LEARNED_MAX = 5_000;

export interface Secrets {
  redact(text: string): string;
  /** Adds values that must appear nowhere from now on. */
  learn(values: Iterable<string>): void;
}

/** @param own values known from the start */
export function createSecrets(own: readonly string[]): Secrets {
  const learned = new Set<string>();
  let redact = createRedactor(own);
  return {
    redact: (text) => redact(text),
    learn(values) {
      const before = learned.size;
      for (const value of values) learned.add(value);
      if (learned.size === before) return;
      for (const value of learned) {
        if (learned.size <= LEARNED_MAX) break;
        learned.delete(value);
      }
      redact = createRedactor([...own, ...learned]);
    },
  };
}

/**
 * The secrets that a run is started with.
 * @param environment reads a variable @default Deno.env.get
 */
export function ownSecrets(
  { apiKey, githubToken, services }: Pick<Configuration, "apiKey" | "githubToken" | "services">,
  environment: (name: string) => string | undefined = (name) => Deno.env.get(name),
): string[] {
  const connections = services.flatMap(({ database }) =>
    database.kind === "connection-env" ? environment(database.variable) ?? [] : []
  );
  const values = [apiKey, githubToken, environment("EVENKEEL_STATUS_TOKEN"), ...connections];
  return values.flatMap((value) => value === null || value === undefined || value === "" ? [] : [value]);
}

/** The same API, whose values of environment variables are learned as they are read. */
export function learnFrom(api: RenderApi, secrets: Secrets): RenderApi {
  return {
    ...api,
    async listEnvVars(serviceId, signal) {
      const variables = await api.listEnvVars(serviceId, signal);
      secrets.learn(variables.flatMap(({ value }) => value ?? []));
      return variables;
    },
  };
}
