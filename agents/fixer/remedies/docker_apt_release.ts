/** Repairs of Dockerfiles on a release that is gone from the mirrors: its packages are taken from the archive. */
import { DEBIAN, UBUNTU } from "../../code/distribution.ts";
import { insertBefore } from "../../code/dockerfile.ts";
import type { Change, Instruction } from "../../code/dockerfile.ts";
import { APT, isApt, placesIn } from "../apt.ts";
import { dockerRemedy, runs, userOf } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import type { Remedy } from "../remedy.ts";

const UBUNTU_LTS = new Set([14.04, 16.04, 18.04, 20.04, 22.04, 24.04]);

const NO_CHECK = `echo 'Acquire::Check-Valid-Until "false";' > /etc/apt/apt.conf.d/10no-check-valid-until`;

/** Suites that the log says are gone, such as `wily`, `jessie-backports`. */
function goneSuites(lines: readonly string[]): Set<string> {
  return new Set(
    lines.flatMap((line) => {
      if (!/404|Release|^Err/.test(line) || /ppa\b|launchpad/.test(line)) return [];
      const suite =
        /\/(?:debian|ubuntu)[a-z-]*\/?\s+([a-z]+(?:-[a-z]+)*)(?:\/updates)?(?:\/\w+)?\s*(?:Release|amd64|main|Packages)?/
          .exec(line) ??
          /\/(?:debian|ubuntu)[a-z-]*\/dists\/([a-z]+(?:-[a-z]+)*)\//.exec(line) ??
          /^Err:?\d* \S+ ([a-z]+(?:-[a-z]+)*)[\/ ]/.exec(line);
      return suite?.[1] === undefined ? [] : [suite[1]];
    }).filter((suite) => suite.split("-")[0]! in DEBIAN || suite.split("-")[0]! in UBUNTU),
  );
}

const archiveSources: Repair = (found) => {
  const { file, step, before, lines } = found;
  if (step === null || (step.keyword !== "RUN")) return "the failing step is no RUN";
  const gone = goneSuites(lines);
  if (gone.size === 0) return "the log does not name the release";
  const names = new Set([...gone].map((suite) => suite.split("-")[0]!));
  if (names.size > 1) return `the log names several releases: ${[...names].join(", ")}`;
  const [name = ""] = names;
  const inStep = runs(file, step);
  const sudo = userOf(found) !== null || inStep.some((each) => APT.includes(each.program) && each.sudo);
  if (sudo) return "the step does not run as root";
  const first = before.find((each) =>
    runs(file, each).some((one) => isApt(one, "update", "install")) ||
    (each.keyword === "RUN" && /\/etc\/apt\/sources\.list\b/.test(each.args))
  ) ?? step;
  if (name in UBUNTU) {
    if (UBUNTU_LTS.has(UBUNTU[name]!)) return `${name} is still on the mirrors`;
    return ubuntuArchive(found, first);
  }
  return debianArchive(found, name, gone, first);
};

function ubuntuArchive(found: DockerCase, first: Instruction) {
  const { file, before } = found;
  const own = before.flatMap((each) => each.keyword === "RUN" ? placesIn(file.text, each, UBUNTU_HOSTS) : []);
  const line =
    "RUN sed -i -r 's#https?://([a-z]+\\.)?(archive|security|ports)\\.ubuntu\\.com#http://old-releases.ubuntu.com#g' /etc/apt/sources.list";
  return {
    changes: [
      insertBefore(file, first, [line]),
      ...own.map(({ start, end }) => ({ start, end, text: "http://old-releases.ubuntu.com" })),
    ],
    summary: "Take packages from old-releases.ubuntu.com: the release is gone from the mirrors",
  };
}

const UBUNTU_HOSTS = /https?:\/\/(?:[a-z]+\.)?(?:archive|security)\.ubuntu\.com/g;

function debianArchive(found: DockerCase, name: string, gone: ReadonlySet<string>, first: Instruction) {
  const { file, before, distribution } = found;
  // Lines of sources that the Dockerfile writes itself are changed where they are written.
  const pattern = new RegExp(`https?://[^\\s'"]+?/debian/?(?=\\s+${name}(?:-backports|-updates)?\\b)`, "g");
  const own = before.flatMap((each) => each.keyword === "RUN" ? placesIn(file.text, each, pattern) : []);
  const changes: Change[] = own.map(({ start, end }) => ({
    start,
    end,
    text: "http://archive.debian.org/debian",
  }));
  const written = own.length > 0;
  const onlyBackports = [...gone].every((suite) => suite.endsWith("-backports"));
  if ([...gone].some((suite) => /proposed|lts/.test(suite))) {
    return `the archive has no ${[...gone].join(", ")}`;
  }
  if (
    written && before.some((each) => /aliyun|163\.com|tuna|ustc/.test(each.args) && each.keyword === "RUN")
  ) {
    return "the Dockerfile writes the sources of a mirror";
  }
  if (onlyBackports) {
    const commands = written ? [NO_CHECK] : [
      `sed -i 's#https\\?://[^ ]* ${name}-backports#http://archive.debian.org/debian ${name}-backports#' $(grep -rl ${name}-backports /etc/apt/sources.list /etc/apt/sources.list.d)`,
      NO_CHECK,
    ];
    return {
      changes: [insertBefore(file, first, [`RUN ${commands.join(" \\\n    && ")}`]), ...changes],
      summary: `Take ${name}-backports from archive.debian.org: it is gone from the mirrors`,
    };
  }
  if (typeof distribution?.release === "string" && distribution.release !== name) {
    return `the image is ${distribution.release}, not ${name}`;
  }
  if (written) {
    return {
      changes: [insertBefore(file, first, [`RUN ${NO_CHECK}`]), ...changes],
      summary: `Take ${name} from archive.debian.org: it is gone from the mirrors`,
    };
  }
  const trusted = DEBIAN[name]! >= 7 ? "[trusted=yes] " : "";
  const sources = [
    `deb ${trusted}http://archive.debian.org/debian ${name} main`,
    ...(DEBIAN[name]! >= 7
      ? [`deb ${trusted}http://archive.debian.org/debian-security ${name}/updates main`]
      : []),
  ];
  return {
    changes: [insertBefore(file, first, [
      `RUN printf '${sources.join("\\n")}\\n' > /etc/apt/sources.list \\`,
      "    && rm -f /etc/apt/sources.list.d/*.list \\",
      `    && ${NO_CHECK}`,
    ])],
    summary: `Take ${name} from archive.debian.org: it is gone from the mirrors`,
    risk: "medium" as const,
  };
}

export const dockerAptReleaseRemedies: readonly Remedy[] = [
  dockerRemedy("docker/archive-sources", ["apt-release-eol"], archiveSources),
];
