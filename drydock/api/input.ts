/** Request bodies: zod schemas of what drydock understands. Other fields of Render's API are ignored. */
import type { Context } from "hono";
import { z } from "zod";
import { webhookEventTypes } from "../../render/schemas.ts";
import { BODY_BYTES_MAX } from "../limits.ts";
import { ApiError } from "./errors.ts";

const repository = z.string().min(1).max(2000).refine(
  (repo) => repo.startsWith("/") || /^(file|https?):\/\/\S+$/.test(repo),
  "must be an absolute path, or a file, http or https URL",
);
const branch = z.string().min(1).max(250).regex(/^[^-\s~^:?*[\\][^\s~^:?*[\\]*$/, "is not a branch name");
const commandText = z.string().max(8192);
const path = z.string().max(1024);
const envKey = z.string().max(256).regex(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/, "is not a variable name");
const envText = z.string().max(64 * 1024).refine((text) => !text.includes("\0"), "holds a NUL character");

export const envValueSchema = z.union([
  z.object({ value: envText }),
  z.object({ generateValue: z.literal(true) }),
]);
export const envVarsSchema = z.array(z.union([
  z.object({ key: envKey, value: envText }),
  z.object({ key: envKey, generateValue: z.literal(true) }),
])).max(500);
export const envKeySchema = envKey;

const healthCheckPath = z.string().max(1024).refine(
  (text) => text === "" || /^\/\S*$/.test(text),
  "must be empty or begin with a slash",
);

const envSpecificDetails = z.object({
  buildCommand: commandText.optional(),
  startCommand: commandText.optional(),
  dockerCommand: commandText.optional(),
  dockerContext: path.optional(),
  dockerfilePath: path.optional(),
});

const details = z.object({
  runtime: z.enum(["node", "python", "docker"]),
  plan: z.enum([
    "free",
    "starter",
    "starter_plus",
    "standard",
    "standard_plus",
    "pro",
    "pro_plus",
    "pro_max",
    "pro_ultra",
    "custom",
  ]).optional(),
  healthCheckPath: healthCheckPath.optional(),
  preDeployCommand: commandText.optional(),
  maxShutdownDelaySeconds: z.int().min(1).max(300).optional(),
  numInstances: z.int().min(1).max(1, "drydock runs one instance a service").optional(),
  maintenanceMode: z.object({ enabled: z.boolean(), uri: z.string().optional() }).optional(),
  envSpecificDetails: envSpecificDetails.optional(),
});

const autoDeploy = z.enum(["yes", "no"]);
const autoDeployTrigger = z.enum(["commit", "off", "checksPass"]);

export const newServiceSchema = z.object({
  type: z.literal("web_service", "drydock runs services of type web_service only"),
  name: z.string().min(1).max(100).regex(
    /^[\w][\w .-]*$/,
    "may hold letters, digits, dots, dashes and spaces",
  ),
  ownerId: z.string(),
  repo: repository,
  branch: branch.optional(),
  rootDir: path.optional(),
  autoDeploy: autoDeploy.optional(),
  autoDeployTrigger: autoDeployTrigger.optional(),
  envVars: envVarsSchema.optional(),
  serviceDetails: details,
});

export const servicePatchSchema = z.object({
  name: newServiceSchema.shape.name.optional(),
  repo: repository.optional(),
  branch: branch.optional(),
  rootDir: path.optional(),
  autoDeploy: autoDeploy.optional(),
  autoDeployTrigger: autoDeployTrigger.optional(),
  serviceDetails: details.partial().omit({ numInstances: true }).optional(),
});

export const newDeploySchema = z.object({
  clearCache: z.enum(["clear", "do_not_clear"]).optional(),
  commitId: z.string().regex(/^[0-9a-f]{7,40}$/, "is not a commit id").optional(),
  deployMode: z.enum(["build_and_deploy", "deploy_only"]).optional(),
  imageUrl: z.never("drydock deploys repositories only").optional(),
});

export const newWebhookSchema = z.object({
  ownerId: z.string(),
  url: z.string().min(1).max(2000),
  name: z.string().min(1).max(100),
  enabled: z.boolean(),
  eventFilter: z.array(z.enum(webhookEventTypes)).max(webhookEventTypes.length),
});
export const webhookPatchSchema = newWebhookSchema.omit({ ownerId: true }).partial();

export const rollbackSchema = z.object({ deployId: z.string() });

export const postgresStatuses = [
  "creating",
  "available",
  "unavailable",
  "config_restart",
  "suspended",
  "maintenance_scheduled",
  "maintenance_in_progress",
  "recovery_failed",
  "recovery_in_progress",
  "updating_instance",
  "unknown",
] as const;

export const newPostgresSchema = z.object({
  name: z.string().min(1).max(100),
  ownerId: z.string(),
  plan: z.string().min(1).max(50),
  version: z.enum(["11", "12", "13", "14", "15", "16", "17", "18"]),
  databaseName: z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, "is not a database name").optional(),
  databaseUser: z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, "is not a user name").optional(),
});

export const postgresPatchSchema = z.object({
  name: z.string().min(1).max(100).optional(),
  plan: z.string().min(1).max(50).optional(),
  /** Drydock's own: lets a test break the database. */
  status: z.enum(postgresStatuses).optional(),
});

/** Reads and checks a body. @throws {ApiError} that names the field */
export async function body<T extends z.ZodType>(context: Context, schema: T): Promise<z.output<T>> {
  const length = Number(context.req.header("content-length") ?? 0);
  if (length > BODY_BYTES_MAX) throw new ApiError(413, `request body is larger than ${BODY_BYTES_MAX} bytes`);
  const text = await context.req.text();
  if (text.length > BODY_BYTES_MAX) {
    throw new ApiError(413, `request body is larger than ${BODY_BYTES_MAX} bytes`);
  }
  return check(parse(text), schema);
}

/** @throws {ApiError} that names the field */
export function check<T extends z.ZodType>(value: unknown, schema: T, name = ""): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 5).map((issue) => {
    const field = [name, ...issue.path].filter((part) => part !== "").join(".");
    return field === "" ? issue.message : `${field}: ${issue.message}`;
  });
  throw new ApiError(400, `invalid request: ${problems.join("; ")}`);
}

function parse(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, "invalid request: the body is not JSON");
  }
}
