import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { z } from "zod";
import { WebhookReceiver } from "../helpers/webhook_receiver.ts";
import { Harbour, nodeRepository, until } from "./harbour.ts";

const reference = new URL("../../../shared/reference/", import.meta.url);

function isMissing(): boolean {
  try {
    return !Deno.statSync(new URL("operations.json", reference)).isFile;
  } catch {
    return true;
  }
}

const operationsSchema = z.object({
  operations: z.array(z.object({
    method: z.string(),
    path: z.string(),
    success: z.record(z.string(), z.string().nullable()),
  })),
});

Deno.test({
  name: "every answer of the API has the form that Render's own description demands",
  ignore: isMissing(),
  async fn() {
    const { operations } = operationsSchema.parse(
      JSON.parse(await Deno.readTextFile(new URL("operations.json", reference))),
    );
    const schema = JSON.parse(await Deno.readTextFile(new URL("render-api.schema.json", reference)));
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema(schema, "render");
    await using repository = await nodeRepository();
    await using harbour = await Harbour.open();
    const checked: string[] = [];

    /** Calls the API and compares status and body with the description of `path`. */
    const check = async (
      method: string,
      template: string,
      ids?: Record<string, string>,
      body?: unknown,
      query = "",
    ) => {
      const path = template.replace(/\{(\w+)\}/g, (_, name: string) => ids?.[name] ?? "");
      const response = await harbour.fetch(method, `${path}${query}`, body);
      const text = await response.text();
      const operation = operations.find((each) => each.method === method && each.path === template);
      const pointer = operation?.success[String(response.status)];
      const call = `${method} ${template}: ${response.status} ${text}`;
      if (operation === undefined || pointer === undefined) throw new Error(`not described: ${call}`);
      checked.push(`${method} ${template}`);
      if (pointer === null) {
        assertEquals(text, "", call);
        return undefined;
      }
      const value: unknown = JSON.parse(text);
      const isValid = ajv.validate(`render${pointer}`, value);
      if (!isValid) throw new Error(`${ajv.errorsText(ajv.errors)}\n${call}`);
      return value;
    };
    const ownerId = harbour.drydock.ownerId;
    const created = z.object({ deployId: z.string(), service: z.object({ id: z.string() }) }).parse(
      await check("POST", "/services", {}, {
        type: "web_service",
        name: "api",
        ownerId,
        repo: repository.url,
        envVars: [{ key: "WORD", value: "x" }],
        serviceDetails: {
          runtime: "node",
          healthCheckPath: "/",
          preDeployCommand: "true",
          envSpecificDetails: { buildCommand: "true", startCommand: "node index.js" },
        },
      }),
    );
    const service = { serviceId: created.service.id, deployId: created.deployId, ownerId, envVarKey: "WORD" };
    for (let status = ""; status !== "live";) {
      const deploy = await check("GET", "/services/{serviceId}/deploys/{deployId}", service);
      status = z.object({ status: z.string() }).parse(deploy).status;
      if (/failed|canceled/.test(status)) throw new Error(`the deploy is ${status}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await check("GET", "/services", {}, undefined, "?name=api&limit=5");
    await check("GET", "/services/{serviceId}", service);
    await check("PATCH", "/services/{serviceId}", service, { autoDeploy: "no" });
    await check("GET", "/services/{serviceId}/deploys", service);
    await check("GET", "/services/{serviceId}/instances", service);
    await check("GET", "/services/{serviceId}/env-vars", service);
    await check("GET", "/services/{serviceId}/env-vars/{envVarKey}", service);
    await check("PUT", "/services/{serviceId}/env-vars/{envVarKey}", service, { value: "y" });
    await check("PUT", "/services/{serviceId}/env-vars", service, [{ key: "WORD", value: "z" }]);
    await check("DELETE", "/services/{serviceId}/env-vars/{envVarKey}", service);
    await check("POST", "/services/{serviceId}/restart", service);
    const deploy = z.object({ id: z.string() });
    const second = deploy.parse(await check("POST", "/services/{serviceId}/deploys", service, {}));
    await check("POST", "/services/{serviceId}/deploys", service, {}); // 202, queued behind the second
    await check("POST", "/services/{serviceId}/deploys/{deployId}/cancel", {
      ...service,
      deployId: second.id,
    });
    await check("POST", "/services/{serviceId}/rollback", service, { deployId: service.deployId });
    await check("GET", "/logs", {}, undefined, `?ownerId=${ownerId}&resource=${service.serviceId}&limit=100`);
    await check(
      "GET",
      "/logs/values",
      {},
      undefined,
      `?ownerId=${ownerId}&resource=${service.serviceId}&label=type`,
    );
    await using receiver = new WebhookReceiver();
    const url = receiver.url;
    const webhook = z.object({ id: z.string() }).parse(
      await check("POST", "/webhooks", {}, { ownerId, url, name: "all", enabled: true, eventFilter: [] }),
    );
    const webhookIds = { webhookId: webhook.id };
    await check("POST", "/services/{serviceId}/suspend", service);
    const events = z.array(z.object({ event: z.object({ id: z.string() }) })).parse(
      await check("GET", "/services/{serviceId}/events", service, undefined, "?limit=100"),
    );
    await check("GET", "/events/{eventId}", { eventId: events[0]!.event.id });
    await check("POST", "/services/{serviceId}/resume", service);
    const described = ajv.compile({ $ref: "render#/$defs/webhookDelivery" });
    await until(() => Promise.resolve(receiver.came.length > 0 ? true : undefined));
    for (const { body } of receiver.came) assert(described(JSON.parse(body)), body);
    await check("GET", "/webhooks", {}, undefined, `?ownerId=${ownerId}`);
    await check("GET", "/webhooks/{webhookId}", webhookIds);
    await check("GET", "/webhooks/{webhookId}/events", webhookIds, undefined, "?limit=5");
    await check("PATCH", "/webhooks/{webhookId}", webhookIds, {
      enabled: false,
      eventFilter: ["deploy_ended"],
    });
    await check("DELETE", "/webhooks/{webhookId}", webhookIds);
    await check("DELETE", "/services/{serviceId}", service);
    await check("GET", "/owners");
    await check("GET", "/owners/{ownerId}", service);
    await check("GET", "/users");
    const { id: postgresId } = deploy.parse(
      await check("POST", "/postgres", {}, { name: "db", ownerId, plan: "free", version: "17" }),
    );
    await check("GET", "/postgres");
    await check("GET", "/postgres/{postgresId}", { postgresId });
    await check("PATCH", "/postgres/{postgresId}", { postgresId }, { status: "unavailable" });
    await check("GET", "/postgres/{postgresId}/connection-info", { postgresId });
    await check("POST", "/postgres/{postgresId}/suspend", { postgresId });
    await check("POST", "/postgres/{postgresId}/resume", { postgresId });
    await check("DELETE", "/postgres/{postgresId}", { postgresId });
    assertEquals(new Set(checked).size, 40);
  },
});
