/** Every cause, an ecosystem a file. Order decides ties only. */
import type { Cause } from "../catalogue.ts";
import { applicationCauses } from "./application.ts";
import { aptCauses } from "./apt.ts";
import { compiledCauses } from "./compiled.ts";
import { databaseCauses } from "./database.ts";
import { downloadCauses } from "./downloads.ts";
import { frameworkCauses } from "./frameworks.ts";
import { gitCauses } from "./git.ts";
import { goCauses } from "./go.ts";
import { imageCauses } from "./images.ts";
import { javascriptBuildCauses } from "./javascript_build.ts";
import { nativeCauses } from "./native.ts";
import { fileCauses } from "./files.ts";
import { pythonInstallCauses } from "./python_installs.ts";
import { npmBuildCauses } from "./npm_build.ts";
import { jvmDotnetCauses } from "./jvm_dotnet.ts";
import { operationStartCauses } from "./operation_starts.ts";
import { networkCauses } from "./network.ts";
import { nodeCauses } from "./node.ts";
import { operationCauses } from "./operations.ts";
import { packageCauses } from "./packages.ts";
import { phpRubyCauses } from "./php_ruby.ts";
import { platformCauses } from "./platform.ts";
import { pythonBuildCauses } from "./python_build.ts";
import { pythonCauses } from "./python.ts";
import { shellCauses } from "./shell.ts";

/** Causes of services that a container build has another name for, or a closer reading of the same lines. */
const SERVICES_ONLY = new Set([
  "app-syntax-error",
  "app-unhandled-exception",
  "build-output-missing",
  "build-script-not-executable",
  "case-sensitive-path",
  "command-not-found",
  "db-host-unresolvable",
  "entry-file-not-found",
  "file-missing-or-wrong-path",
  "git-repo-access-denied",
  "heavy-dependencies",
  "node-devdeps-omitted",
  "node-module-missing",
  "python-db-driver-missing",
  "python-init-missing",
  "python-module-missing",
  "python-pg-config-missing",
  "python-wrong-import-path",
  "root-dir-double-cd",
  "root-dir-missing-or-wrong",
  "setuptools-too-new",
  "start-command-not-executable",
  "wrong-runtime-selected",
]);

const serviceCauses: readonly Cause[] = [
  ...pythonCauses,
  ...nodeCauses,
  ...platformCauses,
  ...networkCauses,
  ...databaseCauses,
  ...applicationCauses,
];

export const causes: readonly Cause[] = [
  ...serviceCauses.map((cause): Cause =>
    SERVICES_ONLY.has(cause.slug) ? { ...cause, where: "service" } : cause
  ),
  ...frameworkCauses,
  ...operationCauses,
  ...operationStartCauses,
  ...aptCauses,
  ...packageCauses,
  ...imageCauses,
  ...downloadCauses,
  ...gitCauses,
  ...goCauses,
  ...pythonBuildCauses,
  ...pythonInstallCauses,
  ...javascriptBuildCauses,
  ...npmBuildCauses,
  ...phpRubyCauses,
  ...nativeCauses,
  ...compiledCauses,
  ...jvmDotnetCauses,
  ...shellCauses,
  ...fileCauses,
];
