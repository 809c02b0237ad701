/** Repairs of Dockerfiles whose build needs a program, a header or a library that the image lacks. */
import { insertBefore } from "../../code/dockerfile.ts";
import { asRoot, dockerRemedy, releaseOf, runs } from "../docker_case.ts";
import type { DockerCase, Repair } from "../docker_case.ts";
import { installBefore } from "../docker_packages.ts";
import type { Remedy } from "../remedy.ts";
import { HEADERS } from "../tables/headers.ts";
import { LIBRARIES } from "../tables/libraries.ts";
import { PROGRAMS } from "../tables/programs.ts";
import type { Holders } from "../tables/programs.ts";

function holderOf(found: DockerCase, holders: Holders | undefined): string[] | string {
  const family = found.distribution?.family;
  if (family === undefined) return "the distribution of the image is not known";
  const names = holders?.[family === "ubuntu" ? "debian" : family];
  return names === undefined ? "no package that holds it is known" : names.split(" ");
}

/** A header's own entry, else that of the folder it lies in. */
function headerHolder(header: string): Holders | undefined {
  if (Object.hasOwn(HEADERS, header)) return HEADERS[header];
  for (let at = header.lastIndexOf("/"); at > 0; at = header.lastIndexOf("/", at - 1)) {
    const folder = header.slice(0, at + 1);
    if (Object.hasOwn(HEADERS, folder)) return HEADERS[folder];
  }
  return undefined;
}

function install(found: DockerCase, what: string, holders: Holders | undefined, program?: string) {
  const packages = holderOf(found, holders);
  if (typeof packages === "string") return `${what}: ${packages}`;
  const release = releaseOf(found);
  const isOldCentos = found.distribution?.family === "rpm" && (release === null || release <= 8);
  const hasEpel = found.before.some((each) => /epel-release/.test(each.args));
  if (isOldCentos && !hasEpel && packages.some((each) => EPEL.has(each))) {
    return `only EPEL has ${packages.join(" ")}, which the image does not use`;
  }
  const changes = installBefore(found, packages, program);
  if (typeof changes === "string") return changes;
  return { changes, summary: `Install ${packages.join(" ")}, which holds ${what}` };
}

const NOT_FOUND = [
  /(?:^|[\s/])(?:ba|da|z|a)?sh: (?:line \d+: |\d+: )?(?<program>[\w.+-]+): (?:command )?not found/,
  /^\/\S+: (?:line )?\d+: (?:\S+: \d+: )?(?<program>[\w.+-]+): (?:command )?not found/,
  /exec: "(?<program>[\w.+-]+)": executable file not found in \$PATH/,
  /env: (?:can't execute )?[‘'"]?(?<program>[\w.+-]+)[’'"]?: No such file or directory/,
  /spawn (?<program>[\w.+-]+) ENOENT/,
  /(?:find the|No) binary (?<program>git)\b|No (?<program2>git) binary found/,
  /Cannot find command '(?<program>git|hg|svn|bzr)'/,
  /No such file or directory: '(?<program>git|gcc|cmake|make|swig|pg_config|hg)'/,
  /tar \(child\): (?<program>bzip2|xz|gzip|lzma): Cannot exec/,
  /^make(?:\[\d+\])?: (?<program>[\w.+-]+): (?:Command not found|No such file or directory)/,
  /Please install (?<program>zip|unzip|curl|git|wget|make|gcc) /,
  /(?<program>git|unzip|zip) (?:was not found in your PATH|is not installed|: not found)/,
  /unable to execute '(?<program>[\w.+-]+)'/,
  /error: command '(?<program>[\w.+-]+)' failed: No such file/,
  /(?<program>autoreconf|aclocal|libtoolize|cmake|swig): (?:command )?not found/,
];

/** Python, Node and Ruby tools that no distribution package should bring. */
function programOf(found: DockerCase): string | undefined {
  const captured = found.captures["program"] ?? found.captures["command"];
  if (captured !== undefined && /^[\w.+-]+$/.test(captured)) return captured;
  for (const line of [found.context.diagnosis.evidence?.text ?? "", ...found.lines.toReversed()]) {
    for (const pattern of NOT_FOUND) {
      const groups = pattern.exec(line)?.groups;
      const program = groups?.["program"] ?? groups?.["program2"];
      if (program !== undefined) return program;
    }
  }
  return undefined;
}

