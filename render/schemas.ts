/**
 * What Evenkeel reads of Render's API answers, parsed once at the edge. Unknown fields are ignored and `null`
 * counts as absent (Render's API description; reference sections 1 and 2). Only ids are demanded: every
 * other field may be missing from an answer, and code that needs it must say what it does without it.
 */
import { z } from "zod";

/** An optional field for which the API may also send `null`. */
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/** An enumeration that Render may extend: an unknown word becomes `"unknown"`, never an error. */
const word = <const T extends readonly [string, ...string[]]>(words: T) =>
  z.union([z.enum(words), z.string().transform(() => "unknown" as const)]);

export const deployStatuses = [
  "created",
  "queued",
  "build_in_progress",
  "pre_deploy_in_progress",
  "update_in_progress",
  "live",
  "deactivated",
  "build_failed",
  "pre_deploy_failed",
  "update_failed",
  "canceled",
] as const;

export const deploySchema = z.object({
  id: z.string(),
  status: maybe(word(deployStatuses)),
  trigger: maybe(z.string()),
  commit: maybe(
    z.object({ id: maybe(z.string()), message: maybe(z.string()), createdAt: maybe(z.string()) }),
  ),
  image: maybe(z.object({ ref: maybe(z.string()), sha: maybe(z.string()) })),
  createdAt: maybe(z.string()),
  startedAt: maybe(z.string()),
  finishedAt: maybe(z.string()),
  updatedAt: maybe(z.string()),
});
export type Deploy = z.infer<typeof deploySchema>;
export type DeployStatus = NonNullable<Deploy["status"]>;

export const serviceSchema = z.object({
  id: z.string(),
  name: maybe(z.string()),
  ownerId: maybe(z.string()),
  slug: maybe(z.string()),
  type: maybe(z.string()),
  autoDeploy: maybe(word(["yes", "no"])),
  autoDeployTrigger: maybe(z.string()),
  branch: maybe(z.string()),
  repo: maybe(z.string()),
  rootDir: maybe(z.string()),
  imagePath: maybe(z.string()),
  suspended: maybe(word(["suspended", "not_suspended"])),
  suspenders: maybe(z.array(z.string())),
  dashboardUrl: maybe(z.string()),
  createdAt: maybe(z.string()),
  updatedAt: maybe(z.string()),
  serviceDetails: maybe(z.object({
    runtime: maybe(z.string()),
    env: maybe(z.string()),
    plan: maybe(z.string()),
    region: maybe(z.string()),
    url: maybe(z.string()),
    healthCheckPath: maybe(z.string()),
    numInstances: maybe(z.number()),
    openPorts: maybe(z.array(z.object({ port: z.number(), protocol: maybe(z.string()) }))),
    maintenanceMode: maybe(z.object({ enabled: maybe(z.boolean()) })),
    parentServer: maybe(z.object({ id: maybe(z.string()), name: maybe(z.string()) })),
    envSpecificDetails: maybe(z.object({
      buildCommand: maybe(z.string()),
      startCommand: maybe(z.string()),
      preDeployCommand: maybe(z.string()),
      dockerCommand: maybe(z.string()),
      dockerContext: maybe(z.string()),
      dockerfilePath: maybe(z.string()),
    })),
  })),
});
export type Service = z.infer<typeof serviceSchema>;

/** The fields of PATCH /services/{id} that Evenkeel sets. Absent means: leave as it is. */
export const servicePatchSchema = z.strictObject({
  autoDeploy: z.enum(["yes", "no"]).optional(),
  branch: z.string().optional(),
  rootDir: z.string().optional(),
  serviceDetails: z.strictObject({
    healthCheckPath: z.string().optional(),
    preDeployCommand: z.string().optional(),
    envSpecificDetails: z.strictObject({
      buildCommand: z.string().optional(),
      startCommand: z.string().optional(),
      dockerCommand: z.string().optional(),
      dockerContext: z.string().optional(),
      dockerfilePath: z.string().optional(),
    }).optional(),
  }).optional(),
});
export type ServicePatch = z.infer<typeof servicePatchSchema>;

