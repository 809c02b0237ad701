/**
 * Which keys of the queue a delivery is about: by the service's id where it is known, by its name, and for a
 * database by the services that name it. Says nothing about services that are not looked after.
 */
import type { ServiceSpec } from "./spec.ts";

/** What a delivery says of its service. */
interface Subject {
  /** The id of a service, or of a Postgres. */
  serviceId: string;
  serviceName?: string | undefined;
}

/** Whether a service is named by Render's id and not by its name. */
export function isServiceId(key: string): boolean {
  return /^srv-[0-9a-z]+$/.test(key);
}

export class ServiceKeys {
  readonly #specs: readonly ServiceSpec[];
  /** The id of each service that was looked at. */
  readonly #ids = new Map<string, string>();

  constructor(specs: readonly ServiceSpec[]) {
    this.#specs = specs;
  }

  /** Remembers the id of a service that the configuration names otherwise. */
  learn(key: string, serviceId: string): void {
    if (this.#specs.some(({ service }) => service === key)) this.#ids.set(key, serviceId);
  }

  /** Render's id of a key; `null` before the service was looked at. */
  idOf(key: string): string | null {
    return this.#ids.get(key) ?? (isServiceId(key) ? key : null);
  }

  specsOf({ serviceId, serviceName }: Subject): ServiceSpec[] {
    return this.#specs.filter(({ service, database }) => {
      if (database.kind === "render-postgres" && database.id === serviceId) return true;
      const id = this.idOf(service);
      // A name can be given to another service; an id cannot.
      return id === null ? service === serviceName : id === serviceId;
    });
  }
}
