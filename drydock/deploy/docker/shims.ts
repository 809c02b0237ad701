/**
 * Small programs that stand before the machine's own on PATH while a Dockerfile is followed: what would
 * change the machine (system packages, users, owners) says that it was passed over and succeeds.
 */
import { join } from "@std/path";

const PASSED_OVER = [
  "apt",
  "apt-get",
  "apk",
  "dpkg",
  "yum",
  "dnf",
  "microdnf",
  "adduser",
  "addgroup",
  "useradd",
  "groupadd",
  "usermod",
  "chown",
  "chgrp",
  "corepack",
  "update-ca-certificates",
];

/** @param folder made here @returns the folder, to be put first on PATH */
export async function writeShims(folder: string): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  for (const name of PASSED_OVER) {
    await Deno.writeTextFile(
      join(folder, name),
      `#!/bin/sh\necho "==> Drydock: ${name} $* is passed over"\n`,
      { mode: 0o755 },
    );
  }
  await Deno.writeTextFile(join(folder, "sudo"), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  return folder;
}
