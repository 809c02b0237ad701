import { assertEquals, assertStringIncludes } from "@std/assert";
import type { AskTool } from "../../../agents/agent.ts";
import { normalName, parseRequirement } from "../../../agents/code/requirements.ts";
import { createProject } from "../sample_project.ts";

const PYTHON = {
  runtime: "python",
  buildCommand: "pip install -r requirements.txt",
  startCommand: "gunicorn app:app",
};
/** What the index has, with what each brings. */
const INDEX: Readonly<Record<string, readonly string[]>> = {
  "alpha": [],
  "flask": ["werkzeug", "jinja2"],
  "werkzeug": [],
  "jinja2": [],
  "pyyaml": [],
  "requests": ["urllib3"],
  "urllib3": [],
  "pillow": [],
  "redis": [],
  "boto3": [],
  "clash": [],
  "inhouse": [],
};

/** pip as far as this is about: every project has version 1.0, and `clash` fits nothing. */
const ask: AskTool = (tool, input) => {
  // Asked by the fixer, in the form that its own tools have.
  const { requirements = [], name = "" } = input as { requirements?: string[]; name?: string };
  if (tool === "pip-versions") return Promise.resolve({ versions: normalName(name) in INDEX ? ["1.0"] : [] });
  const names = requirements.flatMap((line) => {
    const parsed = parseRequirement(line);
    if (parsed === undefined) return [];
    const project = normalName(parsed.name);
    return [project, ...INDEX[project] ?? []];
  });
  const isMet = names.every((each) => each in INDEX) && !(names.includes("clash") && names.length > 1);
  return Promise.resolve(
    isMet
      ? {
        ok: true,
        resolved: names.map((each) => ({ name: each, version: "1.0" })),
        mentions: [],
        skipped: [],
      }
      : { ok: false, conflict: "No matching distribution found" },
  );
};

const APP = `"""Begin with:

import boto3
"""
import os
import yaml
from flask import Flask
from jinja2 import Template
import requests, lib.images
import inhouse
from typing import TYPE_CHECKING

try:
    import redis
except ImportError:
    redis = None

if TYPE_CHECKING:
    import boto3


def later():
    import boto3
`;
const FILES = {
  "requirements.txt": "flask==1.0\nalpha==1.0\n",
  "app.py": APP,
  "lib/__init__.py": "",
  "lib/images.py": "from . import sizes\nfrom PIL import Image\n",
  "lib/sizes.py": "import requests\n",
  "scripts/seed.py": "import boto3\nimport yaml\n",
};

async function proposed(
  change: Record<string, string> = {},
  settings: Partial<typeof PYTHON & { dockerfilePath: string }> = {},
) {
  await using project = await createProject({ ...FILES, ...change }, { ...PYTHON, ...settings });
  const diagnosis = await project.diagnose("ModuleNotFoundError: No module named 'yaml'", "start");
  assertEquals(diagnosis.cause, "python-module-missing");
  const proposal = await project.propose(diagnosis, ask);
  if (proposal.kind !== "patch") throw new Error(JSON.stringify(proposal));
  const text = proposal.edits[0]?.content ?? "";
  return { proposal, added: text.split("\n").slice(2).filter((line) => line !== "") };
}

Deno.test("what the program imports for certain and no requirement brings comes with the missing one, and is named with its place", async () => {
  const { proposal, added } = await proposed();
  // flask is listed and brings jinja2; redis, boto3 and the script's are not certain; of inhouse only the name is known.
  assertEquals(added, ["PyYAML==1.0", "requests==1.0", "Pillow==1.0"]);
  assertEquals(proposal.risk, "low");
  assertStringIncludes(
    proposal.summary,
    "Add PyYAML==1.0 to requirements.txt, and with it what the program also imports and no requirement brings: " +
      "requests==1.0 (app.py line 9), Pillow==1.0 (lib/images.py line 2)",
  );
});

Deno.test("nothing is added beside the missing one where what the build installs or runs is not certain", async () => {
  const alone = ["PyYAML==1.0"];
  const build = (buildCommand: string) => ({ buildCommand });
  const cases: Parameters<typeof proposed>[] = [
    [{}, build("pip install -r requirements.txt && pip install ./corelib")],
    [{}, build("pip install -r requirements.txt requests")],
    [{}, build("pip install -r requirements.txt && make deps")],
    [{ "requirements.txt": "flask==1.0\n./corelib\n" }],
    // Two files import it, and neither is known to run.
    [{}, { startCommand: "./run" }],
    // What the repository itself calls so may be meant.
    [{ "lib/requests.py": "", "tools/PIL/__init__.py": "" }],
  ];
  for (const [change, settings] of cases) {
    assertEquals((await proposed(change, settings)).added, alone, JSON.stringify([change, settings]));
  }
});

Deno.test("a build that beside its requirements only brings pip itself up to date is certain, and so is a Dockerfile on Python's image", async () => {
  const all = ["PyYAML==1.0", "requests==1.0", "Pillow==1.0"];
  const buildCommand =
    "pip install --upgrade pip && python -m pip install --no-cache-dir -r requirements.txt";
  assertEquals((await proposed({}, { buildCommand })).added, all);
  const docker = { runtime: "docker", buildCommand: "", dockerfilePath: "" };
  const dockerfile = (base: string) =>
    `FROM ${base}\nCOPY . .\nRUN pip install -r requirements.txt\nCMD gunicorn app:app\n`;
  assertEquals((await proposed({ Dockerfile: dockerfile("python:3.11-slim") }, docker)).added, all);
  assertEquals((await proposed({ Dockerfile: dockerfile("pytorch/pytorch") }, docker)).added, [
    "PyYAML==1.0",
  ]);
});

Deno.test("one that does not fit or is not on the index does not keep the others out", async () => {
  const { added } = await proposed({ "app.py": `${APP}\nimport stripe\nimport redis\n` });
  assertEquals(added, ["PyYAML==1.0", "requests==1.0", "redis==1.0", "Pillow==1.0"]);
});
