/**
 * Splits one long installation in two phases that run at the same time: the wheels of the large packages, and those
 * of the rest; then everything is installed from them. Each phase is kept apart from the other for later builds: pip
 * keeps every wheel, and in a Dockerfile the large packages have a layer of their own. A build that ran out of time
 * leaves nothing to the next one on Render, so that phases one after the other would heal nothing
 * (docs/decisions/split-installs-at-the-same-time.md).
 */
import { joinPath, segmentsOf } from "../../code/commands.ts";
import { requirementInstall } from "../../code/requirement_install.ts";
import { parseRequirements } from "../../code/requirements.ts";
import type { Proposal } from "../../messages.ts";
import { commandSetting, none } from "../remedy.ts";
import type { FixContext, Remedy } from "../remedy.ts";
import { slowGroup, whyNoPhases } from "../slow_group.ts";
import { splitLayers } from "./python_layers.ts";

/** Packages named in one command. */
const GROUP_MAX = 20;
const WHEELS = ".wheels";

async function splitCommand(context: FixContext): Promise<Proposal> {
  const { settings, rootDir, view } = context;
  if (settings.runtime === "docker") return none("a Dockerfile builds this service");
  const why = whyNoPhases(context);
  if (why !== undefined) return none(why);
  const command = settings.buildCommand;
  if (/\bpip[\d.]* wheel\b/.test(command)) return none("the build command installs in two phases already");
  const install = requirementInstall(command);
  if (typeof install === "string") return none(`the build command is not split: ${install}`);
  const { file } = install;
  const directory = segmentsOf(command).find(({ end }) => end > install.start)?.directory ?? "";
  const text = await view.read(joinPath(rootDir, directory, file));
  if (text === null) return none(`${file} is not in the commit`);
  const unfit = unfitLine(text);
  if (unfit !== undefined) return none(`${file} cannot be read in parts: ${unfit}`);
  const group = slowGroup(parseRequirements(text)).map(({ name }) => name).slice(0, GROUP_MAX);
  if (group.length === 0) return none(`${file} lists no large package that the rest could be told from`);

  // Without its cache pip would fetch and build everything again in the next build.
  const clean = (part: string) => part.replace(/\s--no-cache-dir\b/, "");
  const names = `(${group.map((name) => name.replaceAll(".", "[.]")).join("|")})([^A-Za-z0-9._-]|$)`;
  const slow = /^[ \t]*-/m.test(text) ? `([ \t]*-|${names})` : names;
  const phases = [
    `{ grep -iE "^${slow}" ${file} | ${clean(install.wheels("/dev/stdin", `-w ${WHEELS}`))}`,
    `& grep -viE "^${names}" ${file} | ${clean(install.wheels("/dev/stdin", `--no-deps -w ${WHEELS}`))}`,
    `&& wait $! && ${clean(install.install(file, `--find-links ${WHEELS}`))} && rm -r ${WHEELS}; }`,
  ].join(" ");
  const isCached = clean(command) !== command;
  return commandSetting(
    "buildCommand",
    command.slice(0, install.start) + phases + command.slice(install.end),
    `Make the wheels of ${group.join(", ")} and those of the rest at the same time, and install from them${
      isCached ? "; let pip keep what it has made" : ""
    }, so that a later build does not make the large ones again`,
    "low",
  );
}

/** The first line that means something else, or nothing, without the lines around it. */
function unfitLine(text: string): string | undefined {
  return text.split("\n").map((line) => line.trim()).find((line) =>
    /^(?:-r|--requirement|-c|--constraint|-e|--editable)\b/.test(line) || /^\.{0,2}\//.test(line) ||
    line.endsWith("\\") || line.includes("--hash")
  )?.slice(0, 80);
}

const causes = ["build-timeout", "heavy-dependencies"];

export const pythonPhaseRemedies: readonly Remedy[] = [
  { id: "python/split-install", kind: "setting", risk: "low", causes, propose: splitCommand },
  { id: "python/split-layers", kind: "patch", risk: "low", causes, propose: splitLayers },
];
