/**
 * Who acts on a store: at most one Evenkeel leads, others stand by. Each leader gets a fencing number, one more than
 * the last; what it writes is refused once there is a greater one, so that a leader that stood still and wakes cannot
 * write on what it knew before. Signs of life are counted, not dated: whoever waits times them on a clock of its own.
 */

export interface Lease {
  /** The number of the newest leader; grows and never falls. 0 before the first. */
  fencing: number;
  /** The leader in words for people; `null` when it has let go. */
  holder: string | null;
  /** Signs of life since the store was made. */
  beats: number;
  /** Whether the leader held the data folder's lock when it last gave a sign: it goes with its process. */
  isLocked: boolean;
}

/** Another Evenkeel leads by now: nothing was written, and nothing may be done any more. */
export class Fenced extends Error {
  override readonly name = "Fenced";
  /** @param fencing the number that is out of date */
  constructor(readonly fencing: number, readonly lease: Lease) {
    super(
      `Leader ${fencing} was replaced: ${lease.holder ?? "nobody"} leads now, with number ${lease.fencing}`,
    );
  }
}

export interface Leases {
  getLease(): Promise<Lease>;
  /**
   * Takes the lease, if it still is as it was seen.
   * @returns the fencing number of the new leader, or `null` when somebody was faster
   */
  takeLease(holder: string, seen: Lease, isLocked: boolean): Promise<number | null>;
  /** Gives a sign of life. @throws {Fenced} when there is a newer leader */
  renewLease(fencing: number, isLocked: boolean): Promise<void>;
  /** Lets go, so that nobody has to wait. Nothing happens where there is a newer leader. */
  releaseLease(fencing: number): Promise<void>;
}
