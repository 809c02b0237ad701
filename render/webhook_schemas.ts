/**
 * Render's webhooks as schemas: the registered webhook, one attempt at a delivery, and the body that is delivered
 * (reference sections 2.3, 2.7 and 9). Parsed once at the edge; unknown fields are ignored, `null` is absent.
 */
import { z } from "zod";

/** An optional field for which the API may also send `null`. */
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

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

export const webhookSchema = z.object({
  id: z.string(),
  url: maybe(z.string()),
  name: maybe(z.string()),
  /** Signs the deliveries; never shown, logged or stored. */
  secret: maybe(z.string()),
  enabled: maybe(z.boolean()),
  /** Empty means all. */
  eventFilter: maybe(z.array(z.string())),
});
export type Webhook = z.infer<typeof webhookSchema>;

/** Absent means: leave as it is. */
export const webhookPatchSchema = z.strictObject({
  name: z.string().optional(),
  url: z.string().optional(),
  enabled: z.boolean().optional(),
  eventFilter: z.array(z.enum(webhookEventTypes)).optional(),
});
export type WebhookPatch = z.infer<typeof webhookPatchSchema>;

export interface NewWebhook {
  ownerId: string;
  url: string;
  name: string;
  enabled: boolean;
  /** Empty means all. */
  eventFilter: WebhookEventType[];
}

/** One attempt at a delivery, as Render keeps it. */
export const webhookAttemptSchema = z.object({
  id: z.string(),
  eventId: maybe(z.string()),
  eventType: maybe(z.string()),
  sentAt: maybe(z.string()),
  /** Absent when nothing answered. */
  statusCode: maybe(z.number()),
  error: maybe(z.string()),
});
export type WebhookAttempt = z.infer<typeof webhookAttemptSchema>;

/** Longest id and name that are taken from a delivery, in characters. */
const ID_CHARS_MAX = 200;

/** The body of a delivery. It is thin: what happened is asked of the API. */
export const deliverySchema = z.object({
  type: z.string().max(ID_CHARS_MAX),
  timestamp: z.string().max(ID_CHARS_MAX),
  data: z.object({
    id: z.string().max(ID_CHARS_MAX),
    /** The id of a service, a Postgres or a Key Value. */
    serviceId: z.string().max(ID_CHARS_MAX),
    serviceName: maybe(z.string().max(ID_CHARS_MAX)),
    status: maybe(z.string().max(ID_CHARS_MAX)),
  }),
});
export type Delivery = z.infer<typeof deliverySchema>;
