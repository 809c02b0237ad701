/** The variables an engine's own program gets: how to find its service, its settings and its credentials. */
import { toolEnvironment } from "../../../process/environment.ts";

const PASSED_ON = [
  "HOME",
  "XDG_RUNTIME_DIR",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
  "DBUS_SESSION_BUS_ADDRESS",
  "DOCKER_HOST",
  "DOCKER_CONTEXT",
  "DOCKER_CONFIG",
  "DOCKER_CERT_PATH",
  "DOCKER_TLS_VERIFY",
  "CONTAINER_HOST",
  "REGISTRY_AUTH_FILE",
];

/** None of it reaches a build or a container. @param scratch where the program may leave temporary files */
export function engineEnvironment(scratch: string): Record<string, string> {
  const own = PASSED_ON.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...toolEnvironment(), ...Object.fromEntries(own), TMPDIR: scratch };
}
