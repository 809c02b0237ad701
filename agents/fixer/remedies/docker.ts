/** Repairs of Dockerfiles. Where two repair one cause, the one that changes less comes first. */
import type { Remedy } from "../remedy.ts";
import { dockerApkRemedies } from "./docker_apk.ts";
import { dockerAptRemedies } from "./docker_apt.ts";
import { dockerBaseRemedies } from "./docker_base.ts";
import { dockerFileRemedies } from "./docker_files.ts";
import { dockerInstallRemedies } from "./docker_install.ts";
import { dockerNodeRubyRemedies } from "./docker_node_ruby.ts";
import { dockerPythonRemedies } from "./docker_python.ts";
import { dockerSyntaxRemedies } from "./docker_syntax.ts";

export const dockerRemedies: readonly Remedy[] = [
  ...dockerAptRemedies,
  ...dockerApkRemedies,
  ...dockerInstallRemedies,
  ...dockerFileRemedies,
  ...dockerSyntaxRemedies,
  ...dockerNodeRubyRemedies,
  ...dockerBaseRemedies,
  ...dockerPythonRemedies,
];
