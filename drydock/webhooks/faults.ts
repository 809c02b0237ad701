/**
 * What the network does to deliveries in a test: some are never sent, some come more than once, and they overtake
 * one another. All of it from one seed.
 */
import type { Random } from "../../base/clock.ts";

export interface DeliveryFaults {
  seed: number;
  /** Share of deliveries that are never sent, 0 to 1. @default 0 */
  lost?: number;
  /** Share that is sent twice, 0 to 1. @default 0 */
  repeated?: number;
  /** Each is held back by up to this, in milliseconds, so that later ones overtake it. @default 0 */
  heldBackMs?: number;
}

/** How one delivery travels: one entry a copy, each with its delay in milliseconds. */
export type Journey = readonly number[];

/** @returns what decides for each delivery in turn */
export function createFaults(
  { seed, lost = 0, repeated = 0, heldBackMs = 0 }: DeliveryFaults,
): () => Journey {
  const random = seeded(seed);
  return () => {
    // Always three draws, so that one share does not change what another one hits.
    const [isLost, isRepeated, delay] = [random() < lost, random() < repeated, () => random() * heldBackMs];
    const copies = [delay(), delay()];
    return isLost ? [] : copies.slice(0, isRepeated ? 2 : 1);
  };
}

/** The mulberry32 generator: small, and the same everywhere. */
function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
