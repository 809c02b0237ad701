/** How simulated services say how their database is: half of them have none. */
import type { ServiceSpec } from "../../reconciler/spec.ts";
import type { SimService } from "./platform.ts";
import type { Chance } from "./random.ts";

export function drawDatabase(chance: Chance, { id }: SimService): ServiceSpec["database"] {
  return chance.pick<ServiceSpec["database"]>([
    { kind: "none" },
    { kind: "none" },
    { kind: "json-path", path: "database", good: ["up"] },
    { kind: "render-postgres", id: id.replace("srv-", "dpg-") },
  ]);
}
