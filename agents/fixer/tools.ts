/** The named tools that remedies ask for, with their answers checked. A tool that fails rejects. */
import { z } from "zod";
import type { AskTool } from "../agent.ts";
import { normalName } from "../code/requirements.ts";

const resolveSchema = z.discriminatedUnion("ok", [
  z.object({
    ok: z.literal(true),
    resolved: z.array(z.object({ name: z.string(), version: z.string() })),
    mentions: z.array(z.object({ by: z.string(), of: z.string(), extra: z.string().nullable() })).default([]),
  }),
  z.object({ ok: z.literal(false), conflict: z.string() }),
]);
export type Resolution = z.infer<typeof resolveSchema>;
export type Resolved = Extract<Resolution, { ok: true }>;
const versionsSchema = z.object({ versions: z.array(z.string()) });
const viewSchema = z.object({ exists: z.boolean(), latest: z.string().nullable() });
const lockSchema = z.object({ lock: z.string().nullable() });

/**
 * Whether these requirement lines can be installed together, from wheels alone.
 * @param mentionsOf projects of which it is asked which resolved packages depend on them
 * @param constraints lines of constraints files, which bound versions and bring nothing by themselves
 */
export async function pipResolve(
  ask: AskTool,
  requirements: readonly string[],
  pythonVersion: string | null,
  mentionsOf: readonly string[] = [],
  constraints: readonly string[] = [],
): Promise<Resolution> {
  const question = { requirements, constraints, pythonVersion, mentionsOf };
  return resolveSchema.parse(await ask("pip-resolve", question));
}

/** The version that a resolution gives a project; undefined when it is not part of it. */
export function versionIn({ resolved }: Resolved, name: string): string | undefined {
  return resolved.find((each) => normalName(each.name) === normalName(name))?.version;
}

/** The versions of a distribution, newest first; none when the index does not know it. */
export async function pipVersions(
  ask: AskTool,
  name: string,
  pythonVersion: string | null,
  options: { wheelsOnly?: boolean } = {},
): Promise<string[]> {
  return versionsSchema.parse(await ask("pip-versions", { name, pythonVersion, ...options })).versions;
}

export async function npmView(
  ask: AskTool,
  name: string,
): Promise<{ exists: boolean; latest: string | null }> {
  return viewSchema.parse(await ask("npm-view", { name }));
}

/** The lock file that fits a manifest; null when its dependencies cannot be met. */
export async function npmLock(ask: AskTool, packageJson: string, lock: string): Promise<string | null> {
  return lockSchema.parse(await ask("npm-lock", { packageJson, lock })).lock;
}
