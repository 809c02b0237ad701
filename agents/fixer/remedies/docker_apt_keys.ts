/** Repairs of Dockerfiles whose apt sources lack a key, a transport, source packages or a folder. */
import { insertBefore } from "../../code/dockerfile.ts";
import { isApt, placesIn } from "../apt.ts";
import { asRoot, dockerRemedy, insertCommand, releaseOf, runs } from "../docker_case.ts";
import type { Repair } from "../docker_case.ts";
import { installBefore } from "../docker_packages.ts";
import type { Remedy } from "../remedy.ts";

const gnupg: Repair = (found) => {
  const program = runs(found.file, found.step ?? found.file.instructions[0]!).find((each) =>
    /^(?:apt-key|gpg|gpg2|dirmngr)$/.test(each.program)
  )?.program;
  const packages = found.lines.some((line) => /dirmngr/.test(line)) ? ["gnupg", "dirmngr"] : ["gnupg"];
  const changes = installBefore(found, packages, program);
  return typeof changes === "string"
    ? changes
    : { changes, summary: `Install ${packages.join(" and ")} before the key is read` };
};

const httpsTransport: Repair = (found) => {
  const { file, before } = found;
  const source = before.find((each) =>
    ["RUN", "COPY", "ADD"].includes(each.keyword) &&
    (/https:\/\//.test(each.args) &&
        /sources\.list|add-apt-repository|apt-add-repository|setup_\d|setup /.test(each.args) ||
      /\.list\b/.test(each.args) && each.keyword !== "RUN" || /add-apt-repository/.test(each.args))
  );
  if (source === undefined) return "the Dockerfile does not add the https source itself";
  return {
    changes: [
      insertBefore(
        file,
        source,
        asRoot({ before: before.slice(0, before.indexOf(source) + 1), step: source }, [
          "RUN apt-get update && apt-get install -y --no-install-recommends apt-transport-https ca-certificates && rm -rf /var/lib/apt/lists/*",
        ]),
      ),
    ],
    summary: "Install apt-transport-https before the https source is added",
  };
};

const debSources: Repair = (found) => {
  const { file, step } = found;
  const invocations = step === null ? [] : runs(file, step);
  const at = invocations.findIndex((each) => isApt(each, "build-dep", "source"));
  const update = invocations.slice(0, Math.max(0, at)).find((each) => isApt(each, "update"));
  if (at === -1) return "the failing step does not run apt-get build-dep itself";
  const command = "sed -n 's/^deb /deb-src /p' /etc/apt/sources.list > /etc/apt/sources.list.d/deb-src.list";
  return {
    changes: [
      insertCommand(
        found,
        update === undefined ? `${command} && apt-get update` : command,
        update ?? invocations[at],
      ),
    ],
    summary: "Name the sources of source packages",
  };
};

const KEY_SERVERS =
  /(?:hkps?:\/\/|https?:\/\/)?(?:[a-z0-9-]+\.)*(?:sks-keyservers\.net|pgp\.mit\.edu|pgpkeys\.mit\.edu|keys\.gnupg\.net|keyserver\.pgp\.com|pgp\.key-server\.io|keys\.fedoraproject\.org)(?::\d+)?/g;

const keyServer: Repair = ({ file, step }) => {
  if (step === null) return "the log does not show which step failed";
  const places = placesIn(file.text, step, KEY_SERVERS);
  if (places.length === 0) return "the failing step names no key server that is known to be gone";
  return {
    changes: places.map(({ start, end }) => ({ start, end, text: "hkp://keyserver.ubuntu.com:80" })),
    summary: "Ask keyserver.ubuntu.com for the key: the key server is gone",
  };
};

const archiveKey: Repair = (found) => {
  const { file, step, lines, distribution, before } = found;
  const keys = [
    ...new Set(lines.flatMap((line) => /(?:NO_PUBKEY|EXPKEYSIG) ([0-9A-F]{8,40})\b/.exec(line)?.[1] ?? [])),
  ];
  if (step === null || keys.length === 0) return "the log does not name the key";
  if (
    lines.some((line) => /debian\.(?:org|example)|ubuntu\.com/.test(line) && /NO_PUBKEY|EXPKEYSIG/.test(line))
  ) {
    return "the key of the distribution's own archive is old: the base image has to be newer";
  }
  const release = releaseOf(found);
  const hasGnupg = before.some((each) => each !== step && /\bgnupg|apt-key\b/.test(each.args)) ||
    (release !== null && (distribution?.family === "ubuntu" ? release <= 16.04 : release <= 8)) ||
    /nvidia|buildpack|node|ruby|python|golang/.test(found.base?.image ?? "");
  if (!hasGnupg) return "nothing in the image can read a key before apt-get update works";
  // A source that the failing step itself adds has its key fetched there.
  if (runs(file, step).some((each) => each.program === "apt-key")) {
    return "the failing step fetches a key itself";
  }
  return {
    changes: [insertBefore(
      file,
      step,
      asRoot(found, [
        `RUN apt-key adv --keyserver hkp://keyserver.ubuntu.com:80 --recv-keys ${keys.join(" ")}`,
      ]),
    )],
    summary: `Fetch the key ${keys.join(", ")}`,
    risk: "medium",
  };
};

const manPages: Repair = (found) => {
  const { file, step, lines } = found;
  if (
    !lines.some((line) =>
      /\/usr\/share\/man\/man\d.*(?:No such file|error creating symbolic link)|error creating symbolic link '\/usr\/share\/man/
        .test(line)
    )
  ) {
    return "the log does not say what the package's script lacked";
  }
  const install = step === null ? undefined : runs(file, step).find((each) => isApt(each, "install"));
  if (install === undefined) return "the failing step does not run apt-get install itself";
  return {
    changes: [insertCommand(found, "mkdir -p /usr/share/man/man1", install)],
    summary: "Make the folder of manual pages that the package's script writes to",
  };
};

export const dockerAptKeyRemedies: readonly Remedy[] = [
  dockerRemedy("docker/gnupg", ["gnupg-missing"], gnupg),
  dockerRemedy("docker/apt-https-transport", ["apt-https-transport-missing"], httpsTransport),
  dockerRemedy("docker/apt-deb-src", ["apt-source-uris-missing"], debSources),
  dockerRemedy("docker/key-server", ["gpg-key-fetch-failed"], keyServer),
  dockerRemedy("docker/apt-key", ["apt-gpg-key"], archiveKey, "medium"),
  dockerRemedy("docker/man-pages", ["dpkg-configure-failed"], manPages),
];
