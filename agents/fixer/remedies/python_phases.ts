/**
 * Splits one long installation in two: the large packages first, apart from the rest, so that what is built or
 * fetched for them is kept when the rest changes or fails. In a Dockerfile they get a layer of their own, from a
 * file of their own; in a build command the same requirements file is read twice.
 */
import { heavyDistribution } from "../../code/heavy_python.ts";
import { joinPath, requirementFilesOf, segmentsOf } from "../../code/commands.ts";
import { normalName, parseRequirements } from "../../code/requirements.ts";
import type { Proposal } from "../../messages.ts";
import { commandSetting, none, patch } from "../remedy.ts";
import type { FixContext, Remedy } from "../remedy.ts";

/** Packages named in one command. */
const GROUP_MAX = 20;
const HEAVY_FILE = "requirements-heavy.txt";

const isHeavy = (name: string) => heavyDistribution(normalName(name)) !== undefined;

/** More steps do not help where a package cannot be built at all. */
const UNBUILDABLE = "what cannot be built is not built in a step of its own either";
const isUnbuildable = ({ diagnosis }: FixContext) => diagnosis.captures["why"] === "source";

async function splitCommand(context: FixContext): Promise<Proposal> {
  const { settings, rootDir, view } = context;
  if (settings.runtime === "docker") return none("a Dockerfile builds this service");
  if (isUnbuildable(context)) return none(UNBUILDABLE);
  const command = settings.buildCommand;
  for (const segment of segmentsOf(command)) {
    const [path] = requirementFilesOf(command.slice(segment.start, segment.end), rootDir);
    if (path === undefined) continue;
    const text = command.slice(segment.start, segment.end);
    const named = /(?:-r|--requirement)[ =]?(\S+)/.exec(text);
    const file = named?.[1];
    if (named === null || file === undefined) continue;
    if (file === "/dev/stdin") return none("the build command installs in two steps already");
    const group = parseRequirements(await view.read(joinPath(rootDir, segment.directory, file)) ?? "")
      .map(({ name }) => name).filter(isHeavy).slice(0, GROUP_MAX);
    if (group.length === 0) return none(`${file} lists no large package`);
    // Without its cache pip would fetch and build everything again in the next build.
    const kept = text.replace(/\s--no-cache-dir\b/, "");
    const isCached = kept !== text;
    const first = kept.replace(named[0], "-r /dev/stdin");
    const pattern = `^(${group.map((name) => name.replaceAll(".", "[.]")).join("|")})([^A-Za-z0-9._-]|$)`;
    const split = `grep -iE "${pattern}" ${file} | ${first} && ${kept}`;
    return commandSetting(
      "buildCommand",
      command.slice(0, segment.start) + split + command.slice(segment.end),
      `Install ${group.join(", ")} apart from the rest${
        isCached ? ", and let pip keep what it has fetched and built" : ""
      }, so that they are not made again when a later step fails`,
      "low",
    );
  }
  return none("the build command installs no requirements file");
}

interface Instruction {
  /** Lines from and to, the second exclusive. */
  from: number;
  to: number;
  name: string;
  text: string;
}