export const eventSchema = z.object({
  id: z.string(),
  timestamp: maybe(z.string()),
  serviceId: maybe(z.string()),
  type: z.string(),
  details: maybe(z.record(z.string(), z.unknown())),
});
export type RenderEvent = z.infer<typeof eventSchema>;

/** What a webhook can be told of: Render's `eventType`. Some events of a service are in no webhook. */
export const webhookEventTypes = [
  "artifact_fetch_failed",
  "artifact_source_changed",
  "autoscaling_config_changed",
  "autoscaling_ended",
  "autoscaling_started",
  "branch_deleted",
  "build_ended",
  "build_started",
  "commit_ignored",
  "cron_job_run_ended",
  "cron_job_run_started",
  "deploy_ended",
  "deploy_started",
  "disk_created",
  "disk_updated",
  "disk_deleted",
  "image_pull_failed",
  "instance_count_changed",
  "job_run_ended",
  "maintenance_mode_enabled",
  "maintenance_mode_uri_updated",
  "maintenance_ended",
  "maintenance_started",
  "pipeline_minutes_exhausted",
  "plan_changed",
  "pre_deploy_ended",
  "pre_deploy_started",
  "server_available",
  "server_failed",
  "server_hardware_failure",
  "server_restarted",
  "service_resumed",
  "service_suspended",
  "zero_downtime_redeploy_ended",
  "zero_downtime_redeploy_started",
  "edge_cache_enabled",
  "edge_cache_disabled",
  "edge_cache_purged",
  "auto_deploy_disabled",
  "auto_deploy_enabled",
  "postgres_available",
  "postgres_backup_completed",
  "postgres_backup_failed",
  "postgres_backup_started",
  "postgres_cluster_leader_changed",
  "postgres_connection_pool_changed",
  "postgres_connection_pool_enabled_changed",
  "postgres_created",
  "postgres_disk_size_changed",
  "postgres_disk_autoscaling_enabled_changed",
  "postgres_ha_status_changed",
  "postgres_restarted",
  "postgres_unavailable",
  "postgres_upgrade_failed",
  "postgres_upgrade_started",
  "postgres_upgrade_succeeded",
  "postgres_restore_failed",
  "postgres_restore_succeeded",
  "postgres_read_replicas_changed",
  "postgres_pitr_checkpoint_started",
  "postgres_pitr_checkpoint_failed",
  "postgres_pitr_checkpoint_completed",
  "postgres_read_replica_stale",
  "postgres_wal_archive_failed",
  "key_value_available",
  "key_value_config_restart",
  "key_value_unhealthy",
] as const;
export type WebhookEventType = typeof webhookEventTypes[number];

export const logLineSchema = z.object({
  id: maybe(z.string()),
  message: z.string(),
  timestamp: z.string(),
  labels: maybe(z.array(z.object({ name: z.string(), value: z.string() }))),
});
export type LogLine = z.infer<typeof logLineSchema>;

export const logPageSchema = z.object({
  hasMore: maybe(z.boolean()),
  nextStartTime: maybe(z.string()),
  nextEndTime: maybe(z.string()),
  logs: maybe(z.array(logLineSchema)),
});

export const envVarSchema = z.object({ key: z.string(), value: maybe(z.string()) });
export type EnvVar = z.infer<typeof envVarSchema>;

export const postgresSchema = z.object({
  id: z.string(),
  name: maybe(z.string()),
  status: maybe(z.string()),
  suspended: maybe(z.string()),
  suspenders: maybe(z.array(z.string())),
  expiresAt: maybe(z.string()),
});
export type Postgres = z.infer<typeof postgresSchema>;

/** The body of a refusal; every field is optional and the body may be no JSON at all. */
export const refusalSchema = z.object({
  id: maybe(z.string()),
  message: maybe(z.string()),
  code: maybe(z.string()),
});