const commandNotFound: Repair = (found) => {
  const program = programOf(found);
  if (program === undefined) return "the log does not name the program";
  if (found.step === null) return "the log does not show which step failed";
  const holders = Object.hasOwn(PROGRAMS, program) ? adapted(found, program, PROGRAMS[program]!) : undefined;
  return install(found, program, holders, program);
};

/** What an entry means in the release at hand. */
function adapted(found: DockerCase, program: string, holders: Holders): Holders {
  const release = releaseOf(found);
  const family = found.distribution?.family;
  if (
    family === "alpine" && (program === "pip3" || program === "pip") && release !== null && release < 3.12
  ) {
    return { alpine: program === "pip" ? "py-pip" : "python3" };
  }
  if ((family === "debian" || family === "ubuntu") && release !== null) {
    const hasPython2 = family === "ubuntu" ? release < 20.04 : release < 11;
    if (program === "pip" && hasPython2) return { debian: "python-pip" };
    if (program === "python" && hasPython2) return { debian: "python" };
    if (program === "mysql" && family === "ubuntu") return { debian: "mysql-client" };
    if (program === "npm" && family === "debian" && release === 9) return {};
  }
  if (family === "rpm" && (program === "pip" || program === "python") && release !== null && release <= 7) {
    return program === "python" ? { rpm: "python" } : {};
  }
  return holders;
}

const COMPILERS =
  /(?:^|[\s'"‘`/:])(gcc|g\+\+|cc|c\+\+|make|cmake|gmake|autoreconf|aclocal|libtoolize|pkg-config|gfortran|ninja|clang|x86_64-linux-gnu-gcc|arm-linux-gnueabihf-gcc|automake|autoconf|bison|flex|swig|patch|m4)['"’`]?(?::| failed|\s+not|\s+is|\s+ENOENT|\s*$|['"])/;

const buildTools: Repair = (found) => {
  const captured = programOf(found);
  const isTool = (text: string) => COMPILERS.test(` ${text} `) || Object.hasOwn(PROGRAMS, text);
  let program = captured !== undefined && isTool(captured) ? captured : undefined;
  for (const line of [found.context.diagnosis.evidence?.text ?? "", ...found.lines.toReversed()]) {
    if (program !== undefined) break;
    if (
      !/not found|No such file|no acceptable C|unable to execute|ENOENT|missing|required|CMAKE_MAKE_PROGRAM|compiler/i
        .test(line)
    ) continue;
    program = /no acceptable C compiler|No CMAKE_C(?:XX)?_COMPILER|CMAKE_MAKE_PROGRAM/.test(line)
      ? "gcc"
      : COMPILERS.exec(line)?.[1];
  }
  if (program === undefined) return "the log does not name the tool";
  const name = program.replace(/^.*-gcc$/, "gcc").replace("gmake", "make");
  const inStep = found.step === null
    ? false
    : runs(found.file, found.step).some((each) => each.program === name);
  // A compiler that a package's build asks for wants make and the C library's headers as well.
  const wide: Holders = { debian: "build-essential", alpine: "build-base", rpm: "gcc gcc-c++ make" };
  const holders = ["gcc", "cc", "g++", "c++"].includes(name) ? wide : PROGRAMS[name];
  return install(found, name, holders, inStep ? name : undefined);
};

