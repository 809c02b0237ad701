/** What every command begins with that looks after services: its configuration, the secrets in it, the log. */
import { loadConfiguration } from "../reconciler/config.ts";
import type { Configuration } from "../reconciler/config.ts";
import { levelOf, startLog } from "./log.ts";
import { createSecrets, ownSecrets } from "./secrets.ts";
import type { Secrets } from "./secrets.ts";

export interface Beginning extends AsyncDisposable {
  configuration: Configuration;
  /** Shared by whoever prints, logs or writes. */
  secrets: Secrets;
}

/**
 * Disposing of it ends the log.
 * @throws {ConfigurationError} with every problem there is
 * @throws {EvenkeelError} when EVENKEEL_LOG is no level
 */
export async function begin(
  flags: { config: string | undefined; service: readonly string[]; verbose: boolean },
): Promise<Beginning> {
  const environment = (name: string) => Deno.env.get(name);
  const configuration = await loadConfiguration({ file: flags.config, services: flags.service, environment });
  const secrets = createSecrets(ownSecrets(configuration));
  const log = await startLog({ level: levelOf(flags.verbose, environment("EVENKEEL_LOG")), secrets });
  return { configuration, secrets, [Symbol.asyncDispose]: () => log[Symbol.asyncDispose]() };
}
