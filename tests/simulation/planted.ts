/** What a planted bug is, and how a part of the product is replaced by one that errs. */
import type { Parts } from "../../reconciler/parts.ts";
import type { plan } from "../../reconciler/plan.ts";
import type { Incident } from "../../state/records.ts";
import type { Change, Store } from "../../state/store.ts";
import type { InvariantName } from "./checker.ts";
import type { Bug } from "./simulate.ts";

/** A planted bug and the invariants of which it has to break one. */
export interface PlantedBug extends Bug {
  breaks: readonly InvariantName[];
  /** A seed that is known to show it, tried first. @default they are tried from 1 */
  seed?: number;
}

/** A part with some of its methods replaced. */
export function instead<T extends object>(target: T, methods: (target: T) => Partial<T>): T {
  const replaced = methods(target);
  return new Proxy(target, {
    get: (_, key) => Reflect.get(Object.hasOwn(replaced, key) ? replaced : target, key),
  });
}

export function withStore(methods: (store: Store) => Partial<Store>): Pick<Bug, "parts"> {
  return { parts: (parts) => ({ ...parts, store: instead(parts.store, methods) }) };
}

/** A store that writes something else than it was told. */
export function withRecord(change: (written: Change) => Change): Pick<Bug, "parts"> {
  return withStore((store) => ({ record: (written) => store.record(change(written)) }));
}

export function withIncident(change: (incident: Incident) => Incident): Pick<Bug, "parts"> {
  return withRecord((written) =>
    written.incident === undefined ? written : { ...written, incident: change(written.incident) }
  );
}

export function withApi(methods: (api: Parts["api"]) => Partial<Parts["api"]>): Pick<Bug, "parts"> {
  return { parts: (parts) => ({ ...parts, api: instead(parts.api, methods) }) };
}

export type Plan = typeof plan;

/** A plan that decides otherwise. */
export function withPlan(err: (plan: Plan, ...of: Parameters<Plan>) => ReturnType<Plan>): Pick<Bug, "plan"> {
  return { plan: (plan) => (...of) => err(plan, ...of) };
}
