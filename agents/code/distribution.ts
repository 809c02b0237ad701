/** Which Linux distribution an image is built on, told from its name, the log and the package manager in use. */
import { parseImage } from "./dockerfile.ts";

export type Family = "debian" | "ubuntu" | "alpine" | "rpm";
export interface Distribution {
  family: Family;
  /** `buster`, `focal`, `3.12`, `edge`, `7`; null when nothing says it. */
  release: string | null;
}

/** Debian's releases by number; `sid` is newer than all. */
export const DEBIAN: Readonly<Record<string, number>> = {
  lenny: 5,
  squeeze: 6,
  wheezy: 7,
  jessie: 8,
  stretch: 9,
  buster: 10,
  bullseye: 11,
  bookworm: 12,
  trixie: 13,
  sid: 99,
};
/** Ubuntu's releases by number. */
export const UBUNTU: Readonly<Record<string, number>> = {
  lucid: 10.04,
  maverick: 10.1,
  natty: 11.04,
  oneiric: 11.1,
  precise: 12.04,
  quantal: 12.1,
  raring: 13.04,
  saucy: 13.1,
  trusty: 14.04,
  utopic: 14.1,
  vivid: 15.04,
  wily: 15.1,
  xenial: 16.04,
  yakkety: 16.1,
  zesty: 17.04,
  artful: 17.1,
  bionic: 18.04,
  cosmic: 18.1,
  disco: 19.04,
  eoan: 19.1,
  focal: 20.04,
  groovy: 20.1,
  hirsute: 21.04,
  impish: 21.1,
  jammy: 22.04,
  kinetic: 22.1,
  lunar: 23.04,
  mantic: 23.1,
  noble: 24.04,
  oracular: 24.1,
  plucky: 25.04,
};

/** The number of a release, for comparison; null when it is not known. */
export function releaseNumber({ family, release }: Distribution): number | null {
  if (release === null) return null;
  if (family === "debian") return DEBIAN[release] ?? null;
  if (family === "ubuntu") return UBUNTU[release] ?? null;
  if (release === "edge") return 99;
  const [major, minor = "0"] = release.split(".");
  const number = Number(`${major}.${minor.padStart(2, "0")}`);
  return Number.isFinite(number) ? number : null;
}

/** What an image's name says. */
export function distributionOfImage(image: string): Distribution | null {
  const { repository, tag } = parseImage(image.toLowerCase());
  const name = repository.split("/").at(-1) ?? "";
  const alpine = /(?:^|-)alpine-?v?(\d+\.\d+)?/.exec(`${tag ?? ""}`) ?? (name === "alpine" ? [""] : null);
  if (name === "alpine") {
    const version = /^(\d+\.\d+)|^(edge)/.exec(tag ?? "");
    return { family: "alpine", release: version?.[1] ?? version?.[2] ?? null };
  }
  if (alpine !== null) return { family: "alpine", release: alpine[1] ?? null };
  for (const part of (tag ?? "").split(/[-_.]/)) {
    if (part in DEBIAN) return { family: "debian", release: part };
    if (part in UBUNTU) return { family: "ubuntu", release: part };
  }
  const ubuntu = /ubuntu-?(\d\d\.\d\d)/.exec(tag ?? "")?.[1] ??
    (name === "ubuntu" ? /^\d\d\.\d\d/.exec(tag ?? "")?.[0] : undefined);
  if (name === "ubuntu" || ubuntu !== undefined) {
    const release = Object.keys(UBUNTU).find((each) => UBUNTU[each] === Number(ubuntu));
    return { family: "ubuntu", release: release ?? null };
  }
  if (name === "debian") {
    const number = Number(/^\d+/.exec(tag ?? "")?.[0]);
    const release = Object.keys(DEBIAN).find((each) => DEBIAN[each] === number);
    return { family: "debian", release: release ?? (tag === "unstable" ? "sid" : null) };
  }
  if (/^(?:centos|fedora|amazonlinux|oraclelinux|rockylinux|almalinux|ubi\d|rhel)/.test(name)) {
    return { family: "rpm", release: /^\d+/.exec((tag ?? "").replace(/^centos/, ""))?.[0] ?? null };
  }
  if (/centos|ubi\d|fedora/.test(tag ?? "")) {
    return { family: "rpm", release: /(?:centos|ubi|fedora)(\d+)/.exec(tag ?? "")?.[1] ?? null };
  }
  return DEBIAN_BASED.test(repository) ? { family: "debian", release: null } : null;
}

/** Official images without another distribution in their tag are built on Debian. */
const DEBIAN_BASED =
  /^(?:python|node|ruby|golang|php|perl|rust|openjdk|java|haskell|elixir|erlang|buildpack-deps|gcc|julia|pypy|r-base|postgres|mysql|mariadb|redis|mongo|nginx|httpd|tomcat|maven|gradle|wordpress|drupal|jenkins|clojure|swipl|mono|rocker\/.*|bitnami\/minideb|pytorch\/pytorch|tensorflow\/tensorflow|swift|rustlang\/rust|continuumio\/\w+|jupyter\/\S+|phusion\/\S+|nvidia\/cuda)$/;

/** What the package manager's own lines in a log say. */
export function distributionOfLog(lines: readonly string[]): Distribution | null {
  for (const line of lines) {
    const alpine = /\/alpine\/(?:v(\d+\.\d+)|(edge))\/(?:main|community)/.exec(line);
    if (alpine !== null) return { family: "alpine", release: alpine[1] ?? alpine[2] ?? null };
    const suite = /\/(?:debian|ubuntu)[a-z-]*\/?(?:dists\/| )([a-z]+)(?=[-\/ ])/.exec(line)?.[1];
    if (suite === undefined || /ppa|launchpad/.test(line)) continue;
    if (suite in DEBIAN) return { family: "debian", release: suite };
    if (suite in UBUNTU) return { family: "ubuntu", release: suite };
  }
  for (const line of lines) {
    const rpm =
      /\.(?:el|fc)(\d+)[._\d]*(?:\.centos)?\.?(?:x86_64|noarch)\b|\b(?:x86_64|noarch)\s+\S+\.(?:el|fc)(\d+)/
        .exec(line);
    if (rpm !== null) return { family: "rpm", release: rpm[1] ?? rpm[2] ?? null };
  }
  // The shells name themselves in the way they say that a command is missing.
  for (const line of lines) {
    if (/^\/bin\/sh: \d+: /.test(line)) return { family: "debian", release: null };
    if (/^\/bin\/sh: (?:line \d+: )?\S+: command not found/.test(line)) {
      return { family: "rpm", release: null };
    }
    if (/^\/bin\/sh: [^\s:]+: not found/.test(line)) return { family: "alpine", release: null };
  }
  return null;
}
