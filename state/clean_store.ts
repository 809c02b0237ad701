/**
 * A store that keeps no secret and no control character: the words in what is recorded are cleaned on their way in.
 * The names by which things are found again (ids, commits, fingerprints, paths) pass as they are.
 */
import type { Json } from "../base/json.ts";
import type { Change, Store } from "./store.ts";

/** The fields of records that hold words for people; their authors may be logs, services and other programs. */
const WORDS: ReadonlySet<string> = new Set([
  "because",
  "concluded",
  "detail",
  "diff",
  "error",
  "example",
  "figures",
  "message",
  "recommendation",
  "summary",
  "template",
  "text",
  "why",
]);
const DEPTH_MAX = 20;

/** @param clean makes one text safe: `(text) => cleanLog(text, redact)` */
export function createCleanStore<S extends Store>(store: S, clean: (text: string) => string): S {
  const record: Store["record"] = async (change) => await store.record(cleanWords(change, clean));
  const finish: Store["finish"] = async (key, end) => await store.finish(key, cleanWords(end, clean));
  // Methods use private fields of the store, so they must run on the store itself.
  return new Proxy(store, {
    get(target, name) {
      if (name === "record") return record;
      if (name === "finish") return finish;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The same value with clean words, whatever its shape: only strings change, and strings stay strings. */
function cleanWords<T extends Change | { result: Json | null }>(
  value: T,
  clean: (text: string) => string,
): T {
  const walk = (inner: unknown, isWords: boolean, depth: number): unknown => {
    if (typeof inner === "string") return isWords ? clean(inner) : inner;
    if (typeof inner !== "object" || inner === null || depth > DEPTH_MAX) return inner;
    if (Array.isArray(inner)) return inner.map((one) => walk(one, isWords, depth + 1));
    return Object.fromEntries(
      Object.entries(inner).map(([key, one]) => [key, walk(one, isWords || WORDS.has(key), depth + 1)]),
    );
  };
  // A walk keeps the shape.
  return walk(value, false, 0) as T;
}
