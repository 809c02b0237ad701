/**
 * A newer or older tag of an official image, its variant kept where the other version has it too. Knows which
 * versions exist and which variants they come in; a tag that it is not sure of is not made.
 */
import { DEBIAN } from "../code/distribution.ts";
import { globalArgs, parseImage } from "../code/dockerfile.ts";
import type { Change, From, ImageName } from "../code/dockerfile.ts";
import type { DockerCase } from "./docker_case.ts";

/** The version of a tag such as `3.6.8-slim-jessie`, and what follows it. */
export function splitTag(tag: string | null): { version: string | null; variant: string } {
  const match = /^(\d+(?:\.\d+)*)(-.*)?$/.exec(tag ?? "");
  if (match !== null) return { version: match[1]!, variant: match[2] ?? "" };
  const named = /^(latest|lts|stable|current)(-.*)?$|^((?:alpine|slim|buster|stretch|jessie|onbuild)\S*)$/
    .exec(tag ?? "latest");
  return { version: null, variant: named?.[2] ?? (named?.[3] === undefined ? "" : `-${named[3]}`) };
}

/** Compares versions part by part. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const order = (left[at] ?? 0) - (right[at] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

/** A variant as another version has it: `-alpine3.6` becomes `-alpine`, an ended release of Debian is left out. */
function variantFor(variant: string): string {
  return variant.split("-").filter((part) => part !== "")
    .map((part) => /^alpine/.test(part) ? "alpine" : part)
    .filter((part) => !(part in DEBIAN && DEBIAN[part]! <= 9) && part !== "wheezy")
    .map((part) => `-${part}`).join("");
}

/**
 * The change that moves a stage's base to another version.
 * @param repositories official images whose tags are versions of the wanted thing
 */
export function moveBase(found: DockerCase, repositories: RegExp, version: string): Change[] | string {
  const { base, file } = found;
  if (base === undefined) return "the Dockerfile has no base image";
  const image = parseImage(base.resolved ?? base.image);
  if (!repositories.test(image.repository)) return `${base.image} is no image whose versions are known`;
  if (image.digest !== null) return "the base image is pinned by a digest";
  const { variant } = splitTag(image.tag);
  if (variant.includes("onbuild")) {
    // These were the last that came with build steps of their own.
    const last = image.repository === "node" ? "8" : image.repository === "ruby" ? "2.3" : "";
    if (version !== last) return "an image that builds on its own has steps the new one lacks";
    return retag(file.text, base, `${version}-onbuild`, image, globalArgs(file));
  }
  const exact = /^\d+\.\d+\.\d+$/.test(version);
  const kept = exact && /^-(?:slim|alpine)?$|^$/.test(variant) ? variant : variantFor(variant);
  return retag(file.text, base, `${version}${kept}`, image, globalArgs(file));
}

/** Changes the tag in FROM, or the default of the ARG that it is made of; every stage on the same image moves. */
function retag(
  text: string,
  base: From,
  tag: string,
  image: ImageName,
  args: ReadonlyMap<string, string | null>,
): Change[] | string {
  if (!base.image.includes("$")) {
    const to = `${
      parseImage(base.image).repository === "" ? image.repository : base.image.split(":")[0]
    }:${tag}`;
    if (to === base.image) return "the base image is that version already";
    const pattern = new RegExp(
      `^([ \\t]*FROM[ \\t]+(?:--\\S+[ \\t]+)*)${RegExp.escape(base.image)}(?=\\s|$)`,
      "gim",
    );
    return [...text.matchAll(pattern)].map((match) => {
      const start = match.index + match[1]!.length;
      return { start, end: start + base.image.length, text: to };
    });
  }
  const only = /^([^$]+):\$\{?(\w+)\}?(-[\w.-]+)?$/.exec(base.image);
  const value = only === null ? null : args.get(only[2]!) ?? null;
  if (only === null || value === null) {
    return "the tag comes from a variable that the Dockerfile does not set";
  }
  const suffix = only[3] ?? "";
  const wanted = suffix === "" ? tag : splitTag(tag).version ?? tag;
  const arg = new RegExp(`^([ \\t]*ARG[ \\t]+${only[2]}=["']?)${RegExp.escape(value)}`, "im").exec(text);
  if (arg === null || value === wanted) return "the base image is that version already";
  const start = arg.index + arg[1]!.length;
  return [{ start, end: start + value.length, text: wanted }];
}

/** The version in the tag of the base image; null for `latest` and names. */
export function baseVersion(found: DockerCase): string | null {
  const image = parseImage(found.base?.resolved ?? found.base?.image ?? "");
  return splitTag(image.tag).version;
}

/** Repository of the base image. */
export const baseRepository = (found: DockerCase): string =>
  parseImage(found.base?.resolved ?? found.base?.image ?? "").repository;

export const moved = (changes: Change[] | string, summary: string) =>
  typeof changes === "string" ? changes : { changes, summary, risk: "medium" as const };
/** Every line that may say what is needed: the captures first. */
export const said = (found: DockerCase) => [
  ...Object.values(found.captures),
  found.context.diagnosis.evidence?.text ?? "",
  ...found.lines,
];
export function highest(versions: readonly string[]): string | undefined {
  return versions.toSorted(compareVersions).at(-1);
}
export const MINOR = /^(\d+)(?:\.(\d+))?/;
export const toMinor = (version: string) => {
  const match = MINOR.exec(version);
  return match === null ? version : `${match[1]}.${match[2] ?? "0"}`;
};
