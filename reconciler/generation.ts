/**
 * Counts the versions of a service's spec, after the Kubernetes convention: a spec that says something else is a new
 * generation, and what was sampled under the old one says nothing about it. Pure.
 */
import type { Json } from "../base/json.ts";
import type { ServiceRecord } from "../state/records.ts";
import { fingerprint } from "../text/fingerprint.ts";
import type { ServiceSpec } from "./spec.ts";

/** The record and the spec as they are for a pass. */
export function underSpec(
  record: ServiceRecord,
  given: ServiceSpec,
): { record: ServiceRecord; spec: ServiceSpec } {
  const specHash = hashOf(given);
  // A record from before there were hashes is taken to be of this spec.
  const isSame = (record.specHash ?? specHash) === specHash;
  const generation = isSame ? record.generation : record.generation + 1;
  return {
    record: { ...record, specHash, generation, ...(isSame ? {} : { streak: null, recentVerdicts: [] }) },
    spec: { ...given, generation },
  };
}

/** By spec, none of which is ever changed: every pass asks. */
const hashes = new WeakMap<ServiceSpec, string>();

/** A name for what a spec says, whatever order it is written in. */
function hashOf(spec: ServiceSpec): string {
  const known = hashes.get(spec);
  if (known !== undefined) return known;
  const { generation: _, ...content } = spec;
  // A spec is made of strings, numbers, lists and plain objects, which is JSON; its type is only narrower.
  const hash = fingerprint([JSON.stringify(sorted(JSON.parse(JSON.stringify(content)) as Json))]);
  hashes.set(spec, hash);
  return hash;
}

/** A spec is as deep as its file, which is bounded. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, item]): [string, Json] => [key, sorted(item)]);
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
}
