/** Repairs of the command that starts a Python service: what it serves, and which file it runs. */
import { bindingsOf, isServerSource } from "../../code/bindings.ts";
import { joinPath, mainSegment } from "../../code/commands.ts";
import { normalName, parseRequirements } from "../../code/requirements.ts";
import { foldersHolding, moduleName } from "../../code/python_places.ts";
import { commandSetting, none } from "../remedy.ts";
import { FOLDER_FLAGS, isPackage, wayFrom, whyNotOne } from "./python_directory.ts";
import type { FixContext, Remedy } from "../remedy.ts";
import { pythonSources, requirementFiles, requirementLines } from "../python_project.ts";
import type { Proposal } from "../../messages.ts";

interface Application {
  /** `module:object` as a server takes it. */
  target: string;
  /** Folder from which the module is imported, relative to the root directory. */
  base: string;
  kind: "wsgi" | "asgi";
  isDjango: boolean;
}

const OBJECT =
  /^(?<object>[A-Za-z_]\w*)[ \t]*(?::[ \t]*[\w.]+[ \t]*)?=[ \t]*(?:\w+\.)?(?<maker>FastAPI|Starlette|Quart|Litestar|Flask|Bottle|get_wsgi_application|get_asgi_application)\(/gm;
const ASGI = new Set(["FastAPI", "Starlette", "Quart", "Litestar", "get_asgi_application"]);

async function applications(context: FixContext): Promise<Application[]> {
  const found: Application[] = [];
  const inside = context.rootDir === "" ? 0 : context.rootDir.length + 1;
  for (const path of pythonSources(context)) {
    const text = await context.view.read(path);
    for (const { groups } of text?.matchAll(OBJECT) ?? []) {
      const maker = groups?.["maker"] ?? "";
      const isDjango = maker.startsWith("get_");
      const { module, base } = moduleOf(context, path.slice(inside), isDjango);
      found.push({
        target: `${module}:${groups?.["object"]}`,
        base,
        kind: ASGI.has(maker) ? "asgi" : "wsgi",
        isDjango,
      });
    }
  }
  // A Django project has both; the start command that Render proposes is for WSGI.
  return found.some((each) => each.isDjango && each.kind === "wsgi")
    ? found.filter((each) => each.isDjango && each.kind === "wsgi")
    : found;
}

/** The import name of a file: from the folder of manage.py for Django, else from above its packages. */
function moduleOf(context: FixContext, path: string, isDjango: boolean): { module: string; base: string } {
  const parts = path.replace(/(?:\/__init__)?\.py$/, "").split("/");
  let at = parts.length - 1;
  if (isDjango) {
    while (at > 0 && !context.view.has(joinPath(context.rootDir, ...parts.slice(0, at), "manage.py"))) {
      at--;
    }
  } else {while (
      at > 0 && context.view.has(joinPath(context.rootDir, ...parts.slice(0, at), "__init__.py"))
    ) at--;}
  return { module: parts.slice(at).join("."), base: parts.slice(0, at).join("/") };
}

async function startTarget(context: FixContext): Promise<Proposal> {
  const moved = await movedTarget(context);
  if (moved !== undefined) return moved;
  const all = await applications(context);
  const [application] = all;
  if (application === undefined) return none("no file makes an application object that a server could serve");
  if (all.length > 1) {
    return none(
      `several application objects could be meant: ${all.slice(0, 5).map((each) => each.target).join(", ")}`,
    );
  }
  const command = context.settings.startCommand;
  const segment = mainSegment(command);
  const names = new Set(
    parseRequirements((await requirementLines(context, await requirementFiles(context))).join("\n")).map((
      { name },
    ) => normalName(name)),
  );
  const words = segment?.words ?? [];
  const program = words.find((word) => /(?:^|\/)(?:gunicorn|uvicorn|hypercorn|daphne)$/.test(word))?.replace(
    /^.*\//,
    "",
  );
  const fits = program !== undefined &&
    (program === "gunicorn"
      ? application.kind === "wsgi" || /uvicorn\.workers|uvicorn_worker/.test(command)
      : application.kind === "asgi");
  const old = context.diagnosis.captures["target"] ?? "";
  if (segment !== undefined && fits) {
    const word = words.find((each) =>
      each === old || each.startsWith(`${old}:`) || each.startsWith(`${old}.`)
    );
    if (word !== undefined) {
      const text = command.slice(segment.start, segment.end);
      const at = text.lastIndexOf(word);
      const folder = joinPath(segment.directory) === application.base
        ? ""
        : folderFlag(program!, application.base);
      const changed = `${text.slice(0, at)}${folder}${application.target}${text.slice(at + word.length)}`;
      return commandSetting(
        "startCommand",
        command.slice(0, segment.start) + changed + command.slice(segment.end),
        `Serve ${application.target}, the only application object of the repository`,
        "low",
      );
    }
  }
  const isAsgi = application.kind === "asgi";
  const server = isAsgi ? "uvicorn" : "gunicorn";
  if (!names.has(server) && names.size > 0) {
    return none(`${application.target} needs ${server}, which is not among the requirements`);
  }
  const folder = application.base === "" ? "" : folderFlag(server, application.base);
  const changed = isAsgi
    ? `uvicorn ${folder}${application.target} --host 0.0.0.0 --port $PORT`
    : `gunicorn ${folder}${application.target}`;
  return commandSetting(
    "startCommand",
    changed,
    `Serve ${application.target}, the only application object of the repository`,
    "low",
  );
}

/**
 * The module that the start command names, where it lies in another folder and has the object.
 * @returns nothing when no folder has it, so that the repository's one application object may be meant
 */
async function movedTarget(context: FixContext): Promise<Proposal | undefined> {
  const { settings: { startCommand: command }, rootDir, view } = context;
  const segment = mainSegment(command);
  const [, word = "", module = "", object] =
    /(?:^|\s)((?!-)([A-Za-z_][\w.]*):([A-Za-z_]\w*)(?:\(\))?)(?=\s|$)/.exec(segment?.words.join(" ") ?? "") ??
      [];
  const { target: old, object: missing } = context.diagnosis.captures;
  if (segment === undefined || object === undefined || missing !== undefined) return undefined;
  // Of `web.wsgi` Python names only `web`, when there is none.
  if (module !== old && !module.startsWith(`${old}.`)) return undefined;
  const folders: string[] = [];
  for (const folder of foldersHolding(view.paths, rootDir, module)) {
    // It is there already: something else is wrong.
    if (joinPath(segment.directory) === folder) return undefined;
    const path = joinPath(rootDir, folder, module.replaceAll(".", "/"));
    const text = await view.read(`${path}.py`) ?? await view.read(`${path}/__init__.py`) ?? "";
    if (bindsName(text, object)) folders.push(folder);
  }
  if (folders.length > 1) return none(whyNotOne(word, folders));
  const [folder] = folders;
  const text = command.slice(segment.start, segment.end);
  if (folder === undefined || /--chdir|--app-dir|\bPYTHONPATH=/.test(command)) return undefined;
  const full = moduleName(folder, module);
  const program = segment.words.map((each) => each.replace(/^.*\//, "")).find((each) => each in FOLDER_FLAGS);
  const at = text.lastIndexOf(word);
  const withTarget = (target: string) => text.slice(0, at) + target + text.slice(at + word.length);
  const isIn = segment.directory === "" && full !== null && await isPackage(context, folder);
  const changed = isIn
    ? withTarget(full + word.slice(module.length))
    : program !== undefined && segment.directory === ""
    ? withTarget(`${FOLDER_FLAGS[program]} ${folder} ${word}`)
    : `PYTHONPATH=${wayFrom(joinPath(segment.directory), folder)} ${text}`;
  return commandSetting(
    "startCommand",
    command.slice(0, segment.start) + changed + command.slice(segment.end),
    `Serve ${word} from ${folder || "the root directory"}, the only folder that has it`,
    "low",
  );
}

/** Whether a module has a name at its top level. */
function bindsName(text: string, name: string): boolean {
  const word = RegExp.escape(name);
  return new RegExp(
    `^(?:${word}[ \\t]*(?::[^=\\n]{0,200})?=(?!=)|(?:async[ \\t]+)?def[ \\t]+${word}\\b|class[ \\t]+${word}\\b|` +
      `from[ \\t]+\\S+[ \\t]+import[ \\t]+(?:[^\\n]{0,400}[ ,(\\t])?${word}\\b)`,
    "m",
  ).test(text);
}

function folderFlag(program: string, base: string): string {
  return base === "" ? "" : `${program === "uvicorn" ? "--app-dir" : "--chdir"} ${base} `;
}

/** `python FILE` where the file does not exist and one other file starts a server. */
async function startFile(context: FixContext): Promise<Proposal> {
  const command = context.settings.startCommand;
  const segment = mainSegment(command);
  const at = segment?.words.findIndex((word) => /^(?:.*\/)?python[\d.]*$/.test(word)) ?? -1;
  const old = segment?.words.slice(at + 1).find((word) => word.endsWith(".py"));
  if (segment === undefined || at === -1 || old === undefined) {
    return none("the start command does not run a Python file");
  }
  const inside = context.rootDir === "" ? 0 : context.rootDir.length + 1;
  const found: string[] = [];
  for (const path of pythonSources(context)) {
    const text = await context.view.read(path) ?? "";
    if (isServerSource(path) && bindingsOf(path, text).length > 0) found.push(path.slice(inside));
  }
  if (found.length !== 1) {
    return none(
      found.length === 0
        ? "no file of the service opens a port"
        : `several files open a port: ${found.slice(0, 5).join(", ")}`,
    );
  }
  if (segment.directory !== "") return none("the start command changes folders first");
  const text = command.slice(segment.start, segment.end);
  const from = text.lastIndexOf(old);
  const changed = command.slice(0, segment.start) + text.slice(0, from) + found[0] +
    text.slice(from + old.length) + command.slice(segment.end);
  if (changed === command) return none("the start command runs that file already");
  return commandSetting("startCommand", changed, `Start ${found[0]}, the only file that opens a port`, "low");
}

export const pythonStartRemedies: readonly Remedy[] = [
  {
    id: "python/start-target",
    kind: "setting",
    risk: "low",
    causes: ["placeholder-start-command", "python-wrong-wsgi-target"],
    propose: startTarget,
  },
  {
    id: "python/start-file",
    kind: "setting",
    risk: "low",
    causes: ["entry-file-not-found"],
    propose: startFile,
  },
];
