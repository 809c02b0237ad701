/** The client against Render's published API description: what it sends is described, what is described it reads. */
import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "ajv/dist/2020.js";
import { z } from "zod";
import { createRenderClient } from "../../render/client.ts";
import type { SeenRequest } from "./stand_in.ts";
import { json, startStandIn } from "./stand_in.ts";

const reference = new URL("../../../shared/reference/", import.meta.url);
const isMissing = await Deno.stat(reference).then(() => false, () => true);

const operationSchema = z.object({
  operationId: z.string(),
  method: z.string(),
  path: z.string(),
  query: z.record(
    z.string(),
    z.object({ required: z.boolean().optional(), encoding: z.string().optional() }),
  ),
  request: z.object({ schema: z.string() }).nullable(),
  success: z.record(z.string(), z.string().nullable()),
});
type Operation = z.infer<typeof operationSchema>;

const schemaSchema = z.record(z.string(), z.unknown());
type Schema = z.infer<typeof schemaSchema>;

async function readReference() {
  const read = async (name: string) => JSON.parse(await Deno.readTextFile(new URL(name, reference)));
  const description = schemaSchema.parse(await read("render-api.schema.json"));
  return {
    description,
    operations:
      z.object({ operations: z.array(operationSchema) }).parse(await read("operations.json")).operations,
  };
}

const DEPTH_MAX = 24;

/**
 * A value that a schema describes: the alternative and the enumerated word of number `choice`, with every
 * optional field or, for an odd choice, none.
 */
function exampleOf(root: Schema, schema: unknown, choice: number, depth = 0): unknown {
  const parsed = schemaSchema.safeParse(schema);
  if (!parsed.success || depth > DEPTH_MAX) return null;
  const { $ref, anyOf, oneOf, allOf, enum: words, type, properties, required, items, format } = parsed.data;
  const inside = (other: unknown) => exampleOf(root, other, choice, depth + 1);
  if (typeof $ref === "string") {
    return inside($ref.split("/").slice(1).reduce<unknown>((at, key) => schemaSchema.parse(at)[key], root));
  }
  if (Array.isArray(words)) return words[choice % words.length];
  const alternatives = anyOf ?? oneOf;
  if (Array.isArray(alternatives)) return inside(alternatives[choice % alternatives.length]);
  if (Array.isArray(allOf)) return Object.assign({}, ...allOf.map(inside));
  if (type === "array") return [inside(items), inside(items)];
  if (type === "integer" || type === "number") return 1;
  if (type === "boolean") return choice % 2 === 0;
  if (type === "object" || properties !== undefined) {
    const names = Object.entries(schemaSchema.parse(properties ?? {}));
    // The description calls the item of a list's wrapper optional, but a wrapper around nothing is never sent.
    const needed = ["deploy", "cursor", ...(Array.isArray(required) ? required : [])];
    const isWanted = (name: string) => choice % 2 === 0 || needed.includes(name);
    return Object.fromEntries(
      names.filter(([name]) => isWanted(name)).map(([name, of]) => [name, inside(of)]),
    );
  }
  return format === "date-time" ? "2026-01-02T03:04:05.678901234Z" : "text";
}

function operationOf(operations: readonly Operation[], request: SeenRequest): Operation {
  const found = operations.filter(({ method, path }) =>
    method === request.method && new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(request.path)
  );
  assert(found.length === 1, `${request.method} ${request.path} is ${found.length} operations`);
  return found[0]!; // the length was just checked
}

Deno.test({
  name: "every call is as Render's API description says, and every answer it describes is read",
  ignore: isMissing,
  async fn() {
    const { description, operations } = await readReference();
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(description, "render");
    const used = new Set<string>();
    for (let choice = 0; choice < 14; choice++) {
      await using server = startStandIn((request) => {
        const operation = operationOf(operations, request);
        used.add(operation.operationId);
        checkRequest(ajv, operation, request);
        const answers = Object.entries(operation.success);
        const [status, answer] = answers[choice % answers.length] ?? ["500", null];
        if (answer === null) return new Response(null, { status: Number(status) });
        const example = exampleOf(description, { $ref: answer }, choice);
        // An endless list would be asked for page after page.
        return json(Array.isArray(example) ? example.slice(0, 1) : withoutMore(example), {
          status: Number(status),
        });
      });
      await callEverything(server.baseUrl);
    }
    assertEquals(used.size, 23);
  },
});

