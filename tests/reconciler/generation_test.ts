import { assertEquals } from "@std/assert";
import { conditionsOf } from "../../reconciler/conditions.ts";
import { underSpec } from "../../reconciler/generation.ts";
import { addSample, emptyRecord, goodForMs } from "../../reconciler/samples.ts";
import type { ServiceSpec } from "../../reconciler/spec.ts";
import type { ServiceRecord } from "../../state/records.ts";
import { deploy, observation, sampled, sighting, spec } from "./world.ts";

const well = sighting([deploy("dep-1", "live")]);

/** A pass over a service that is well, as the controller makes one. */
function pass(before: ServiceRecord, given: ServiceSpec, monotonicMs: number): ServiceRecord {
  const { record, spec } = underSpec(before, given);
  const seen = observation(well, monotonicMs);
  const next = addSample(record, seen, spec);
  return { ...next, conditions: conditionsOf(next, seen, null, spec) };
}

Deno.test("a spec that says something else is a new generation, and the samples begin anew", () => {
  const first = pass(emptyRecord("srv-a", "my-api", 1), spec(), 0);
  const second = pass(first, spec(), 5_000);
  assertEquals([second.generation, goodForMs(second)], [1, 5_000]);
  const changed = pass(second, spec({ healthPath: "/other" }), 10_000);
  assertEquals([changed.generation, goodForMs(changed), changed.recentVerdicts], [2, 0, ["good"]]);
  assertEquals(new Set(changed.conditions.map((one) => one.observedGeneration)), new Set([2]));
  const stays = pass(changed, spec({ healthPath: "/other" }), 15_000);
  assertEquals([stays.generation, goodForMs(stays)], [2, 5_000]);
  assertEquals(pass(stays, spec(), 20_000).generation, 3, "back again is a change too");
});

Deno.test("a spec that is only written in another order is the same", () => {
  const one = pass(emptyRecord("srv-a", "my-api", 1), spec({ expect: { a: 1, b: { c: 2, d: 3 } } }), 0);
  const other = { ...spec({ expect: { b: { d: 3, c: 2 }, a: 1 } }), generation: 7 };
  assertEquals(pass(one, other, 5_000).generation, 1);
});

Deno.test("a record of an earlier version, without a name for its spec, keeps its generation and its samples", () => {
  const old = sampled(well, 4, spec());
  assertEquals(old.specHash, undefined);
  const { record } = underSpec(old, spec());
  assertEquals([record.generation, record.recentVerdicts.length, record.streak], [1, 4, old.streak]);
});
