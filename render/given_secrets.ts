/**
 * Reads what a service is given beside its own variables: its secret files, and the variables and files of the
 * groups that are linked to it (reference 2.9). Only for keeping them out of what is shown: what the key may not
 * read, and what there is none of, is left out.
 */
import { z } from "zod";
import type { NamedValue } from "../text/secret_values.ts";
import { RenderRefused } from "./api.ts";
import type { Http } from "./http.ts";
import { listPages } from "./paging.ts";
import { envVarSchema } from "./schemas.ts";

/** Groups of one service that are read. */
const GROUPS_MAX = 20;
/** Groups of a workspace that are looked through for them. */
const GROUPS_LISTED = 100;
const FILES_MAX = 100;
const NOT_FOUND = 404;

const fileSchema = z.object({ name: z.string(), content: z.string().nullish() })
  .transform(({ name, content }) => ({ key: name, value: content ?? "" }));
const groupsSchema = z.array(z.object({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/),
  serviceLinks: z.array(z.object({ id: z.string().nullish() })).nullish(),
}));
const groupSchema = z.object({
  envVars: z.array(envVarSchema).nullish(),
  secretFiles: z.array(fileSchema).nullish(),
});

/**
 * @param servicePath of the service, built from a checked id
 * @param onLeftOut told when there may be some that were not read: the key may not, or there are too many
 */
export async function readGivenSecrets(
  http: Http,
  { id, ownerId }: { id: string; ownerId: string },
  servicePath: string,
  signal?: AbortSignal,
  onLeftOut: () => void = () => {},
): Promise<NamedValue[]> {
  // There are none of what is not found.
  const onRefused = ({ status }: RenderRefused) => status === NOT_FOUND || onLeftOut();
  const [files, groups] = await Promise.all([
    whereAllowed(
      listPages(
        http,
        {
          path: `${servicePath}/secret-files`,
          query: [],
          wrapper: "secretFile",
          schema: fileSchema,
          limit: FILES_MAX,
        },
        signal,
      ),
      onRefused,
    ),
    whereAllowed(
      http.get("/env-groups", [["ownerId", ownerId], ["limit", String(GROUPS_LISTED)]], groupsSchema, signal),
      onRefused,
    ),
  ]);
  const linked = (groups ?? []).filter(({ serviceLinks }) => serviceLinks?.some((link) => link.id === id));
  if (
    (files ?? []).length >= FILES_MAX || (groups ?? []).length >= GROUPS_LISTED || linked.length > GROUPS_MAX
  ) onLeftOut();
  const held = await Promise.all(
    linked.slice(0, GROUPS_MAX).map((group) =>
      whereAllowed(http.get(`/env-groups/${group.id}`, [], groupSchema, signal), onRefused)
    ),
  );
  const found = [
    ...files ?? [],
    ...held.flatMap((group) => [...group?.envVars ?? [], ...group?.secretFiles ?? []]),
  ];
  return found.map(({ key, value }) => ({ name: key, value: value ?? "" }));
}

/** `null` where Render says no: a key of fewer rights, a kind of service that has none. */
export async function whereAllowed<T>(
  reading: Promise<T>,
  onRefused: (error: RenderRefused) => void = () => {},
): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof RenderRefused && error.status < 500 && error.status !== 429) {
      onRefused(error);
      return null;
    }
    throw error;
  }
}
