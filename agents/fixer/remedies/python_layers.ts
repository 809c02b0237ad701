/**
 * The two phases of an installation in a Dockerfile: the large packages in a layer of their own, the wheels of the
 * rest in a stage of their own. BuildKit, which Render builds with, builds the two at the same time, and a change of
 * the rest keeps the layer of the large ones.
 */
import { joinPath } from "../../code/commands.ts";
import { parseDockerfile, stagesOf } from "../../code/dockerfile.ts";
import type { Dockerfile, From, Instruction } from "../../code/dockerfile.ts";
import { requirementInstall } from "../../code/requirement_install.ts";
import type { RequirementInstall } from "../../code/requirement_install.ts";
import { parseRequirements } from "../../code/requirements.ts";
import { invocationsIn } from "../../code/shell_words.ts";
import type { Proposal } from "../../messages.ts";
import { none, patch } from "../remedy.ts";
import type { FixContext } from "../remedy.ts";
import { slowGroup, whyNoPhases } from "../slow_group.ts";

const HEAVY_FILE = "requirements-heavy.txt";
const REST_STAGE = "other-packages";

/** Where a Dockerfile gets its requirements and installs them. */
interface Found {
  from: From;
  /** Brings the requirements file. */
  copy: Instruction;
  /** Of the requirements file in the build context, and the folder it goes to. */
  source: string;
  target: string;
  run: Instruction;
  install: RequirementInstall;
}

export async function splitLayers(context: FixContext): Promise<Proposal> {
  const { settings, rootDir, view } = context;
  if (settings.runtime !== "docker") return none("no Dockerfile builds this service");
  const why = whyNoPhases(context);
  if (why !== undefined) return none(why);
  const dockerfile = joinPath(
    rootDir,
    settings.dockerfilePath === "" ? "Dockerfile" : settings.dockerfilePath,
  );
  const text = await view.read(dockerfile);
  if (text === null) return none(`${dockerfile} is not in the commit`);
  if (text.includes(HEAVY_FILE)) return none(`${dockerfile} installs in two phases already`);
  const file = parseDockerfile(text);
  const found = findInstall(file);
  if (typeof found === "string") return none(`${dockerfile} is not split: ${found}`);
  const { source } = found;
  const path = [joinPath(rootDir, source), joinPath(dockerfile, "..", source)].find(view.has);
  const requirements = path === undefined ? null : await view.read(path);
  if (path === undefined || requirements === null) return none(`${source} is not in the commit`);
  if (/\\[ \t]*\r?$|--hash/m.test(requirements)) return none(`${source} has requirements of several lines`);
  const group = slowGroup(parseRequirements(requirements));
  if (group.length === 0) return none(`${source} lists no large package that the rest could be told from`);

  const rows = requirements.split("\n");
  const taken = new Set(group.map(({ line }) => line));
  const isOption = (row: string) => /^\s*-(?!r|-requirement|c|-constraint|e|-editable)/.test(row);
  const heavyText = rows.filter((row, at) => taken.has(at) || isOption(row))
    .map((row) => `${row.trimEnd()}\n`).join("");
  const restText = [`-r ${HEAVY_FILE}`, ...rows.filter((_, at) => !taken.has(at))].join("\n");
  const names = group.map(({ name }) => name).join(", ");
  return patch(
    [
      { path: joinPath(path, "..", HEAVY_FILE), content: heavyText },
      { path, content: restText },
      { path: dockerfile, content: inPhases(file, found) },
    ],
    `Install ${names} in a layer of ${
      group.length === 1 ? "its" : "their"
    } own, from ${HEAVY_FILE}, while another stage makes the wheels of the rest, ` +
      "so that both take place at the same time and a later build keeps the large ones",
    "low",
  );
}

