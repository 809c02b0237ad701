/**
 * Repairs a start command that runs the program where it does not find its own modules. Where they lie beside the
 * file that is started the program is started in that folder; else the folder is put on PYTHONPATH, which moves
 * nothing.
 */
import { joinPath, mainSegment, startedModule } from "../../code/commands.ts";
import { localModule } from "../../code/manifests.ts";
import { topLevel } from "../../code/python_names.ts";
import { foldersHolding, importsFolder, moduleName } from "../../code/python_places.ts";
import type { Proposal } from "../../messages.ts";
import { importsModule } from "../python_project.ts";
import { commandSetting, none } from "../remedy.ts";
import type { FixContext, Remedy } from "../remedy.ts";

/** Files of a folder that are searched for imports. */
const SEARCHED_MAX = 200;
/** A target such as `backend.app:app`, and a server that takes it. */
const TARGET = /^(?<folders>(?:[A-Za-z_]\w*\.)+)(?<rest>[A-Za-z_]\w*(?::[\w.()]+)?)$/;
export const FOLDER_FLAGS: Readonly<Record<string, string>> = {
  gunicorn: "--chdir",
  uvicorn: "--app-dir",
};

async function startDirectory(context: FixContext): Promise<Proposal> {
  const { diagnosis, settings, rootDir, view } = context;
  const { module, found, started } = diagnosis.captures;
  if (module === undefined || found === undefined) return none("the log names no module");
  if (started !== undefined) return await startModule(context, started);
  const top = topLevel(module);
  if (!await importsModule(context, module)) return none(`no file of the service imports ${module}`);
  const folders = foldersHolding(view.paths, rootDir, top);
  if (folders.length !== 1) return none(whyNotOne(top, folders));
  const [folder = ""] = folders;
  // All of the module has to be there, not only its beginning.
  if (localModule(view.paths, joinPath(rootDir, folder), module) === undefined) {
    return none(`${folder} holds ${top} and not ${module}`);
  }
  const command = settings.startCommand;
  const segment = mainSegment(command);
  if (segment === undefined) return none("there is no start command");
  const from = joinPath(segment.directory);
  const change = (text: string, summary: string) =>
    commandSetting(
      "startCommand",
      command.slice(0, segment.start) + text + command.slice(segment.end),
      summary,
      "low",
    );
  const text = command.slice(segment.start, segment.end);
  const program = segment.words.map((word) => word.replace(/^.*\//, "")).find((word) => word in FOLDER_FLAGS);
  const target = segment.words.find((word) => TARGET.test(word));
  const groups = TARGET.exec(target ?? "")?.groups;
  const targetFolder = joinPath(from, (groups?.["folders"] ?? "").replaceAll(".", "/"));
  if (
    program !== undefined && target !== undefined && groups !== undefined && targetFolder === folder &&
    !/--chdir|--app-dir/.test(text) && !await isPackage(context, folder)
  ) {
    const rest = groups["rest"] ?? "";
    return change(
      text.replace(target, `${FOLDER_FLAGS[program]} ${targetFolder} ${rest}`),
      `Start ${rest} in ${folder}, where its module ${top} lies`,
    );
  }
  if (/\bPYTHONPATH=/.test(command)) return none("the start command sets PYTHONPATH already");
  return change(
    `PYTHONPATH=${wayFrom(from, folder)} ${text}`,
    `Let the program find ${top} in ${folder || "the root directory"}`,
  );
}

/** A folder as PYTHONPATH has it for a program that runs in another one. */
export function wayFrom(from: string, folder: string): string {
  if (from === "") return folder || ".";
  return joinPath(folder) === from ? "." : `"$PWD/${upFrom(from)}${folder}"`;
}

const upFrom = (directory: string) => "../".repeat(directory.split("/").length);

export const whyNotOne = (module: string, folders: readonly string[]) =>
  folders.length === 0
    ? `${module} is nowhere in the service`
    : `${module} lies in ${
      folders.slice(0, 5).map((each) => each || "the root directory").join(" and in ")
    }, and which is meant is not known`;

/** `python -m MODULE` where the module lies in one folder below. */
async function startModule(context: FixContext, module: string): Promise<Proposal> {
  const { settings: { startCommand: command }, rootDir, view } = context;
  const folders = foldersHolding(view.paths, rootDir, module, true);
  if (folders.length !== 1) return none(whyNotOne(module, folders));
  const [folder = ""] = folders;
  const segment = mainSegment(command);
  const started = startedModule(command);
  if (segment === undefined || started?.module !== module) return none(`the start command runs no ${module}`);
  if (joinPath(segment.directory) === folder) return none(`the program runs in ${folder} already`);
  const text = command.slice(segment.start, segment.end);
  const change = (changed: string, summary: string) =>
    commandSetting(
      "startCommand",
      command.slice(0, segment.start) + changed + command.slice(segment.end),
      summary,
      "low",
    );
  const full = moduleName(folder, module);
  if (segment.directory === "" && full !== null && await isPackage(context, folder)) {
    return change(
      text.replace(new RegExp(`(\\s-m\\s+)${RegExp.escape(module)}(?=\\s|$)`), `$1${full}`),
      `Run ${full}: ${folder} is a package, and the only folder with the module ${module}`,
    );
  }
  if (/\bPYTHONPATH=/.test(command)) return none("the start command sets PYTHONPATH already");
  return change(
    `PYTHONPATH=${wayFrom(joinPath(segment.directory), folder)} ${text}`,
    `Let the program find ${module}, which lies in ${folder || "the root directory"} and nowhere else`,
  );
}

/** Whether files of a folder import one another by the folder's own name or relatively: it must stay a package. */
export async function isPackage({ view, rootDir }: FixContext, folder: string): Promise<boolean> {
  const prefix = `${joinPath(rootDir, folder)}/`;
  const files = view.paths.filter((each) => each.startsWith(prefix) && each.endsWith(".py"));
  for (const path of files.slice(0, SEARCHED_MAX)) {
    if (importsFolder(rootDir, folder, path, await view.read(path) ?? "")) return true;
  }
  return false;
}

export const pythonDirectoryRemedies: readonly Remedy[] = [{
  id: "python/start-directory",
  kind: "setting",
  risk: "low",
  causes: ["python-run-from-wrong-directory"],
  propose: startDirectory,
}];
