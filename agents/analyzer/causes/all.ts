/** Every cause, an ecosystem a file. Order decides ties only. */
import type { Cause } from "../catalogue.ts";
import { applicationCauses } from "./application.ts";
import { databaseCauses } from "./database.ts";
import { networkCauses } from "./network.ts";
import { nodeCauses } from "./node.ts";
import { platformCauses } from "./platform.ts";
import { pythonCauses } from "./python.ts";

export const causes: readonly Cause[] = [
  ...pythonCauses,
  ...nodeCauses,
  ...platformCauses,
  ...networkCauses,
  ...databaseCauses,
  ...applicationCauses,
];
