/**
 * Where apt looks: a release that left the mirrors, an index older than the mirror, a vendor's repository that is
 * gone, a network that failed. All print that something was not found; the address decides.
 */
import type { Classified, Context, Finding } from "../catalogue.ts";
import { after, before, instructionOf } from "./container.ts";
import { sign } from "./lines.ts";

/** Releases that their distributions' usual mirrors no longer carry, or soon will not. */
const ENDED = new Set(
  ("sarge etch lenny squeeze wheezy jessie stretch buster hardy lucid maverick natty oneiric quantal raring saucy " +
    "utopic vivid wily yakkety zesty artful cosmic disco eoan groovy hirsute impish kinetic lunar mantic oracular")
    .split(" "),
);
/** Parts of a release; where a release's name is expected they say that the entry is malformed. */
const COMPONENTS = new Set(["main", "universe", "contrib", "non-free", "restricted", "multiverse"]);

export const SOURCE_SIGNS = [
  sign(
    "have a Release file",
    /(?:E|W|Err)?:? ?The repository '(?<url>\S+)(?: (?<suite>\S+))? (?:InRelease|Release)' does not have a Release file/,
    0.95,
  ),
  sign(
    "has a Release file",
    /The repository '(?<url>\S+)(?: (?<suite>\S+))? (?:InRelease|Release)' no longer has a Release file/,
    0.95,
  ),
  sign(
    "ailed to fetch",
    /(?:W|E): Failed to fetch (?<url>\S+?)\s+(?<status>40[0-9]|500|50[234])\s/,
    0.93,
  ),
  sign(
    "handshake",
    /(?:W|E): Failed to fetch (?<url>\S+)\s+(?:gnutls_handshake\(\) failed|.*[Hh]andshake failed)/,
    0.82,
  ),
  // The line that names the whole address stands further below; it is the better evidence.
  {
    ...sign("Err", /^Err:?\d* (?<url>(?:https?|ftp):\S+)(?: (?<suite>[\w.-]+)(?:\/\S*)?)?/, 0.85),
    severity: "consequence" as const,
  },
  sign(
    "find file",
    /Unable to find expected entry '?(?<url>\S+?)'? in Release file/,
    0.8,
  ),
  sign("expired (invalid since", /Release file for (?<url>\S+) (?<status>is expired|expired)/, 0.8),
  sign("Unable to find expected entry", /Unable to find expected entry '(?<url>[^']+)'/, 0.82),
];

/** Classifies an address that apt could not read. */
export function classifySource(finding: Finding, context: Context): Classified {
  const { url = "", status = "404" } = finding.captures;
  const line = context.lines[finding.at]!;
  const suite = finding.captures["suite"] ?? /\/dists\/([^/]+)\//.exec(url)?.[1] ?? "";
  const release = suite.split(/[-/]/)[0]!.toLowerCase();
  const next = context.lines[finding.at + 1] ?? "";
  if (line.startsWith("Err") && !/\b404\b|\b403\b/.test(next) && !/\b404\b/.test(line)) {
    return { slug: null, why: "apt tried another address or says more below" };
  }
  if (/^5/.test(status)) return { slug: "network-transient", confidence: 0.8, captures: { code: status } };
  const captures = { url, ...(release === "" ? {} : { release }) };
  const official = isOfficial(url);
  if (COMPONENTS.has(release)) return { slug: "apt-bad-usage", confidence: 0.85, captures };
  // Old apt prints release, component, package and version of a file that it did not get.
  const isPackage = /\.deb$|\/pool\//.test(url) || /^Err \S+ \S+\/\S+ \S+ \S+ \d\S*/.test(line);
  if (isPackage) {
    const running = releaseOf(context);
    const ended = ENDED.has(running) && !["jessie", "stretch", "buster"].includes(running);
    if (official && ended) {
      return { slug: "apt-release-eol", confidence: 0.85, captures: { url, release: running } };
    }
    return { slug: "apt-index-stale", confidence: official ? 0.88 : 0.7, captures };
  }
  // A warning that the install got over is no failure of its own.
  if (/^W:/.test(line) && !after(finding, context, /^(?:E|Err):? |returned a non-zero code/)) {
    return { slug: null, why: "apt went on" };
  }
  if (!official && line.startsWith("Err")) return { slug: null, why: "apt says it again below" };
  if (official) return { slug: "apt-release-eol", confidence: finding.confidence, captures };
  return { slug: "apt-third-party-repo-gone", confidence: Math.min(0.93, finding.confidence), captures };
}