function withoutMore(example: unknown): unknown {
  const parsed = schemaSchema.safeParse(example);
  return parsed.success && "hasMore" in parsed.data ? { ...parsed.data, hasMore: false } : example;
}

function checkRequest(ajv: Ajv2020, operation: Operation, request: SeenRequest) {
  const where = operation.operationId;
  for (const [name, value] of request.query) {
    const described = operation.query[name];
    assert(described !== undefined, `${where} has no parameter ${name}`);
    const times = request.query.filter(([other]) => other === name).length;
    assert(times === 1 || described.encoding === "repeat", `${where}: ${name} may not be repeated`);
    assert(described.encoding !== "repeat" || !value.includes(","), `${where}: ${name} is not comma-joined`);
  }
  for (const [name, described] of Object.entries(operation.query)) {
    assert(!described.required || request.query.some(([other]) => other === name), `${where} lacks ${name}`);
  }
  if (operation.request === null) return assertEquals(request.body, "", where);
  const validate = ajv.compile({ $ref: `render${operation.request.schema}` });
  assert(validate(JSON.parse(request.body)), `${where}: ${ajv.errorsText(validate.errors)}`);
}

async function callEverything(baseUrl: string) {
  const render = createRenderClient({ apiKey: "rnd_x", baseUrl, retriesMax: 0 });
  const service = "srv-d0cjkelq67qs70c2pugg";
  const deploy = "dep-d0cjkelq67qs70c2puh0";
  const window = { startTime: "2026-01-01T00:00:00Z", endTime: "2026-01-02T00:00:00Z" };
  await render.listServices({ name: "web", limit: 5 });
  assertEquals(typeof (await render.getService(service)).id, "string");
  await render.patchService(service, {
    autoDeploy: "no",
    branch: "main",
    rootDir: "app",
    serviceDetails: {
      healthCheckPath: "/healthz",
      preDeployCommand: "true",
      envSpecificDetails: { buildCommand: "npm ci", startCommand: "node ." },
    },
  });
  await render.patchService(service, {
    serviceDetails: { envSpecificDetails: { dockerfilePath: "Dockerfile" } },
  });
  await render.suspendService(service);
  await render.resumeService(service);
  await render.restartService(service);
  await render.listDeploys(service, { status: ["live", "queued"], createdAfter: window.startTime });
  await render.getDeploy(service, deploy);
  await render.createDeploy(service, {});
  await render.createDeploy(service, {
    clearCache: "do_not_clear",
    commitId: "abc",
    deployMode: "build_and_deploy",
  });
  await render.cancelDeploy(service, deploy);
  await render.rollback(service, deploy);
  const events = await render.listEvents(service, { ...window, type: "deploy_ended", limit: 5 });
  assertEquals(events.length, 1);
  const logs = { ...window, ownerId: "tea-x", resource: [service, service], type: ["app", "build"] };
  assertEquals((await render.listLogs({ ...logs, direction: "forward" })).lines.length, 2);
  await render.listEnvVars(service);
  assertEquals(await render.getEnvVar(service, "PORT"), "text");
  await render.setEnvVar(service, "PORT", "10000");
  await render.deleteEnvVar(service, "PORT");
  await render.getPostgres("dpg-d0cjkelq67qs70c2pugg-a");
  const webhook = "whk-d0cjkelq67qs70c2pugg";
  assertEquals((await render.webhooks.list({ ownerId: "tea-x" })).length, 1);
  assertEquals(typeof (await render.webhooks.get(webhook)).enabled, "boolean");
  const address = { ownerId: "tea-x", url: "https://evenkeel.example/webhooks/render", name: "evenkeel" };
  await render.webhooks.create({ ...address, enabled: true, eventFilter: ["deploy_ended"] });
  await render.webhooks.update(webhook, { enabled: true });
  const attempts = await render.webhooks.listAttempts(webhook, { sentAfter: window.startTime, limit: 5 });
  assertEquals(attempts.length, 1);
}
