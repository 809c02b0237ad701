import { assertEquals, assertStringIncludes } from "@std/assert";
import { applied, changesOf, repair } from "./docker_bench.ts";

interface Case {
  name: string;
  cause: string;
  dockerfile: string;
  step: number;
  log: string;
  changes: string[];
  paths?: string[];
}

const CASES: readonly Case[] = [
  {
    name: "apt-get update runs in the step that installs",
    cause: "apt-update-missing",
    dockerfile: "FROM ubuntu:20.04\nRUN DEBIAN_FRONTEND=noninteractive apt-get install -y git\n",
    step: 2,
    log: "E: Unable to locate package git",
    changes: [
      "-RUN DEBIAN_FRONTEND=noninteractive apt-get install -y git",
      "+RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y git",
    ],
  },
  {
    name: "an install in exec form gets an update of its own before it",
    cause: "apt-update-missing",
    dockerfile: 'FROM debian:buster\nRUN ["apt-get", "install", "-y", "git"]\n',
    step: 2,
    log: "E: Unable to locate package git",
    changes: ["+RUN apt-get update"],
  },
  {
    name: "every install that would ask says yes, and those that do already stay",
    cause: "apt-missing-assume-yes",
    dockerfile:
      "FROM debian\nRUN apt-get update && apt-get install curl\nRUN apt-get -qq install git\nRUN apt upgrade\n",
    step: 2,
    log: "Do you want to continue? [Y/n] Abort.",
    changes: [
      "-RUN apt-get update && apt-get install curl",
      "+RUN apt-get update && apt-get install -y curl",
      "-RUN apt upgrade",
      "+RUN apt upgrade -y",
    ],
  },
  {
    name: "only the pin that is gone is taken off",
    cause: "apt-version-pin-gone",
    dockerfile:
      "FROM debian:9\nRUN apt-get update && apt-get install -y \\\n    curl=7.52.1-5+deb9u9 \\\n    git\n",
    step: 2,
    log: "E: Version '7.52.1-5+deb9u9' for 'curl' was not found",
    changes: ["-    curl=7.52.1-5+deb9u9 \\", "+    curl \\"],
  },
  {
    name: "Python 2's packages become Python 3's together",
    cause: "apt-package-not-found",
    dockerfile: "FROM ubuntu:20.04\nRUN apt-get update && apt-get install -y python-pip python-dev git\n",
    step: 2,
    log: "E: Unable to locate package python-pip",
    changes: [
      "-RUN apt-get update && apt-get install -y python-pip python-dev git",
      "+RUN apt-get update && apt-get install -y python3-pip python3-dev git",
    ],
  },
  {
    name: "a name whose replacement is in the list already goes with its line",
    cause: "apt-package-not-found",
    dockerfile:
      "FROM debian:bookworm\nRUN apt-get update && apt-get install -y \\\n  ffmpeg \\\n  libav-tools\nUSER app\n",
    step: 2,
    log: "E: Package 'libav-tools' has no installation candidate",
    changes: ["-  ffmpeg \\", "-  libav-tools", "+  ffmpeg"],
  },
  {
    name: "two packages that a continuation glued together are told apart",
    cause: "apt-package-not-found",
    dockerfile: "FROM ubuntu:20.04\nRUN apt-get update && apt-get install -y \\\nwget\\\ngit\n",
    step: 2,
    log: "E: Unable to locate package wgetgit",
    changes: ["-wget\\", "-git", "+wget git"],
  },
  {
    name: "an ended Ubuntu is taken from old-releases",
    cause: "apt-release-eol",
    dockerfile: "FROM ubuntu:17.10\n# tools\nRUN apt-get update\n",
    step: 2,
    log: "E: The repository 'http://archive.ubuntu.com/ubuntu artful Release' does not have a Release file.",
    changes: [
      "+RUN sed -i -r 's#https?://([a-z]+\\.)?(archive|security|ports)\\.ubuntu\\.com#http://old-releases.ubuntu.com#g' /etc/apt/sources.list",
    ],
  },
  {
    name: "a backports suite that the Dockerfile adds is taken from the archive",
    cause: "apt-release-eol",
    dockerfile:
      'FROM debian:jessie\nRUN echo "deb http://ftp.debian.org/debian jessie-backports main" >> /etc/apt/sources.list && apt-get update\n',
    step: 2,
    log:
      "W: Failed to fetch http://ftp.debian.org/debian/dists/jessie-backports/main/binary-amd64/Packages  404  Not Found",
    changes: [
      '-RUN echo "deb http://ftp.debian.org/debian jessie-backports main" >> /etc/apt/sources.list && apt-get update',
      "+RUN echo 'Acquire::Check-Valid-Until \"false\";' > /etc/apt/apt.conf.d/10no-check-valid-until",
      '+RUN echo "deb http://archive.debian.org/debian jessie-backports main" >> /etc/apt/sources.list && apt-get update',
    ],
  },
  {
    name: "Alpine's Python is renamed, in later installs of the stage as well",
    cause: "apk-package-not-found",
    dockerfile: "FROM alpine:3.12\nRUN apk add python py-pip\nRUN apk add python-dev\n",
    step: 2,
    log: "  python (missing):\n    required by: world[python]",
    changes: [
      "-RUN apk add python py-pip",
      "-RUN apk add python-dev",
      "+RUN apk add python3 py-pip",
      "+RUN apk add python3-dev",
    ],
  },
  {
    name: "a pin that breaks the world is taken off, quotes and all",
    cause: "apk-version-conflict",
    dockerfile: "FROM alpine:3.12\nRUN apk add --no-cache 'git=2.24.1-r0' curl\n",
    step: 2,
    log: "  git-2.26.2-r0:\n    breaks: world[git=2.24.1-r0]",
    changes: ["-RUN apk add --no-cache 'git=2.24.1-r0' curl", "+RUN apk add --no-cache git curl"],
  },
  {
    name: "what a command needs joins the install that the stage has",
    cause: "command-not-found",
    dockerfile: "FROM alpine:3.12\nRUN apk add --no-cache \\\n    curl \\\n    nodejs\nRUN npm install\n",
    step: 3,
    log: "/bin/sh: npm: not found",
    changes: ["-    nodejs", "+    nodejs \\", "+    npm"],
  },
  {
    name: "a stage without an install gets one, as root",
    cause: "command-not-found",
    dockerfile: "FROM node:12-slim\nUSER node\nRUN npm install\n",
    step: 3,
    log: "npm ERR! enoent spawn git ENOENT",
    changes: [
      "+USER root",
      "+RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*",
      "+USER node",
    ],
  },
  {
    name: "a header's package is installed with the others of the step",
    cause: "missing-header",
    dockerfile: "FROM python:3.7-alpine\nRUN apk add --no-cache gcc musl-dev && pip install cffi\n",
    step: 2,
    log: "c/_cffi_backend.c:15:10: fatal error: ffi.h: No such file or directory",
    changes: [
      "-RUN apk add --no-cache gcc musl-dev && pip install cffi",
      "+RUN apk add --no-cache gcc musl-dev libffi-dev && pip install cffi",
    ],
  },
  {
    name: "a newer Go keeps its variant, and an old release of Debian is left out of it",
    cause: "go-too-old",
    dockerfile: "FROM golang:1.8-jessie AS build\nRUN go build\nFROM golang:1.8-jessie\n",
    step: 2,
    log: "main.go:4:2: undefined: sync.Map",
    changes: [
      "-FROM golang:1.8-jessie AS build",
      "+FROM golang:1.13 AS build",
      "-FROM golang:1.8-jessie",
      "+FROM golang:1.13",
    ],
  },
  {
    name: "the tag of a variable is changed where the variable is set",
    cause: "node-engine-mismatch",
    dockerfile: "ARG NODE=8.11.1\nFROM node:$NODE-alpine\nRUN yarn\n",
    step: 3,
    log:
      'error x@1.0.0: The engine "node" is incompatible with this module. Expected version ">=10.13.0". Got "8.11.1"',
    changes: ["-ARG NODE=8.11.1", "+ARG NODE=10"],
  },
  {
    name: "the last gem for the Ruby at hand is what rubygems prints",
    cause: "gem-needs-newer-ruby",
    dockerfile: "FROM ruby:2.2\nRUN gem install bundler && bundle install\n",
    step: 2,
    log:
      "ERROR:  Error installing bundler:\n\tThe last version of bundler (>= 0) to support your Ruby & RubyGems was 1.17.3. Try installing it with `gem install bundler -v 1.17.3`\n\tbundler requires Ruby version >= 2.3.0.",
    changes: [
      "-RUN gem install bundler && bundle install",
      "+RUN gem install bundler -v 1.17.3 && bundle install",
    ],
  },
  {
    name: "an argument of FROM that has no default gets one",
    cause: "from-unset-arg",
    dockerfile: "ARG PYTHON_VERSION\nFROM python:$PYTHON_VERSION-alpine\n",
    step: 2,
    log: "invalid reference format",
    changes: ["-ARG PYTHON_VERSION", "+ARG PYTHON_VERSION=3"],
  },
  {
    name: "setuptools is held back before the failing pip, in its step",
    cause: "setuptools-too-new",
    dockerfile: "FROM python:3.6\nRUN cd /app && pip install -r requirements.txt\n",
    step: 2,
    log: "    ImportError: cannot import name 'Feature'",
    changes: [
      "-RUN cd /app && pip install -r requirements.txt",
      "+RUN cd /app && pip install 'setuptools<46' && pip install -r requirements.txt",
    ],
  },
  {
    name: "a script that may not be run is made executable before it is",
    cause: "permission-denied",
    dockerfile: "FROM python:3.6\nCOPY . .\nRUN pip install . && ./build.sh\n",
    step: 3,
    log: "/bin/sh: 1: ./build.sh: Permission denied",
    changes: ["-RUN pip install . && ./build.sh", "+RUN pip install . && chmod +x ./build.sh && ./build.sh"],
  },
  {
    name: "a manifest that is copied too late is copied before the step that reads it",
    cause: "manifest-missing",
    dockerfile: "FROM python:3.8\nWORKDIR /app\nRUN pip install -r requirements.txt\nCOPY . .\n",
    step: 3,
    log: "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'",
    paths: ["requirements.txt", "app.py"],
    changes: ["+COPY requirements.txt ./"],
  },
  {
    name: "curl follows redirects",
    cause: "download-redirect-not-followed",
    dockerfile: "FROM ubuntu:16.04\nRUN curl -o a.tgz https://example.com/a.tgz && tar xzf a.tgz\n",
    step: 2,
    log: "gzip: stdin: not in gzip format",
    changes: [
      "-RUN curl -o a.tgz https://example.com/a.tgz && tar xzf a.tgz",
      "+RUN curl -L -o a.tgz https://example.com/a.tgz && tar xzf a.tgz",
    ],
  },
  {
    name: "a folder that exists is no failure",
    cause: "path-already-exists",
    dockerfile: "FROM alpine:3.12\nRUN echo a && mkdir /opt && mkdir /srv/b\n",
    step: 2,
    log: "mkdir: can't create directory '/opt': File exists",
    changes: ["-RUN echo a && mkdir /opt && mkdir /srv/b", "+RUN echo a && mkdir -p /opt && mkdir /srv/b"],
  },
  {
    name: "an image for another processor becomes its twin",
    cause: "base-image-wrong-platform",
    dockerfile: "FROM arm32v6/alpine:3.10 AS build\nRUN echo\n",
    step: 2,
    log: 'standard_init_linux.go:190: exec user process caused "exec format error"',
    changes: ["-FROM arm32v6/alpine:3.10 AS build", "+FROM alpine:3.10 AS build"],
  },
  {
    name: "removed options of gem become the one that is left",
    cause: "gem-option-removed",
    dockerfile: "FROM ruby:2.7\nRUN gem install rake --no-ri --no-rdoc\n",
    step: 2,
    log: "    invalid option: --no-ri",
    changes: ["-RUN gem install rake --no-ri --no-rdoc", "+RUN gem install rake --no-document"],
  },
];