/** Whether an address is a distribution's own archive or a mirror of it, and not a vendor's or a person's. */
export function isOfficial(url: string): boolean {
  const [, host = "", path = ""] = /^\w+:\/\/([^/]+)(\/?\S*)/.exec(url) ?? [];
  if (/(?:^|\.)launchpad(?:content)?\.net$/.test(host)) return false;
  if (/(?:^|\.)(?:debian|ubuntu)\.(?:org|com|net|example)$/.test(host)) {
    return !/^(?:packages|apt|repo|download)/.test(host);
  }
  if (path === "" || path === "/") {
    return !/^(?:packages|apt|repos?|downloads?|dl|deb|ppa|pkg|packagecloud)\b/.test(host);
  }
  if (/^(?:packages|apt|repos?|downloads?|dl|deb|ppa|pkg|packagecloud)\b/.test(host)) return false;
  return /^\/(?:[\w-]+\/)?(?:debian|ubuntu|debian-security|ubuntu-ports|raspbian|debian-archive)(?:\/|$)/
    .test(path);
}

/** The release that the image runs, by its tag or by what apt read; "" when nothing says. */
export function releaseOf(context: Context): string {
  const tag = context.docker?.image.toLowerCase() ?? "";
  const named = [
    ...ENDED,
    "precise",
    "trusty",
    "xenial",
    "bionic",
    "focal",
    "jammy",
    "noble",
    "bullseye",
    "bookworm",
  ]
    .find((name) => tag.includes(name));
  if (named !== undefined) return named;
  const numbers: Record<string, string> = {
    "ubuntu:12.10": "quantal",
    "ubuntu:13.04": "raring",
    "ubuntu:13.10": "saucy",
    "ubuntu:14.10": "utopic",
    "ubuntu:15.04": "vivid",
    "ubuntu:15.10": "wily",
    "ubuntu:16.10": "yakkety",
    "ubuntu:17.04": "zesty",
    "ubuntu:17.10": "artful",
    "ubuntu:18.10": "cosmic",
    "ubuntu:19.04": "disco",
    "ubuntu:19.10": "eoan",
    "debian:6": "squeeze",
    "debian:7": "wheezy",
    "debian:8": "jessie",
    "debian:9": "stretch",
    "debian:10": "buster",
  };
  const numbered = Object.entries(numbers).find(([start]) =>
    tag.startsWith(start) || tag.endsWith(`/${start}`)
  );
  if (numbered !== undefined) return numbered[1];
  const from = context.docker?.from ?? 0;
  for (const line of context.lines.slice(from, from + 300)) {
    const release = /^(?:Get|Hit|Ign|Err):?\d* \S+:\/\/\S+ ([a-z]+)[-/ ]/.exec(line)?.[1];
    if (release !== undefined && release !== "stable") return release;
  }
  return "";
}

/** Whether the lists of packages were fetched before the finding: in this step or in an earlier one of the stage. */
export function hasIndex(finding: Finding, context: Context): boolean | undefined {
  const docker = context.docker;
  if (docker === null) return undefined;
  const update = /\b(?:apt|apt-get|aptitude)\b[^&|;\n]*\bupdate\b/;
  if (update.test(instructionOf(context))) return true;
  if (before(finding, context, /^(?:Get|Hit|Ign|Fetched|Err)\b/)) return true;
  if (docker.dockerfile === null) return undefined;
  let has: boolean | undefined = false;
  for (const { keyword, text } of docker.dockerfile.instructions) {
    if (text === docker.instruction && keyword === docker.keyword) break;
    if (keyword === "FROM") has = false;
    if (keyword !== "RUN") continue;
    if (update.test(text)) has = true;
    // A script may fetch them as well; nothing says so.
    else if (has === false && /\.sh\b|ansible|make\b/.test(text)) has = undefined;
    if (/rm -\w*r\w* [^&|;]*\/var\/lib\/apt\/lists|rm -\w*r\w* \/var\/lib\/apt\b/.test(text)) has = false;
  }
  return has;
}
