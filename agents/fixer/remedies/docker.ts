/** Repairs of Dockerfiles. Where two repair one cause, the one that changes less comes first. */
import type { Remedy } from "../remedy.ts";
import { dockerApkRemedies } from "./docker_apk.ts";
import { dockerAptRemedies } from "./docker_apt.ts";
import { dockerAptKeyRemedies } from "./docker_apt_keys.ts";
import { dockerAptReleaseRemedies } from "./docker_apt_release.ts";
import { dockerBaseRemedies } from "./docker_base.ts";
import { dockerFileRemedies } from "./docker_files.ts";
import { dockerGoRemedies } from "./docker_go.ts";
import { dockerImageRemedies } from "./docker_images.ts";
import { dockerInstallRemedies } from "./docker_install.ts";
import { dockerNodeRemedies } from "./docker_node.ts";
import { dockerNpmRemedies } from "./docker_npm.ts";
import { dockerPythonRemedies } from "./docker_python.ts";
import { dockerRubyRemedies } from "./docker_ruby.ts";
import { dockerSyntaxRemedies } from "./docker_syntax.ts";

export const dockerRemedies: readonly Remedy[] = [
  ...dockerAptRemedies,
  ...dockerAptReleaseRemedies,
  ...dockerAptKeyRemedies,
  ...dockerApkRemedies,
  ...dockerInstallRemedies,
  ...dockerFileRemedies,
  ...dockerSyntaxRemedies,
  ...dockerNpmRemedies,
  ...dockerRubyRemedies,
  ...dockerGoRemedies,
  ...dockerNodeRemedies,
  ...dockerBaseRemedies,
  ...dockerImageRemedies,
  ...dockerPythonRemedies,
];
