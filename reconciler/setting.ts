/** Service settings as Evenkeel changes them: what a patch changes, whether it is in force, how it reads. */
import type { ServicePatch } from "../render/schemas.ts";
import type { Settings } from "../agents/messages.ts";
import type { ServiceView } from "./observation.ts";

interface Change {
  name: string;
  from: string;
  to: string;
}

/** Every setting that a patch names, with its present value. */
export function changesOf(service: ServiceView, patch: ServicePatch): Change[] {
  const { settings } = service;
  const commands = patch.serviceDetails?.envSpecificDetails;
  const wanted: [name: string, from: string, to: string | undefined][] = [
    ["autoDeploy", service.autoDeploy ? "yes" : "no", patch.autoDeploy],
    ["branch", service.branch ?? "", patch.branch],
    ["rootDir", settings.rootDir, patch.rootDir],
    ["healthCheckPath", settings.healthCheckPath, patch.serviceDetails?.healthCheckPath],
    ["preDeployCommand", settings.preDeployCommand, patch.serviceDetails?.preDeployCommand],
    ["buildCommand", settings.buildCommand, commands?.buildCommand],
    ["startCommand", settings.startCommand, commands?.startCommand],
    ["dockerCommand", settings.startCommand, commands?.dockerCommand],
    ["dockerfilePath", settings.dockerfilePath, commands?.dockerfilePath],
  ];
  return wanted.flatMap(([name, from, to]) => to === undefined ? [] : [{ name, from, to }]);
}

/** Whether the service already has every value that the patch asks for. */
export function isInForce(service: ServiceView, patch: ServicePatch): boolean {
  return changesOf(service, patch).every((change) => change.from === change.to);
}

/** The settings that decide over a build, as they are with the patch in force. */
export function withPatch(settings: Settings, { rootDir, serviceDetails }: ServicePatch): Settings {
  const commands = serviceDetails?.envSpecificDetails;
  return {
    ...settings,
    rootDir: rootDir ?? settings.rootDir,
    buildCommand: commands?.buildCommand ?? settings.buildCommand,
    dockerfilePath: commands?.dockerfilePath ?? settings.dockerfilePath,
  };
}

/** The patch as a small diff for people. */
export function describePatch(service: ServiceView, patch: ServicePatch): string {
  return changesOf(service, patch)
    .map(({ name, from, to }) => `-${name}: ${from || "(empty)"}\n+${name}: ${to || "(empty)"}`)
    .join("\n");
}
