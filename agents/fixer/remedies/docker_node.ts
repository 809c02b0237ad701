/** Repairs that take another version of Node. */
import { baseVersion, moveBase, moved, said } from "../base_image.ts";
import { dockerRemedy } from "../docker_case.ts";
import type { Repair } from "../docker_case.ts";
import type { Remedy } from "../remedy.ts";
import semver from "semver";

const NODE = /^(?:node|mhart\/alpine-node)$/;

const NODE_MAJORS = [8, 10, 12, 14, 16, 18, 20, 22];

const nodeInRange: Repair = (found) => {
  for (const line of said(found)) {
    const range =
      /engine "node" is incompatible with this module\. Expected version "([^"]+)"/.exec(line)?.[1] ??
        /(?:wanted|Required): \{"?node"?:"([^"]+)"/.exec(line)?.[1] ??
        /required: \{ node: '([^']+)'/.exec(line)?.[1];
    if (range === undefined) continue;
    if (!semver.validRange(range)) return `the range ${range} is not understood`;
    const current = baseVersion(found);
    if (/^\d+\.\d+\.\d+$/.test(range)) {
      return moved(
        moveBase(found, /^node$/, range),
        `Take the image of Node ${range}, which the manifest asks for`,
      );
    }
    const from = current === null ? 0 : Number(current.split(".")[0]);
    // The newest release of a line satisfies what any release of it does.
    const fits = NODE_MAJORS.filter((major) =>
      semver.satisfies(`${major}.99.0`, range) || semver.subset(`^${major}.0.0`, range) ||
      semver.intersects(`>=${major}.15.0 <${major + 1}.0.0`, range)
    );
    const major = fits.find((each) => each > from) ?? fits.at(-1);
    if (major === undefined) return `no line of Node is within ${range}`;
    return moved(moveBase(found, NODE, String(major)), `Take the image of Node ${major}, within ${range}`);
  }
  return "the log does not show the range";
};

const newerNode: Repair = (found) => {
  const current = Number(baseVersion(found)?.split(".")[0] ?? NaN);
  if (Number.isNaN(current)) return "the version of Node in the image is not known";
  const lines = said(found);
  const wanted = lines.flatMap((line) => {
    const range =
      /Required: \{"?node"?:"([^"]+)"|required: \{ node: '([^']+)'|requires? (?:Node(?:\.js)?|node) (?:version )?(?:>= ?)?v?(\d+(?:\.\d+)*)/i
        .exec(line)
        ?.slice(1).find((each) => each !== undefined);
    const lowest = range === undefined || !semver.validRange(range)
      ? null
      : semver.minVersion(range)?.major ?? null;
    return lowest === null ? [] : [lowest];
  });
  const bySyntax = lines.some((line) => /Unexpected token '?(?:\?\?=|\|\|=)/.test(line))
    ? 16
    : lines.some((line) => /Unexpected token '?(?:\.|\?)'?\s*$/.test(line)) ||
        lines.some((line) => /Cannot find module 'node:/.test(line))
    ? 16
    : 12;
  const need = Math.max(bySyntax, ...wanted);
  const major = NODE_MAJORS.find((each) => each >= need && each > current);
  if (major === undefined) return `the image has Node ${current} already`;
  return moved(
    moveBase(found, NODE, String(major)),
    `Take the image of Node ${major}, whose syntax the packages use`,
  );
};

const newerNpm: Repair = (found) => {
  const current = Number(baseVersion(found)?.split(".")[0] ?? NaN);
  if (!(current < 8)) return "the image's npm is not that old";
  return moved(moveBase(found, NODE, "8"), "Take the image of Node 8, whose npm fits the registry");
};

const olderNode: Repair = (found) => {
  const current = baseVersion(found);
  const major = current === null ? Infinity : Number(current.split(".")[0]);
  const lines = said(found);
  const isV8Of12 = lines.some((line) =>
    /v8::(?:FunctionTemplate::GetFunction|String::Utf8Value|Value::(?:IntegerValue|Int32Value|Uint32Value|NumberValue|BooleanValue|ToString|ToObject)|Object::(?:Get|Set|Has)|Function::NewInstance|Isolate\*)|v8::Local<v8::Context>|HandleScope|AccessorInfo|has no member named '(?:ForceSet|ToObject)'|no member named 'HandleScope'/
      .test(line)
  );
  if (!isV8Of12 || major < 12) return "the log does not show which Node the addon was made for";
  return moved(
    moveBase(found, NODE, "10"),
    "Take the image of Node 10, the last whose V8 has the interface of the addon",
  );
};

const base = (id: string, causes: readonly string[], repair: Repair) =>
  dockerRemedy(id, causes, repair, "medium");

export const dockerNodeRemedies: readonly Remedy[] = [
  base("docker/node-in-range", ["node-engine-mismatch"], nodeInRange),
  base("docker/newer-node", ["node-too-old"], newerNode),
  base("docker/newer-npm", ["npm-client-too-old"], newerNpm),
  base("docker/older-node", ["native-addon-node-too-new", "node-too-new"], olderNode),
];
