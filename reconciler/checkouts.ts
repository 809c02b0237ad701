/** Checkouts that hold a commit made but not yet published, so that it need not be cloned again; a few at most. */
import type { Checkout } from "./parts.ts";

/** Checkouts kept at once; the oldest goes first. */
export const CHECKOUTS_MAX = 4;

export class CheckoutCache implements AsyncDisposable {
  readonly #checkouts = new Map<string, Checkout>();

  async put(incidentId: string, attempt: number, checkout: Checkout): Promise<void> {
    this.#checkouts.set(`${incidentId}/${attempt}`, checkout);
    for (const [key, oldest] of this.#checkouts) {
      if (this.#checkouts.size <= CHECKOUTS_MAX) break;
      this.#checkouts.delete(key);
      await oldest[Symbol.asyncDispose]();
    }
  }

  /** Hands a checkout over to the caller, who disposes of it; `null` when there is none. */
  take(incidentId: string, attempt: number): Checkout | null {
    const key = `${incidentId}/${attempt}`;
    const checkout = this.#checkouts.get(key) ?? null;
    this.#checkouts.delete(key);
    return checkout;
  }

  async drop(incidentId: string, attempt: number): Promise<void> {
    await this.take(incidentId, attempt)?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#checkouts.values()];
    this.#checkouts.clear();
    for (const checkout of all) await checkout[Symbol.asyncDispose]();
  }
}
