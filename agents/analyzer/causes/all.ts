/** Every cause, an ecosystem a file. Order decides ties only. */
import type { Cause } from "../catalogue.ts";
import { applicationCauses } from "./application.ts";
import { aptCauses } from "./apt.ts";
import { compiledCauses } from "./compiled.ts";
import { databaseCauses } from "./database.ts";
import { downloadCauses } from "./downloads.ts";
import { gitCauses } from "./git.ts";
import { goCauses } from "./go.ts";
import { imageCauses } from "./images.ts";
import { javascriptBuildCauses } from "./javascript_build.ts";
import { nativeCauses } from "./native.ts";
import { networkCauses } from "./network.ts";
import { nodeCauses } from "./node.ts";
import { packageCauses } from "./packages.ts";
import { phpRubyCauses } from "./php_ruby.ts";
import { platformCauses } from "./platform.ts";
import { pythonBuildCauses } from "./python_build.ts";
import { pythonCauses } from "./python.ts";
import { shellCauses } from "./shell.ts";

export const causes: readonly Cause[] = [
  ...pythonCauses,
  ...nodeCauses,
  ...platformCauses,
  ...networkCauses,
  ...databaseCauses,
  ...applicationCauses,
  ...aptCauses,
  ...packageCauses,
  ...imageCauses,
  ...downloadCauses,
  ...gitCauses,
  ...goCauses,
  ...pythonBuildCauses,
  ...javascriptBuildCauses,
  ...phpRubyCauses,
  ...nativeCauses,
  ...compiledCauses,
  ...shellCauses,
];