for (const { name, cause, dockerfile, step, log, changes, paths } of CASES) {
  Deno.test(`${cause}: ${name}`, async () => {
    const { patch, refusals } = await repair(cause, dockerfile, step, log, { paths: paths ?? [] });
    assertEquals(changesOf(patch), changes, refusals.join("; "));
    await applied(patch!, { Dockerfile: dockerfile });
  });
}

Deno.test("a repaired Dockerfile is not repaired a second time for the same log", async () => {
  const once = [
    "apt-update-missing",
    "apt-missing-assume-yes",
    "apt-version-pin-gone",
    "go-too-old",
    "path-already-exists",
  ];
  for (
    const { cause, dockerfile, step, log } of CASES.filter((each) =>
      once.includes(each.cause) && !/exec form/.test(each.name)
    )
  ) {
    const first = await repair(cause, dockerfile, step, log);
    const { Dockerfile: after } = await applied(first.patch!, { Dockerfile: dockerfile });
    const second = await repair(cause, after!, step, log);
    assertEquals([cause, second.patch], [cause, null]);
  }
});

Deno.test("what is not certain is refused with a reason", async () => {
  const cases: [cause: string, dockerfile: string, log: string, why: string][] = [
    ["deliberate-failure", "FROM alpine\nRUN exit 1\n", "", ""],
    [
      "apt-package-not-found",
      "FROM debian:9\nRUN apt-get install -y frobnicator\n",
      "E: Unable to locate package frobnicator",
      "no other name",
    ],
    [
      "command-not-found",
      "FROM alpine\nRUN frobnicate\n",
      "/bin/sh: frobnicate: not found",
      "no package that holds it",
    ],
    ["python-too-old", "FROM python:2.7\nRUN pip install x\n", "x requires Python '>=3.6'", "its owner"],
    ["apt-update-missing", "FROM debian\nRUN apt-get update && apt-get install -y git\n", "", "already"],
    ["build-arg-missing", "FROM alpine\nARG TOKEN\nRUN fetch $TOKEN\n", "", "no argument without a default"],
    [
      "ruby-version-gemfile",
      "FROM alpine:3.7\nRUN bundle install\n",
      "Your Ruby version is 2.4.6, but your Gemfile specified 2.6.4",
      "no image whose versions",
    ],
  ];
  for (const [cause, dockerfile, log, why] of cases) {
    const { patch, refusals } = await repair(cause, dockerfile, 2, log);
    assertEquals([cause, patch], [cause, null]);
    assertStringIncludes(refusals.join("; "), why);
  }
});

Deno.test("the Dockerfile that holds the failing step is chosen, wherever it lies", async () => {
  const wrong = "FROM alpine:3.9\nRUN echo other\n";
  const right = "FROM alpine:3.12\nRUN apk add --no-cache 'git=1-r0'\n";
  const { patch } = await repair("apk-version-conflict", right, 2, "    breaks: world[git=1-r0]", {
    path: "deploy/Dockerfile.web",
    files: { Dockerfile: wrong },
  });
  assertStringIncludes(patch ?? "", "+++ b/deploy/Dockerfile.web");
});

Deno.test("words of a log that could run as a command never reach the patch", async () => {
  const dockerfile = "FROM ruby:2.2\nRUN gem install bundler\n";
  for (const version of ["1.2;rm -rf /", "$(id)", "1.2`id`", "1.2 && curl x"]) {
    const { patch } = await repair(
      "bundler-version-mismatch",
      dockerfile,
      2,
      `Could not find 'bundler' (${version}) required by your /app/Gemfile.lock`,
    );
    assertEquals(/rm -rf|\$\(|`|curl/.test(patch ?? ""), false, patch ?? "");
  }
});