function findInstall(file: Dockerfile): Found | string {
  if (/--from=\d/.test(file.text)) return "it names stages by number";
  for (const run of file.instructions) {
    if (run.keyword !== "RUN" || run.isExec || run.isHeredoc || run.stage < 0) continue;
    const install = requirementInstall(file.text.slice(0, run.end), run.argsAt, file.escape);
    if (typeof install === "string") continue;
    const base = install.file.replace(/^.*\//, "");
    const copy = file.instructions.find((one) =>
      /^(?:COPY|ADD)$/.test(one.keyword) && one.stage === run.stage && one.start < run.start &&
      !one.flags.some((flag) => flag.startsWith("--from")) &&
      (one.args.includes(base) || /(?:^|\s)\.\/?\s/.test(one.args))
    );
    if (copy === undefined || copy.isExec || copy.isHeredoc) return `where it gets ${base} cannot be told`;
    const words = copy.args.split(/\s+/);
    const target = words.at(-1) ?? ".";
    if (target !== "." && !target.endsWith("/")) return `it copies ${base} under another name`;
    const between = file.instructions.filter((one) => one.start > copy.start && one.start < run.start);
    if (!between.every((one) => isPreparation(one, base))) {
      return `what it does between line ${copy.line} and line ${run.line} may need ${base}`;
    }
    const from = stagesOf(file)[run.stage];
    if (from === undefined) return "it has no FROM";
    return {
      from,
      copy,
      source: words.find((word) => word.endsWith(base)) ?? base,
      target: target === "." ? "./" : target,
      run,
      install,
    };
  }
  return "it installs no requirements file in a way that is understood";
}

/** Whether an instruction only prepares the install, so that it may as well stand before the requirements. */
function isPreparation({ keyword, args, isHeredoc }: Instruction, requirements: string): boolean {
  if (["ENV", "ARG", "LABEL", "EXPOSE"].includes(keyword)) return true;
  return keyword === "RUN" && !isHeredoc && !args.includes(requirements) &&
    invocationsIn(args).every(({ program, args: words }) =>
      /^(?:apt|apt-get|apk|rm)$/.test(program) ||
      (/^(?:pip|python)[\d.]*$/.test(program) &&
        words.every(({ text }) => /^(?:-.*|pip|install|setuptools|wheel)$/.test(text)))
    );
}

/** The Dockerfile with what comes before the requirements as a stage, and two stages on top of it. */
function inPhases(file: Dockerfile, { from, copy, source, target, run, install }: Found): string {
  const { text, newline } = file;
  const before = file.instructions.filter((one) => one.stage === run.stage && one.start < run.start);
  const base = from.name === null ? "base" : `${from.name}-base`;
  const name = stagesOf(file).some((one) => one.name === base) ? `${base}-1` : base;
  // What a stage declares with ARG does not reach the stages on top of it in every builder.
  const args = before.filter(({ keyword }) => keyword === "ARG").map(({ raw }) => raw);
  const wheels = before.some(({ keyword }) => keyword === "USER") ? "/tmp/wheels" : "/wheels";
  const heavySource = source.replace(/[^/]*$/, HEAVY_FILE);
  const heavy = install.file.replace(/[^/]*$/, HEAVY_FILE);
  const runWith = (command: string) =>
    text.slice(run.start, install.start) + command + text.slice(install.end, run.end);
  const stage = (title: string, lines: readonly string[]) => [`FROM ${name}${title}`, ...args, ...lines];
  const head = text.slice(0, from.instruction.argsAt) + from.image + ` AS ${name}` +
    text.slice(from.instruction.end, copy.start) +
    text.slice(copy.end, run.start).replace(/^[ \t]*\r?\n/, "");
  return head + newline + [
    ...stage(` AS ${REST_STAGE}`, [
      `COPY ${source} ${target}`,
      runWith(`touch ${heavy} && ${install.wheels(install.file, `--no-deps -w ${wheels}`)}`),
      "",
    ]),
    ...stage(from.name === null ? "" : ` AS ${from.name}`, [
      `COPY ${heavySource} ${target}`,
      runWith(install.install(heavy)),
    ]),
    copy.raw,
    `COPY --from=${REST_STAGE} ${wheels} ${wheels}`,
    runWith(install.install(install.file, `--find-links ${wheels}`)),
  ].join(newline) + text.slice(run.end);
}
