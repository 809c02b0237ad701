/** Causes of Debian's and Ubuntu's package tools in a container build: apt, dpkg, apt-key. */
import { accept, onlyWhen, reject } from "../catalogue.ts";
import type { Cause, Classified, Context, Finding } from "../catalogue.ts";
import { classifySource, hasIndex, isOfficial, SOURCE_SIGNS } from "./apt_sources.ts";
import { after, before, inContainer, inStep, isNearEnd, linesLeft } from "./container.ts";
import { BUILD, reported, sign } from "./lines.ts";

const PACKAGE_SIGNS = [
  sign("Unable to locate package", /E: Unable to locate package (?<package>\S+)/, 0.95),
  sign(
    "has no installation candidate",
    /E: Package '?(?<package>[^\s']+)'? has no installation candidate/,
    0.96,
  ),
  sign("find package", /E: Couldn't find package (?<package>\S+)/, 0.93),
  sign("Unable to find a source package", /E: Unable to find a source package for (?<package>\S+)/, 0.88),
  {
    ...sign("find any package", /E: Couldn't find any package (?:by|whose) .* '(?<package>[^']+)'/, 0.8),
    severity: "consequence" as const,
  },
];

function classifyPackage(finding: Finding, context: Context): Classified {
  const name = finding.captures["package"] ?? "";
  if (/^(?:install|update|apt-get|&&|upgrade)$/.test(name)) {
    return { slug: "apt-bad-usage", confidence: 0.88 };
  }
  const has = hasIndex(finding, context);
  if (has === false) return { slug: "apt-update-missing", confidence: 0.92 };
  return { slug: "apt-package-not-found", confidence: has === undefined ? 0.85 : finding.confidence };
}

function decideKey(finding: Finding, context: Context) {
  const line = context.lines[finding.at]!;
  if (line.includes("At least one invalid signature")) {
    return reject("the build host damages every signature");
  }
  if (
    /^W: .*GPG error/.test(line) &&
    !after(
      finding,
      context,
      /is not signed|could ?not be authenticated|cannot be authenticated|--force-yes|^E: .*(?:GPG|index files)|--allow-unauthenticated/,
    )
  ) {
    return reject("apt only warned about it");
  }
  return accept();
}

export const aptCauses: readonly Cause[] = [
  reported(
    "apt-release-eol",
    BUILD,
    SOURCE_SIGNS,
    ({ release, url }) => `The mirrors no longer carry ${release ?? url}: the image's release has ended.`,
    [
      "E: The repository 'http://http.us.debian.org/debian buster-backports Release' does not have a Release file.",
      "W: Failed to fetch http://http.us.debian.org/debian/dists/wheezy/main/binary-amd64/Packages  404  Not Found",
      "E: The repository 'http://archive.ubuntu.com/ubuntu impish Release' no longer has a Release file.",
    ],
    { identity: ["release"], decide: inContainer(onlyWhen("apt-release-eol", classifySource)) },
  ),
  reported(
    "apt-third-party-repo-gone",
    BUILD,
    [
      ...SOURCE_SIGNS,
      sign("Cannot add PPA", /Cannot add PPA: '?(?<url>[^'\s]+)/, 0.95),
      sign("PPA name or format is correct", /check that the PPA name or format is correct/, 0.92),
      sign("ERROR: '~", /ERROR: '~(?<url>[^']+)' user or team does not exist/, 0.93),
    ],
    ({ url }) => `The package repository ${url ?? "of a vendor"} does not serve this release or is gone.`,
    [
      "E: The repository 'http://ppa.launchpad.net/someone/tool/ubuntu focal Release' does not have a Release file.",
      "Cannot add PPA: 'ppa:~someone/ubuntu/tool'.",
    ],
    {
      identity: ["url"],
      decide: inContainer((finding, context) =>
        /PPA|user or team/.test(context.lines[finding.at]!)
          ? accept()
          : onlyWhen("apt-third-party-repo-gone", classifySource)(finding, context)
      ),
    },
  ),
  reported(
    "apt-index-stale",
    BUILD,
    SOURCE_SIGNS,
    ({ url }) =>
      `The mirror no longer has ${url}: the list of packages in the image is older than the mirror.`,
    [
      "E: Failed to fetch http://archive.ubuntu.com/ubuntu/pool/main/o/openssh/openssh-client_6.6p1-2_amd64.deb  404  Not Found [IP: 1.2.3.4 80]",
      "E: Failed to fetch http://http.us.debian.org/debian/pool/main/c/curl/curl_7.74.0-1.3_amd64.deb  404  Not Found",
    ],
    { decide: inContainer(onlyWhen("apt-index-stale", classifySource)) },
  ),
  reported(
    "apt-package-not-found",
    BUILD,
    PACKAGE_SIGNS,
    ({ package: name }) => `The image's release has no package ${name}.`,
    ["E: Unable to locate package python-pip", "E: Package 'mysql-server' has no installation candidate"],
    { identity: ["package"], decide: inContainer(onlyWhen("apt-package-not-found", classifyPackage)) },
  ),
  reported(
    "apt-update-missing",
    BUILD,
    [
      ...PACKAGE_SIGNS,
      sign("Unable to lock the download directory", /E: Unable to lock the download directory/, 0.8),
    ],
    () => "No apt-get update ran before the install, so apt knows no packages.",
    ["E: Unable to locate package git", "E: Unable to locate package build-essential"],
    {
      decide: inContainer((finding, context) =>
        finding.captures["package"] === undefined
          ? accept()
          : onlyWhen("apt-update-missing", classifyPackage)(finding, context)
      ),
    },
  ),
  reported(
    "apt-version-pin-gone",
    BUILD,
    [sign("was not found", /E: Version '(?<version>[^']+)' for '(?<package>[^']+)' was not found/, 0.97)],
    ({ package: name, version }) => `The repository no longer has version ${version} of ${name}.`,
    ["E: Version '2.30-1' for 'binutils' was not found", "E: Version '1.18.*' for 'nginx' was not found"],
    { identity: ["package"] },
  ),
  reported(
    "apt-gpg-key",
    BUILD,
    [
      sign("NO_PUBKEY", /NO_PUBKEY (?<key>[0-9A-F]+)/, 0.93),
      sign("EXPKEYSIG", /EXPKEYSIG (?<key>[0-9A-F]+)/, 0.95),
      sign("KEYEXPIRED", /KEYEXPIRED \d+/, 0.92),
      sign("REVKEYSIG", /REVKEYSIG (?<key>[0-9A-F]+)/, 0.93),
      sign("Clearsigned file isn't valid", /E: .*Clearsigned file isn't valid, got 'NODATA'/, 0.88),
      sign("is not signed", /E: The repository '(?<url>[^']+)' is not signed/, 0.9),
      sign("Couldn't execute /usr/bin/apt-key", /Couldn't execute \/usr\/bin\/apt-key/, 0.8),
      {
        ...sign(
          "used without --force-yes",
          /E: There are problems and -y was used without --force-yes/,
          0.88,
        ),
        severity: "consequence" as const,
      },
      {
        ...sign(
          "not be authenticated",
          /E: (?:Some packages could not be authenticated|There were unauthenticated packages)/,
          0.82,
        ),
        severity: "consequence" as const,
      },
      {
        ...sign(
          "unauthenticated packages and -y",
          /E: There were unauthenticated packages and -y was used/,
          0.9,
        ),
        severity: "consequence" as const,
      },
    ],
    ({ key, url }) =>
      `apt cannot check the signature of ${url ?? "a repository"}${
        key === undefined ? "" : ` (key ${key})`
      }.`,
    [
      "W: GPG error: http://archive.ubuntu.com/ubuntu precise Release: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 40976EAF437D05B5",
      "E: The repository 'https://repo.example/apt stable InRelease' is not signed.",
    ],
    {
      identity: ["key"],
      decide: inContainer((finding, context) => {
        if (before(finding, context, /At least one invalid signature was encountered/, 8)) {
          return reject("the build host damages every signature");
        }
        return decideKey(finding, context);
      }),
    },
  ),
  reported(
    "apt-unmet-dependencies",
    BUILD,
    [
      {
        ...sign("have unmet dependencies", /The following packages have unmet dependencies/, 0.93),
        severity: "consequence" as const,
      },
      sign("Depends: ", /^\s*(?<package>\S+) : (?:Pre)?Depends: \S/, 0.93),
      sign("held broken packages", /E: Unable to correct problems, you have held broken packages/, 0.93),
      sign("Unmet dependencies. Try", /E: Unmet dependencies\. Try/, 0.93),
      sign(
        "pkgProblemResolver::Resolve generated breaks",
        /pkgProblemResolver::Resolve generated breaks/,
        0.9,
      ),
      {
        ...sign(
          "dependency problems prevent",
          /dpkg: dependency problems prevent configuration of (?<package>\S+?):?$/,
          0.85,
        ),
        severity: "consequence" as const,
      },
      sign(
        "nmet build dependencies",
        /dpkg-checkbuilddeps: error: Unmet build dependencies: (?<package>\S+)/,
        0.5,
      ),
    ],
    ({ package: name }) =>
      `The packages asked for${name === undefined ? "" : ` (${name})`} cannot be installed together.`,
    [
      "The following packages have unmet dependencies:",
      "E: Unable to correct problems, you have held broken packages.",
    ],
    {
      decide: (finding, context) =>
        // `dpkg -i` leaves this behind on purpose where `apt-get -f install` follows and repairs it.
        linesLeft(finding, context) > 60 && !after(finding, context, /^E: /)
          ? reject("the step went on")
          : accept(),
    },
  ),
  reported(
    "dpkg-configure-failed",
    BUILD,
    [
      sign(
        "subprocess installed post-installation script returned error",
        /subprocess installed post-installation script returned error exit status/,
        0.9,
      ),
      sign(
        "post-installation script subprocess returned error",
        /post-installation script subprocess returned error/,
        0.9,
      ),
      sign(
        "pre-installation script",
        /(?:new|subprocess new) pre-installation script (?:subprocess )?returned error/,
        0.9,
      ),
      sign("pre-removal script", /pre-removal script (?:subprocess )?returned error/, 0.88),
      sign(
        "dpkg: error processing",
        /dpkg: error processing (?:package|archive) (?<package>\S+) \(--(?:configure|install|unpack)\)/,
        0.85,
      ),
      {
        ...sign(
          "Sub-process /usr/bin/dpkg",
          /E: Sub-process (?:\/usr\/bin\/)?dpkg returned an error code/,
          0.88,
        ),
        severity: "consequence" as const,
      },
    ],
    ({ package: name }) => `The set-up script of ${name ?? "a package"} failed.`,
    [
      "dpkg: error processing package openjdk-11-jre-headless:amd64 (--configure):",
      "E: Sub-process /usr/bin/dpkg returned an error code (1)",
    ],
    {
      identity: ["package"],
      decide: (finding, context) =>
        after(finding, context, /dependency problems - leaving unconfigured/, 2)
          ? reject("its dependency failed")
          : accept(),
    },
  ),
  reported(
    "gnupg-missing",
    BUILD,
    [
      sign(
        "gnupg1 do not seem to be installed",
        /gnupg, gnupg2 and gnupg1 do not seem to be installed/,
        0.97,
      ),
      sign("not found", /(?:^|[\s/:])(?:gpg|gpg2|apt-key|gpgv): (?:command )?not found/, 0.93),
      sign("gnupg", /E: This command can only be used.*gnupg|GnuPG is not installed/i, 0.8),
      sign("No such file or directory: 'gpg", /No such file or directory: 'gpg2?'/, 0.88),
      sign(
        "gpg-agent",
        /gpg: (?:failed to start|can't connect to the) (?:the )?(?:gpg-?agent|agent|dirmngr)/,
        0.75,
      ),
    ],
    () => "The step needs gpg, which is not installed.",
    [
      "E: gnupg, gnupg2 and gnupg1 do not seem to be installed, but one of them is required for this operation",
      "/bin/sh: 1: gpg: not found",
    ],
    {
      decide: inContainer((finding, context) =>
        isNearEnd(finding, context, 12) || !context.lines[finding.at]!.includes("not found")
          ? accept()
          : accept(0.7, {}, "consequence")
      ),
    },
  ),
  reported(
    "gpg-key-fetch-failed",
    BUILD,
    [
      sign("keyserver receive failed", /gpg: keyserver (?:receive|search) failed: (?<detail>.*)/, 0.94),
      sign("keyserver timed out", /gpg: keyserver timed out/, 0.94),
      sign("keyserver error", /gpg: keyserver (?:communications|internal) error/, 0.92),
      {
        ...sign("Can't check signature", /gpg: Can't check signature: [Nn]o public key/, 0.85),
        severity: "consequence" as const,
      },
      sign(
        "gpgkeys: ",
        /gpgkeys: (?:key \S+ (?:can't be retrieved|not found on keyserver)|HTTP fetch error)/,
        0.92,
      ),
      {
        ...sign("no valid OpenPGP data found", /gpg: no valid OpenPGP data found/, 0.9),
        severity: "consequence" as const,
      },
      {
        ...sign(
          "keyserver",
          /gpg: (?:no keyserver known|can't connect to .*keyserver|keyserver option)/,
          0.8,
        ),
        severity: "consequence" as const,
      },
    ],
    ({ detail }) =>
      `A signing key could not be fetched from the key server${detail === undefined ? "" : `: ${detail}`}.`,
    ["gpg: keyserver receive failed: No data", "gpg: keyserver receive failed: Server indicated a failure"],
    { redeployMayCure: true },
  ),
  reported(
    "apt-https-transport-missing",
    BUILD,
    [
      sign(
        "/usr/lib/apt/methods/https",
        /E: The method driver \/usr\/lib\/apt\/methods\/https could not be found/,
        0.97,
      ),
      sign(
        "No system certificates available",
        /No system certificates available\. Try installing ca-certificates/,
        0.95,
      ),
      sign(
        "Certificate verification failed",
        /Certificate verification failed: The certificate is NOT trusted.*(?:issuer is unknown|handshake)/,
        0.85,
      ),
    ],
    () => "A package source uses https, and apt-transport-https or ca-certificates is not installed.",
    [
      "E: The method driver /usr/lib/apt/methods/https could not be found.",
      "Err:2 https://http.us.debian.org.com/node_18.x bookworm Release  No system certificates available. Try installing ca-certificates.",
    ],
    { decide: inContainer() },
  ),
  reported(
    "apt-missing-assume-yes",
    BUILD,
    [
      sign("Do you want to continue", /Do you want to continue\?? \[Y\/n\]\??\s*(?:Abort|$)/, 0.9),
      sign("Is this ok [y/", /Is this ok \[y\/(?:d\/)?N\]:/, 0.9),
      sign("Exiting on user", /Exiting on user (?:command|Command)/, 0.9),
      sign("Proceed with installation? [Y/n]", /:: Proceed with installation\? \[Y\/n\]/, 0.8),
      sign("[y/n/", /Continue\? \[y\/n\/.*\] \(y\):/, 0.85),
      sign("Press [ENTER] to continue", /Press \[ENTER\] to continue/i, 0.7),
    ],
    () => "The package manager asked whether to go on, and nobody can answer in a build: give it -y.",
    ["Do you want to continue? [Y/n] Abort.", "Is this ok [y/d/N]: Exiting on user command"],
    {
      decide: inContainer((finding, context) =>
        isNearEnd(finding, context, 4) ? accept() : reject("the answer was given and the step went on")
      ),
    },
  ),
  reported(
    "nodesource-unsupported-distro",
    BUILD,
    [
      sign(
        "is not currently supported",
        /Your distribution, identified as ["'](?<release>[^"']+)["'], is not currently supported/,
        0.97,
      ),
      sign("ERROR: Your distribution", /(?:Error|ERROR): Your distribution .*is not supported/, 0.85),
    ],
    ({ release }) => `NodeSource's set-up script does not know the release ${release ?? "of the image"}.`,
    [
      '## Your distribution, identified as "focal", is not currently supported, please contact NodeSource',
      '## Your distribution, identified as "jessie", is not currently supported, please contact NodeSource',
    ],
    { identity: ["release"] },
  ),
  reported(
    "apt-bad-usage",
    BUILD,
    [
      sign("E: Invalid operation", /E: Invalid operation (?<word>\S+)/, 0.95),
      sign("E: Command line option", /E: Command line option (?<word>.*?) is not (?:understood|known)/, 0.95),
      sign("E: Option ", /E: Option (?<word>\S+): Configuration item/, 0.88),
      sign("used without --allow-", /E: .*-y was used without --allow-(?<word>[\w-]+)/, 0.92),
      sign("E: Malformed", /E: Malformed (?:entry|line) \d+ in (?:list|source)/, 0.93),
      sign("is not known on line", /E: Type '(?<word>[^']+)' is not known on line/, 0.93),
      sign("apt-get: invalid option", /apt(?:-get)?: (?:invalid|unrecognized) option/, 0.9),
      sign("Usage: apt", /^Usage: apt(?:-get)? /, 0.6),
      ...SOURCE_SIGNS,
      ...PACKAGE_SIGNS,
    ],
    ({ word }) => `apt is called with something it does not take${word === undefined ? "" : `: ${word}`}.`,
    [
      "E: Invalid operation instal",
      "E: Command line option 'x' [from -yx] is not understood in combination with the other options.",
    ],
    {
      identity: ["word"],
      decide: inContainer((finding, context) => {
        if (finding.captures["url"] !== undefined) {
          return onlyWhen("apt-bad-usage", classifySource)(finding, context);
        }
        if (finding.captures["package"] !== undefined) {
          return onlyWhen("apt-bad-usage", classifyPackage)(finding, context);
        }
        return accept();
      }),
    },
  ),
  reported(
    "apt-source-uris-missing",
    BUILD,
    [sign("E: You must put some", /E: You must put some '(?:source|deb-src)' URIs in your sources/, 0.97)],
    () => "apt is asked for a source package, and no source repository (deb-src) is configured.",
    [
      "E: You must put some 'source' URIs in your sources.list",
      "E: You must put some 'deb-src' URIs in your sources.list",
    ],
  ),
  reported(
    "network-transient",
    BUILD,
    [
      ...SOURCE_SIGNS,
      sign("Hash Sum mismatch", /(?<code>Hash Sum mismatch)/, 0.85),
      sign(
        "Could not connect to",
        /[EW]: Failed to fetch (?<host>\S+).*(?<code>Could not connect to|Unable to connect to|Connection (?:failed|timed out|reset))/,
        0.82,
      ),
      sign(
        "Temporary failure resolving",
        /[EW]: Failed to fetch (?<host>\S+).*(?<code>Temporary failure resolving)/,
        0.85,
      ),
      sign("Could not resolve '", /[EW]: Failed to fetch (?<host>\S+)\s+(?<code>Could not resolve) '/, 0.8),
    ],
    ({ code }) => `The package mirror or the network failed for a moment (${code ?? "no answer"}).`,
    [
      "E: Failed to fetch http://http.us.debian.org/debian/pool/main/g/gcc.deb  Hash Sum mismatch",
      "E: Failed to fetch http://archive.ubuntu.com/ubuntu/dists/jammy/InRelease  Temporary failure resolving 'archive.ubuntu.com'",
    ],
    {
      redeployMayCure: true,
      remedies: [],
      decide: inContainer((finding, context) => {
        const { host } = finding.captures;
        if (host !== undefined) {
          if (!isOfficial(host)) return reject("a vendor's repository does not answer");
          return inStep(context, /^E: /) ? accept() : reject("apt went on");
        }
        if (finding.captures["code"] !== undefined) return accept();
        return onlyWhen("network-transient", classifySource)(finding, context);
      }),
    },
  ),
  reported(
    "download-host-gone",
    BUILD,
    [sign(
      "ailed to fetch",
      /[EW]: Failed to fetch (?<url>\S+).*(?:Could not resolve|Could not connect|Temporary failure resolving|Unable to connect)/,
      0.85,
    )],
    ({ url }) => `The host of ${url} does not answer.`,
    [
      "W: Failed to fetch http://apt.gone.example/dists/stable/InRelease  Could not resolve 'apt.gone.example'",
      "E: Failed to fetch https://repo.gone.example/x.deb  Could not connect to repo.gone.example:443",
    ],
    {
      identity: ["url"],
      decide: inContainer((finding, context) =>
        isOfficial(finding.captures["url"] ?? "")
          ? reject("the distribution's own mirror is only out of reach for a moment")
          : inStep(context, /^E: /)
          ? accept()
          : reject("apt went on")
      ),
    },
  ),
];
