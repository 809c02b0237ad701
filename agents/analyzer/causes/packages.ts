/** Causes of the other system package managers in a container build: apk, yum, dnf, zypper, pacman. */
import { accept, reject } from "../catalogue.ts";
import type { Cause, Context, Finding } from "../catalogue.ts";
import { after, before, inContainer, inStep, instructionOf, isNearEnd } from "./container.ts";
import { BUILD, reported, sign } from "./lines.ts";

const MISSING_REPOSITORY =
  /(?:WARNING: (?:Ignoring|opening|fetching)|ERROR:) .*(?:No such file|IO ERROR|temporary error|could not be found|BAD archive|not found)/i;

/** apk lists what it lacks after this line; a lack that comes from an unread index is no lack of the package. */
function indexFailed(finding: Finding, context: Context): boolean {
  return before(finding, context, MISSING_REPOSITORY, 30);
}

/** Distributions of the package managers, by what their images are called. */
const MANAGERS: Record<string, RegExp> = {
  apk: /debian|ubuntu|centos|fedora|buster|stretch|jessie|bullseye|bookworm|slim|rocky|alma|amazonlinux/,
  apt: /alpine|centos|fedora|rocky|alma|amazonlinux|oraclelinux|ubi\d?\b|archlinux/,
};

export const packageCauses: readonly Cause[] = [
  reported(
    "apk-package-not-found",
    BUILD,
    [
      sign(" (missing)", /^\s*(?<package>\S+) \(missing\):\s*$/, 0.96),
      sign(" (no such package)", /^\s*(?<package>\S+) \(no such package\):\s*$/, 0.96),
      {
        ...sign(
          "unsatisfiable constraints",
          /ERROR: unsatisfiable constraints:|ERROR: unable to select packages:/,
          0.75,
        ),
        severity: "consequence" as const,
      },
    ],
    ({ package: name }) => `This release of Alpine has no package ${name ?? "of that name"}.`,
    ["  python (missing):", "  py-pip (no such package):"],
    {
      identity: ["package"],
      decide: (finding, context) => {
        if (finding.captures["package"] === undefined) {
          return after(finding, context, /^\s+(?:breaks|conflicts|satisfies|masked in):/, 12)
            ? reject("it is a conflict of versions")
            : accept();
        }
        if (indexFailed(finding, context) && !context.lines[finding.at]!.startsWith("  so:")) {
          return accept(0.7);
        }
        return accept();
      },
    },
  ),
  reported(
    "apk-version-conflict",
    BUILD,
    [
      sign("breaks: world[", /^\s*breaks: world\[(?<package>[^\]<>=~]+)(?<version>[^\]]*)\]/, 0.96),
      sign("breaks: ", /^\s*breaks: (?<package>\S+?)\[/, 0.9),
      sign("conflicts: ", /^\s*conflicts: (?<package>\S+)/, 0.9),
      sign("masked in: ", /^\s*masked in: /, 0.85),
      sign("trying to overwrite", /ERROR: (?<package>\S+?): trying to overwrite .* owned by/, 0.88),
    ],
    ({ package: name }) =>
      `The version asked of ${name ?? "a package"} is not the one that this release of Alpine has.`,
    ["    breaks: world[openssl=1.0.2k-r0]", "      breaks: world[nodejs=10.14.2-r0]"],
    { identity: ["package"] },
  ),
  reported(
    "network-transient",
    BUILD,
    [
      sign("temporary error (try again later)", /(?<code>temporary error \(try again later\))/, 0.85),
      sign("IO ERROR", /ERROR: .*(?<code>IO ERROR)/, 0.82),
      sign(
        "network error (check Internet connection",
        /(?<code>network error \(check Internet connection)/,
        0.85,
      ),
    ],
    ({ code }) => `Alpine's mirror could not be read (${code}).`,
    ["ERROR: isl-0.18-r0: IO ERROR", "ERROR: unable to fetch: temporary error (try again later)"],
    {
      redeployMayCure: true,
      decide: inContainer((finding, context) =>
        context.lines[finding.at]!.startsWith("WARNING") &&
          !after(finding, context, /ERROR: |\(missing\)|no such package/)
          ? reject("apk went on")
          : accept()
      ),
    },
  ),
  reported(
    "yum-repo-gone",
    BUILD,
    [
      sign(
        "repodata/repomd.xml",
        /(?<!\S)(?<url>\S{0,500}?repodata\/repomd\.xml).{0,300}?(?:\[Errno 14\]|Status code: 40|404|Cannot download)/,
        0.92,
      ),
      sign(
        "Cannot retrieve repository metadata",
        /Cannot retrieve repository metadata \(repomd\.xml\) for repository: (?<repository>[^.\s]+)/,
        0.9,
      ),
      sign(
        "Cannot find a valid baseurl for repo",
        /Cannot find a valid baseurl for repo: (?<repository>\S+)/,
        0.93,
      ),
      sign(
        "Failed to download metadata for repo",
        /Failed to (?:download metadata|synchronize cache) for repo '(?<repository>[^']+)'/,
        0.92,
      ),
      sign(
        "Failed to synchronize cache for repo",
        /Failed to synchronize cache for repo '(?<repository>[^']+)'/,
        0.92,
      ),
      sign("Status code: 404 for", /Status code: 40[0-9] for (?<url>\S+)/, 0.9),
      sign("Cannot open: ", /Cannot open: (?<url>\S+)\. Skipping/, 0.92),
      sign("YumRepo Error", /YumRepo Error: All mirror URLs are not using/, 0.92),
      sign("Cannot prepare internal mirrorlist", /Cannot prepare internal mirrorlist/, 0.93),
      sign("No URLs in mirrorlist", /No URLs in mirrorlist/, 0.93),
      {
        ...sign("[Errno 14]", /^(?<url>(?:https?|ftp):\S+): \[Errno 14\]/, 0.85),
        severity: "consequence" as const,
      },
      sign("curl: (", /^curl: \((?:22|6)\).*\nerror: skipping/, 0.8),
      sign("error: skipping", /error: skipping (?<url>https?:\S+) - transfer failed/, 0.9),
      sign(
        "- download failed",
        /(?:Repository|File) '?(?<repository>[^']+)'? (?:is invalid|not found on medium)/,
        0.85,
      ),
      sign("is invalid.", /Repository '(?<repository>[^']+)' is invalid/, 0.88),
      {
        ...sign(
          "One of the configured repositories failed",
          /One of the configured repositories failed \((?<repository>[^)]+)\)/,
          0.88,
        ),
        severity: "consequence" as const,
      },
    ],
    ({ url, repository }) => `The package repository ${url ?? repository ?? "of the image"} is gone.`,
    [
      "Error: Cannot find a valid baseurl for repo: base/7/x86_64",
      "Error: Failed to download metadata for repo 'appstream': Cannot prepare internal mirrorlist: No URLs in mirrorlist",
    ],
    {
      identity: ["repository"],
      decide: (finding, context) =>
        after(finding, context, /^(?:Complete!|Installed:)/) && !inStep(context, /^(?:Error|error): /)
          ? reject("the install succeeded with another mirror")
          : accept(),
    },
  ),
  reported(
    "yum-package-not-found",
    BUILD,
    [
      sign(
        "No match for argument",
        /(?:No match for argument|Unable to find a match): (?<package>\S+)/,
        0.94,
      ),
      sign("Unable to find a match", /Unable to find a match: (?<package>\S+)/, 0.94),
      {
        ...sign("No package ", /^No package (?<package>\S+) available/, 0.9),
        severity: "consequence" as const,
      },
      sign("Not tolerating missing names", /Not tolerating missing names on install/, 0.9),
      sign("missing packages:", /(?:Problem|Error): (?:.*missing packages|problem with installed)/, 0.7),
      sign(
        "error: No package matches",
        /(?:error|Error): No package(?:s)? match(?:es|ing)? '?(?<package>[^'\s]+)/,
        0.9,
      ),
      sign("not found in package names", /'(?<package>\S+)' not found in package names/, 0.93),
      sign("error: target not found", /error: target not found: (?<package>\S+)/, 0.92),
      sign("No provider of", /No provider of '(?<package>[^']+)' found/, 0.93),
    ],
    ({ package: name }) => `The repositories of this release have no package ${name ?? "of that name"}.`,
    ["No match for argument: protobuf-devel", "Error: Unable to find a match: python-devel"],
    {
      identity: ["package"],
      decide: (finding, context) => {
        if (!context.lines[finding.at]!.startsWith("No package ")) return accept();
        // yum of CentOS 7 leaves such a package out and goes on: what lacks it fails later.
        return after(finding, context, /^Error: (?:Nothing to do|Not tolerating)|^Nothing to do/)
          ? accept(0.92, {}, "cause")
          : accept(isNearEnd(finding, context, 10) ? 0.85 : 0.7);
      },
    },
  ),
  reported(
    "yum-rpmdb-overlay",
    BUILD,
    [
      sign("Rpmdb checksum is invalid", /Rpmdb checksum is invalid/, 0.98),
      sign("rpmdb: ", /(?:rpmdb open failed|rpmdb: .*(?:DB_VERSION_MISMATCH|PANIC))/, 0.75),
    ],
    () => "yum's database of packages is damaged by the overlay file system: touch /var/lib/rpm/* first.",
    [
      "Rpmdb checksum is invalid: dCDPT(pkg checksums): bash-completion.noarch 1:1.3-7.el6 - u",
      "Rpmdb checksum is invalid: dCDPT(pkg checksums): glibc.x86_64 0:2.12",
    ],
  ),
  reported(
    "yum-other",
    BUILD,
    [
      sign("Public key for", /Public key for \S+ is not installed/, 0.9),
      sign("GPG check FAILED", /Error: GPG check FAILED/, 0.9),
      sign("Gpg Keys not imported", /Gpg Keys not imported/, 0.88),
      sign("GPG key retrieval failed", /GPG key retrieval failed/, 0.88),
      sign("Requires: ", /^(?:Error: Package: |\s+)(?:.*?)Requires: (?<package>\S+)/, 0.85),
      sign("nothing provides ", /nothing provides (?<package>\S+.*) needed by/, 0.85),
      sign("Protected multilib versions", /Protected multilib versions/, 0.88),
      sign(
        "Trying to remove",
        /Error: Trying to remove "(?<package>yum|systemd|dnf)", which is protected/,
        0.88,
      ),
      sign("conflicting requests", /- conflicting requests/, 0.8),
      sign(
        "No such command: ",
        /No such command: (?<package>\S+)\. Please use \/usr\/bin\/(?:yum|dnf)/,
        0.85,
      ),
      sign("Failed to set locale", /Failed loading plugin .*Traceback/, 0.5),
      {
        ...sign("Error: Nothing to do", /^Error: Nothing to do/, 0.75),
        severity: "consequence" as const,
      },
      sign("does not appear to be installed", /error: Failed dependencies:/, 0.5),
      sign("error: Failed dependencies:", /error: Failed dependencies:/, 0.88),
    ],
    ({ package: name }) => `yum or dnf refused the transaction${name === undefined ? "" : ` (${name})`}.`,
    ["Public key for foo-1.0.rpm is not installed", "Error: GPG check FAILED"],
    { identity: ["package"], severity: "consequence", decide: inContainer() },
  ),
  reported(
    "pacman-failed",
    BUILD,
    [
      sign(
        "failed to commit transaction",
        /error: failed to (?:commit|prepare) transaction \((?<detail>[^)]+)\)/,
        0.93,
      ),
      sign(
        "failed to prepare transaction",
        /error: failed to prepare transaction \((?<detail>[^)]+)\)/,
        0.93,
      ),
      sign("failed to synchronize all databases", /error: failed to synchronize (?:all|any) databases/, 0.93),
      sign("failed to init transaction", /error: failed to init transaction/, 0.93),
      sign("is unknown trust", /signature from .* is (?:unknown|marginal) trust/, 0.92),
      sign("could not be looked up remotely", /error: key "\S+" could not be (?:looked up|imported)/, 0.92),
      sign("failed retrieving file", /error: failed retrieving file '\S+' from (?<detail>\S+)/, 0.85),
    ],
    ({ detail }) => `pacman failed${detail === undefined ? "" : `: ${detail}`}.`,
    [
      "error: failed to commit transaction (invalid or corrupted package (PGP signature))",
      "error: failed to synchronize all databases",
    ],
  ),
  reported(
    "wrong-package-manager",
    BUILD,
    [sign(
      "not found",
      /(?:^|[\s/:])(?<program>apt|apt-get|apk|yum|dnf|microdnf|pacman|zypper|aptitude|dpkg|rpm|opkg|add-apt-repository): (?:command )?not found/,
      0.9,
    )],
    ({ program }) => `The image's distribution has no ${program}: it uses another package manager.`,
    ["/bin/sh: apk: not found", "/bin/sh: 1: apk: not found", "/bin/sh: apt-get: command not found"],
    {
      identity: ["program"],
      decide: inContainer((finding, context) => {
        const { program = "" } = finding.captures;
        if (program === "add-apt-repository" || program === "aptitude") {
          return reject("it is a package that can be installed");
        }
        const known = MANAGERS[program.replace("apt-get", "apt")]?.test(
          context.docker?.image.toLowerCase() ?? "",
        );
        if (!instructionOf(context).includes(program) && !isNearEnd(finding, context, 4)) {
          return accept(0.6, {}, "symptom");
        }
        return accept(known === true ? 0.95 : 0.88);
      }),
    },
  ),
];
