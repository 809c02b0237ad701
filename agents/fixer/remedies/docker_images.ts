/** Repairs that take another base image: for another platform, or where the image moved to. */
import { parseImage, stagesOf } from "../../code/dockerfile.ts";
import type { Change } from "../../code/dockerfile.ts";
import { moved } from "../base_image.ts";
import { dockerRemedy } from "../docker_case.ts";
import type { Repair } from "../docker_case.ts";
import type { Remedy } from "../remedy.ts";

/** Images for other processors and the image they were made from. */
const PLATFORM_NAMES: readonly [RegExp, string][] = [
  [
    /^(?:arm32v[567]|arm64v8|aarch64|armhf|ppc64le|s390x|riscv64|arm64|armv7|armel|mips64le)\/([\w.-]+)/,
    "$1",
  ],
  [/^(?:resin|balenalib|balena)\/(?:rpi|raspberry-?pi\d?(?:-64)?|armv7hf|armhf|aarch64)-raspbian/, "debian"],
  [
    /^(?:resin|balenalib|balena)\/(?:rpi|raspberry-?pi\d?(?:-64)?|armv7hf|armhf|aarch64|intel-nuc|amd64|i386)-debian/,
    "debian",
  ],
  [
    /^(?:resin|balenalib|balena)\/(?:rpi|raspberry-?pi\d?(?:-64)?|armv7hf|armhf|aarch64)-alpine(?=$|:)/,
    "alpine",
  ],
  [
    /^(?:resin|balenalib|balena)\/(?:rpi|raspberry-?pi\d?(?:-64)?|armv7hf|armhf|aarch64)-(?:(?:debian|alpine|ubuntu)-)?(python|node|golang|buildpack-deps)/,
    "$1",
  ],
  [/^hypriot\/(?:rpi|armhf)-(alpine|node|python|golang)/, "$1"],
  [/^hypriot\/armhf-(\w+)/, "$1"],
  [
    /^(?:armbuild|armhfbuild|armv7|armhf)\/(debian|ubuntu|alpine|node|python|golang|nginx|busybox|ruby)/,
    "$1",
  ],
  [/^raspbian\/(?:stretch|jessie)/, "debian"],
];

const otherPlatform: Repair = (found) => {
  const { file } = found;
  if (/cross-build-(?:start|end)|qemu-\w+-static/.test(file.text)) {
    return "the Dockerfile is made for an emulated processor";
  }
  const changes: Change[] = [];
  let said = "";
  for (const from of stagesOf(file)) {
    if (from.image.includes("$")) continue;
    for (const [sign, to] of PLATFORM_NAMES) {
      const match = sign.exec(from.image);
      if (match === null) continue;
      const name = from.image.replace(sign, to);
      if (!/^[a-z0-9._/-]+(?::[\w.-]+)?$/.test(name)) break;
      changes.push({ start: from.start, end: from.end, text: name });
      said = name;
      break;
    }
    const multiarch = /^(multiarch\/[\w-]+:)(?:armhf|arm64|aarch64|armel)(-.*)$/.exec(from.image);
    if (multiarch !== null) {
      said = `${multiarch[1]}amd64${multiarch[2]}`;
      changes.push({ start: from.start, end: from.end, text: said });
    }
  }
  if (changes.length === 0) return "no twin of the base image for this processor is known";
  return moved(changes, `Take ${said}, the same image for this processor`);
};

/** Images that moved, with the tag kept. */
const MOVED: readonly [RegExp, string][] = [
  [/^base\/archlinux$/, "archlinux"],
  [/^archlinux\/base$/, "archlinux"],
  [/^java$/, "openjdk"],
  [/^microsoft\/aspnetcore$/, "mcr.microsoft.com/dotnet/core/aspnet"],
  [/^microsoft\/aspnetcore-build$/, "mcr.microsoft.com/dotnet/core/sdk"],
  [/^microsoft\/powershell$/, "mcr.microsoft.com/powershell"],
  [/^microsoft\/mssql-server-linux$/, "mcr.microsoft.com/mssql/server"],
  [/^microsoft\/azure-cli$/, "mcr.microsoft.com/azure-cli"],
  [/^google\/cloud-sdk$/, "gcr.io/google.com/cloudsdktool/cloud-sdk"],
  [/^(?:nodesource|library)\/(?:jessie|wheezy|trusty|xenial)$/, "node"],
];

const movedImage: Repair = ({ file, step }) => {
  const from = stagesOf(file).find(({ instruction }) => instruction === step);
  if (from === undefined || from.image.includes("$")) return "the failing step names no image";
  const { repository, tag } = parseImage(from.image);
  const to = MOVED.find(([sign]) => sign.test(repository))?.[1];
  if (to === undefined) return `where ${repository} moved to is not known`;
  return moved(
    [{ start: from.start, end: from.end, text: tag === null ? to : `${to}:${tag}` }],
    `Take ${to}: the image moved there`,
  );
};

const base = (id: string, causes: readonly string[], repair: Repair) =>
  dockerRemedy(id, causes, repair, "medium");

export const dockerImageRemedies: readonly Remedy[] = [
  base("docker/platform", ["base-image-wrong-platform"], otherPlatform),
  base("docker/moved-image", ["base-image-not-found"], movedImage),
];