const header: Repair = (found) => {
  let missing: string | undefined;
  const lines = [found.context.diagnosis.evidence?.text ?? "", ...found.lines];
  for (const line of lines) {
    missing = /fatal error: '?([\w./+-]+)'?(?: file not found|: No such file)/.exec(line)?.[1] ??
      /cannot find .*?\b([\w/]+\.h)\b/.exec(line)?.[1] ??
      /\b([\w/]+\.h): No such file or directory/.exec(line)?.[1] ??
      /(?:header file|header) ['"]?([\w/]+\.h)['"]?(?: not found|.*missing)/i.exec(line)?.[1];
    if (missing !== undefined) break;
  }
  if (missing === undefined) return "the log does not name the header";
  if (/^boost\/json/.test(missing)) return "no release is known to have it";
  const isPython2 = missing === "Python.h" &&
    found.lines.some((line) => /python2(?:\.7)?\b|\/python-?2/.test(line)) &&
    found.distribution?.family !== "alpine";
  if (missing === "Python.h" && /^(?:\S+\/)?python:/.test(found.base?.image ?? "")) {
    return "the image's own Python has its headers already";
  }
  return install(
    found,
    missing,
    isPython2 ? { debian: "python-dev", rpm: "python-devel" } : headerHolder(missing),
  );
};

const LIBRARY_SIGNS = [
  /No package '([\w.+-]+)' found/,
  /Package '?([\w.+-]+)'?,? (?:required by .*?, )?(?:was )?not found/,
  /Package ([\w.+-]+) was not found in the pkg-config search path/,
  /cannot find -l([\w.+-]+)/,
  /Could NOT find (\w+)/,
  /\b(pg_config|mysql_config|xml2-config|xslt-config|curl-config|llvm-config|gdal-config|geos-config|icu-config|gsl-config|pcre-config)\b.*(?:not found|No such file|failed|executable|missing)/i,
  /--with-(xml2|xslt|pg)-config/,
  /package configuration file provided by "(\w+)"/,
  /required package '?([\w.+-]+)'? not found/i,
  /configure: error: .*?\b(?:lib)?(curl|ssl|crypto|zip|onig|oniguruma|pcre|png|jpeg|freetype|icu|readline|ncurses|expat|xml2|xslt|gmp|event|uv|yaml|zlib|libzip|sqlite3)\b/i,
  /The headers or library files could not be found for (\w+)/,
  /Unable to (?:find|detect) (\w+)/,
  /(?:install|Please install) (?:the )?(openssl|libpq|zlib|libxml2|libxslt)\b/i,
  /library '?(?:lib)?([\w.+-]+)'? (?:was )?not found/i,
];

const library: Repair = (found) => {
  for (const line of [found.context.diagnosis.evidence?.text ?? "", ...found.lines]) {
    for (const sign of LIBRARY_SIGNS) {
      const name = sign.exec(line)?.[1]?.toLowerCase();
      if (name === undefined) continue;
      const key = [name, `lib${name}`, name.replace(/^lib/, ""), `${name}-config`, `${name}_config`]
        .find((each) => Object.hasOwn(LIBRARIES, each));
      if (key === undefined) continue;
      return install(found, name, LIBRARIES[key]);
    }
  }
  return "no package with the library is known";
};

const gypPython: Repair = (found) => {
  const { distribution, lines, file, step } = found;
  if (distribution === null || step === null) return "the distribution of the image is not known";
  const release = releaseOf(found);
  const wants3 = lines.some((line) =>
    /Could not find any Python installation|gyp ERR! find Python/.test(line)
  );
  const { family } = distribution;
  const major = Number(/node:(\d+)/.exec(found.base?.image ?? "")?.[1] ?? NaN);
  if (family === "rpm") {
    if (wants3) {
      const changes = installBefore(found, ["python3", "make", "gcc-c++"]);
      return typeof changes === "string"
        ? changes
        : { changes, summary: "Install Python, which node-gyp needs" };
    }
    return {
      changes: [
        insertBefore(
          file,
          step,
          asRoot(found, ["RUN yum install -y python2 make gcc-c++", "ENV PYTHON=python2"]),
        ),
      ],
      summary: "Install Python 2, which this node-gyp needs",
    };
  }
  const hasPython2 = family === "alpine"
    ? release === null || release >= 3.12
    : release !== null && (family === "ubuntu" ? release >= 20.04 : release >= 11);
  const python = wants3 || major >= 16
    ? "python3"
    : family === "alpine"
    ? (release !== null && release < 3.12 ? "python" : "python2")
    : hasPython2
    ? "python2"
    : "python";
  const changes = installBefore(found, [python, "make", "g++"], runs(file, step)[0]?.program);
  if (typeof changes === "string") return changes;
  return { changes, summary: `Install ${python}, make and g++, which node-gyp needs` };
};

const certificates: Repair = (found) => {
  const isMissing = found.lines.some((line) =>
    /CAfile: none|unable to get local issuer certificate|x509: (?:certificate signed by unknown authority|failed to load system roots)|certificate verify failed.*unable to get local issuer|error setting certificate verify locations/
      .test(line)
  );
  if (!isMissing) return "the certificate itself is not valid";
  if (found.file.instructions.some((each) => /ca-certificates/.test(each.args))) {
    return "ca-certificates is installed";
  }
  const changes = installBefore(found, ["ca-certificates"]);
  return typeof changes === "string" ? changes : { changes, summary: "Install ca-certificates" };
};

/** Packages of CentOS that only EPEL has. */
const EPEL = new Set(
  ("openvpn easy-rsa golang nginx python-pip python2-pip python34 python36 python36-pip python3-pip supervisor jq htop nodejs npm redis " +
    "ansible fail2ban tmux p7zip p7zip-plugins cmake3 nodejs-npm git-lfs ShellCheck stress iperf3 nload bmon libsodium libsodium-devel " +
    "hiredis hiredis-devel zeromq zeromq-devel leveldb leveldb-devel lua-posix R-core R pandoc clang mock pwgen sshpass screen-devel " +
    "php-mcrypt libmcrypt libmcrypt-devel phpMyAdmin nagios nrpe moreutils parallel sysbench s3cmd tinyproxy varnish xmlstarlet yasm")
    .split(" "),
);

const epel: Repair = (found) => {
  const { file, step, lines, base } = found;
  const names = [
    ...new Set(
      lines.flatMap((line) =>
        /No match for argument: (\S+)|No package (\S+) available/.exec(line)?.slice(1).find((each) =>
          each !== undefined
        ) ?? []
      ),
    ),
  ];
  const image = base?.resolved ?? base?.image ?? "";
  if (step === null || names.length === 0) return "the log does not name the package";
  if (!/centos/.test(image) || !names.every((name) => EPEL.has(name))) {
    return `no repository with ${names.join(", ")} is known`;
  }
  if (found.before.some((each) => /epel-release/.test(each.args))) return "EPEL is installed already";
  return {
    changes: [insertBefore(file, step, asRoot(found, ["RUN yum install -y epel-release"]))],
    summary: `Add EPEL, which has ${names.join(", ")}`,
  };
};

const vault: Repair = (found) => {
  const { file, before, lines } = found;
  const isCentos = lines.some((line) =>
    /mirrorlist\.centos\.org|mirror\.centos\.org/.test(line) &&
    /404|resolve|Cannot find|mirrorlist/.test(line)
  );
  const first = before.find((each) =>
    runs(file, each).some(({ program }) => /^(?:yum|dnf|microdnf)$/.test(program))
  );
  if (!isCentos || first === undefined) return "it is no repository of CentOS itself";
  return {
    changes: [insertBefore(
      file,
      first,
      asRoot(found, [
        "RUN sed -i -e 's/^mirrorlist=/#mirrorlist=/' -e 's|^#\\? *baseurl=http://mirror.centos.org|baseurl=http://vault.centos.org|' /etc/yum.repos.d/CentOS-*.repo",
      ]),
    )],
    summary: "Take packages from vault.centos.org: the release is gone from the mirrors",
  };
};

const rpmOverlay: Repair = (found) => {
  const yum = found.step === null
    ? undefined
    : runs(found.file, found.step).find(({ program }) => /^(?:yum|rpm)$/.test(program));
  if (yum === undefined) return "the failing step does not run yum itself";
  const { start } = yum.command;
  if (["||", "|"].includes(yum.command.separator)) return "yum is one branch of a longer command";
  return {
    changes: [{ start, end: start, text: `${yum.sudo ? "sudo " : ""}touch /var/lib/rpm/* && ` }],
    summary: "Copy the rpm database up into the layer before yum writes to it",
  };
};

export const dockerInstallRemedies: readonly Remedy[] = [
  dockerRemedy("docker/install-command", ["command-not-found"], commandNotFound, "medium"),
  dockerRemedy("docker/build-tools", ["build-tools-missing"], buildTools),
  dockerRemedy("docker/header", ["missing-header"], header),
  dockerRemedy("docker/dev-library", ["missing-dev-library", "python-pg-config-missing"], library),
  dockerRemedy("docker/node-gyp-python", ["node-gyp-python-missing"], gypPython),
  dockerRemedy("docker/ca-certificates", ["tls-certificate"], certificates),
  dockerRemedy("docker/epel", ["yum-package-not-found"], epel),
  dockerRemedy("docker/centos-vault", ["yum-repo-gone"], vault),
  dockerRemedy("docker/rpm-overlay", ["yum-rpmdb-overlay"], rpmOverlay),
];
