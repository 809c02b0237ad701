/**
 * Lists of Render: bare arrays of wrappers `{"cursor": ..., "<resource>": {...}}` without a total. The next page
 * is asked for with the last item's cursor; a page shorter than asked for is the last (reference section 1).
 */
import { z } from "zod";
import type { Http, Query } from "./http.ts";

/** The largest page Render gives. */
export const PAGE_ITEMS_MAX = 100;
/** The most items one call of ours collects. */
export const LIST_ITEMS_MAX = 1000;

export interface ListQuery<Item extends { id: string } | { key: string }> {
  path: string;
  query: Query;
  /** The key of the item inside its wrapper. */
  wrapper: string;
  schema: z.ZodType<Item>;
  /** How many items at most, 1 to LIST_ITEMS_MAX. */
  limit: number;
  /**
   * The query of the page after `last`, for lists whose items may lack a cursor.
   * @default undefined: such a list ends with its first page
   */
  after?: (last: Item) => Query | undefined;
}

/** Collects up to `limit` items over as many pages as needed; an item that comes twice is kept once. */
export async function listPages<Item extends { id: string } | { key: string }>(
  http: Http,
  list: ListQuery<Item>,
  signal?: AbortSignal,
): Promise<Item[]> {
  const limit = Math.min(Math.max(1, Math.floor(list.limit)), LIST_ITEMS_MAX);
  const cursorSchema = z.object({ cursor: z.string().nullish() });
  const pageSchema = z.array(
    z.record(z.string(), z.unknown()).transform((wrapper, context) => {
      const item = list.schema.safeParse(wrapper[list.wrapper]);
      const cursor = cursorSchema.safeParse(wrapper);
      if (item.success) return { item: item.data, cursor: cursor.data?.cursor ?? undefined };
      for (const issue of item.error.issues.slice(0, 1)) {
        context.addIssue({ code: "custom", message: issue.message, path: [list.wrapper, ...issue.path] });
      }
      return z.NEVER;
    }),
  );
  const items = new Map<string, Item>();
  let next: Query = [];
  // Every page but the last brings a new item, so the limit bounds the pages too.
  while (items.size < limit) {
    const pageLimit = Math.min(PAGE_ITEMS_MAX, limit - items.size);
    const query: Query = [...withoutNames(list.query, next), ...next, ["limit", String(pageLimit)]];
    const page = await http.get(list.path, query, pageSchema, signal);
    const sizeBefore = items.size;
    for (const { item } of page.slice(0, pageLimit)) items.set("id" in item ? item.id : item.key, item);
    const last = page.at(-1);
    if (last === undefined || page.length < pageLimit || items.size === sizeBefore) break;
    const following = last.cursor === undefined
      ? list.after?.(last.item)
      : [["cursor", last.cursor] as const];
    if (following === undefined) break;
    next = following;
  }
  return [...items.values()];
}

function withoutNames(query: Query, names: Query): Query {
  return query.filter(([name]) => !names.some(([other]) => other === name));
}