/** The instructions of a Dockerfile; heredocs and other escapes are not understood and end the reading. */
function instructionsOf(text: string): Instruction[] {
  const lines = text.split("\n");
  const found: Instruction[] = [];
  for (let at = 0; at < lines.length; at++) {
    const name = /^\s*([A-Za-z]+)\s/.exec(lines[at]!)?.[1];
    if (name === undefined || lines[at]!.trimStart().startsWith("#")) continue;
    const from = at;
    while (at + 1 < lines.length && /\\\s*$/.test(lines[at]!)) at++;
    const whole = lines.slice(from, at + 1).join("\n");
    if (/<<-?["']?\w/.test(whole)) return found;
    found.push({ from, to: at + 1, name: name.toUpperCase(), text: whole });
  }
  return found;
}

async function splitLayers(context: FixContext): Promise<Proposal> {
  const { settings, rootDir, view } = context;
  if (settings.runtime !== "docker") return none("no Dockerfile builds this service");
  if (isUnbuildable(context)) return none(UNBUILDABLE);
  const dockerfile = joinPath(
    rootDir,
    settings.dockerfilePath === "" ? "Dockerfile" : settings.dockerfilePath,
  );
  const text = await view.read(dockerfile);
  if (text === null) return none(`${dockerfile} is not in the commit`);
  const instructions = instructionsOf(text);
  const install = instructions.find(({ name, text }) =>
    name === "RUN" && /\bpip[\d.]*\s+install\b/.test(text) && /(?:-r|--requirement)[ =]?\S/.test(text)
  );
  const file = /(?:-r|--requirement)[ =]?(\S+)/.exec(install?.text ?? "")?.[1];
  if (install === undefined || file === undefined) return none(`${dockerfile} installs no requirements file`);
  if (text.includes(HEAVY_FILE)) return none(`${dockerfile} installs in two layers already`);
  const base = file.replace(/^.*\//, "");
  const stage = instructions.findLast(({ name, from }) => name === "FROM" && from < install.from);
  const copy = instructions.find(({ name, text, from }) =>
    /^(?:COPY|ADD)$/.test(name) && from > (stage?.from ?? -1) && from < install.from &&
    !text.includes("--from") &&
    (text.includes(base) || /\s\.\/?\s/.test(text))
  );
  if (copy === undefined || /[\n[]/.test(copy.text)) {
    return none(`where ${dockerfile} gets ${base} cannot be told`);
  }
  const words = copy.text.trim().split(/\s+/).slice(1).filter((word) => !word.startsWith("--"));
  const source = words.find((word) => word.endsWith(base)) ?? base;
  const target = words.at(-1) ?? ".";
  const path = [joinPath(rootDir, source), joinPath(dockerfile, "..", source)].find(view.has);
  const requirements = path === undefined ? null : await view.read(path);
  if (path === undefined || requirements === null) return none(`${source} is not in the commit`);
  const group = parseRequirements(requirements).filter(({ name }) => isHeavy(name));
  if (group.length === 0) return none(`${source} lists no large package`);
  if (target !== "." && !target.endsWith("/")) return none(`${dockerfile} copies ${base} under another name`);

  const rows = requirements.split("\n");
  const taken = new Set(group.map(({ line }) => line));
  const heavyText = group.map(({ line }) => `${rows[line]!.trimEnd()}\n`).join("");
  const restText = [`-r ${HEAVY_FILE}`, ...rows.filter((_, at) => !taken.has(at))].join("\n");
  const folder = target === "." ? "./" : target;
  const heavySource = source.replace(/[^/]*$/, HEAVY_FILE);
  const usesBuildKit = /--mount=|^#\s*syntax\s*=/m.test(text);
  const mount = usesBuildKit && !install.text.includes("--mount=")
    ? "--mount=type=cache,target=/root/.cache/pip "
    : "";
  // With a cache mount the files kept are not in the image.
  const run = (mount === "" ? install.text : install.text.replace(/\s--no-cache-dir\b/, ""))
    .replace(/^(\s*\w+\s+)/, `$1${mount}`);
  const heavyRun = run.replace(file, file.replace(/[^/]*$/, HEAVY_FILE));
  const lines = text.split("\n");
  const result = [
    ...lines.slice(0, copy.from),
    `COPY ${heavySource} ${folder}`,
    heavyRun,
    ...lines.slice(copy.from, install.from),
    run,
    ...lines.slice(install.to),
  ].join("\n");
  const names = group.map(({ name }) => name).join(", ");
  return patch(
    [
      { path: joinPath(path, "..", HEAVY_FILE), content: heavyText },
      { path, content: restText },
      { path: dockerfile, content: result },
    ],
    `Install ${names} in a layer of their own, from ${HEAVY_FILE}, so that they are built once and kept while the rest changes`,
    "low",
  );
}

const causes = ["build-timeout", "heavy-dependencies"];

export const pythonPhaseRemedies: readonly Remedy[] = [
  { id: "python/split-install", kind: "setting", risk: "low", causes, propose: splitCommand },
  { id: "python/split-layers", kind: "patch", risk: "low", causes, propose: splitLayers },
];
