/** A drydock with services in it, asked for the way a person would ask Render: by its API. */
import { z } from "zod";
import { EvenkeelError } from "../../base/errors.ts";
import type { Drydock } from "../../drydock/mod.ts";
import type { DemoRepository } from "./repository.ts";
import type { DemoService } from "./services.ts";

const createdSchema = z.object({ service: z.object({ id: z.string() }) });

/** What is to be created; Node with `npm install` unless it says something else. */
export interface ServiceRequest extends Pick<DemoService, "name" | "startCommand"> {
  runtime?: "node" | "python";
  buildCommand?: string;
}

/**
 * Creates a web service; its first deploy begins at once.
 * @param variables the service's environment variables
 * @returns its id
 */
export async function createService(
  drydock: Drydock,
  { name, startCommand, runtime = "node", buildCommand = "npm install" }: ServiceRequest,
  repository: Pick<DemoRepository, "url" | "branch">,
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const response = await fetch(`${drydock.url}/services`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${drydock.apiKey}`,
      accept: "application/json",
      "content-type": "application/json",
    },
    body: JSON.stringify({
      type: "web_service",
      name,
      ownerId: drydock.ownerId,
      repo: repository.url,
      branch: repository.branch,
      autoDeploy: "yes",
      envVars: Object.entries(variables).map(([key, value]) => ({ key, value })),
      serviceDetails: {
        runtime,
        plan: "starter",
        envSpecificDetails: { buildCommand, startCommand },
      },
    }),
  });
  const body = await response.text();
  if (!response.ok) {
    throw new EvenkeelError(`Cannot create ${name} in drydock: it answered ${response.status}`);
  }
  return createdSchema.parse(JSON.parse(body)).service.id;
}
