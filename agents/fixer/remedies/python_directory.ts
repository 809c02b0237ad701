/**
 * Repairs a start command that runs the program where it does not find its own modules. Where they lie beside the
 * file that is started the program is started in that folder; else the folder is put on PYTHONPATH, which moves
 * nothing.
 */
import { joinPath, mainSegment } from "../../code/commands.ts";
import { localModule } from "../../code/manifests.ts";
import { topLevel } from "../../code/python_names.ts";
import type { Proposal } from "../../messages.ts";
import { importsModule } from "../python_project.ts";
import { commandSetting, none } from "../remedy.ts";
import type { FixContext, Remedy } from "../remedy.ts";

/** A target such as `backend.app:app`, and a server that takes it. */
const TARGET = /^(?<folders>(?:[A-Za-z_]\w*\.)+)(?<rest>[A-Za-z_]\w*(?::[\w.()]+)?)$/;
const FOLDER_FLAGS: Readonly<Record<string, string>> = {
  gunicorn: "--chdir",
  uvicorn: "--app-dir",
};

async function startDirectory(context: FixContext): Promise<Proposal> {
  const { diagnosis, settings, rootDir, view } = context;
  const { module, found } = diagnosis.captures;
  if (module === undefined || found === undefined) return none("the log names no module");
  const top = topLevel(module);
  if (!await importsModule(context, module)) return none(`no file of the service imports ${module}`);
  const inside = rootDir === "" ? "" : `${rootDir}/`;
  const folders = new Set(
    view.paths.filter((path) => path.startsWith(inside)).flatMap((path) =>
      new RegExp(`^(.*?)(?:^|/)${RegExp.escape(top)}(?:\\.py|/__init__\\.py)$`).exec(
        path.slice(inside.length),
      )?.[1] ?? []
    ).filter((folder) => !/(?:^|\/)(?:tests?|\.?venv|node_modules|site-packages)(?:\/|$)/.test(folder)),
  );
  if (folders.size !== 1) {
    return none(
      folders.size === 0
        ? `${top} is nowhere in the service`
        : `${top} lies in ${[...folders].slice(0, 5).join(", ")}`,
    );
  }
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
  const way = from === ""
    ? folder || "."
    : joinPath(folder) === from
    ? "."
    : `"$PWD/${upFrom(from)}${folder}"`;
  return change(
    `PYTHONPATH=${way} ${text}`,
    `Let the program find ${top} in ${folder || "the root directory"}`,
  );
}

const upFrom = (directory: string) => "../".repeat(directory.split("/").length);

/** Whether files of a folder import one another by the folder's own name or relatively: it must stay a package. */
async function isPackage({ view, rootDir }: FixContext, folder: string): Promise<boolean> {
  const name = folder.split("/")[0] ?? "";
  const pattern = new RegExp(
    `^[ \\t]*(?:from[ \\t]+(?:\\.|${RegExp.escape(name)}\\b)|import[ \\t]+${RegExp.escape(name)}\\b)`,
    "m",
  );
  const prefix = `${joinPath(rootDir, folder)}/`;
  for (
    const path of view.paths.filter((each) => each.startsWith(prefix) && each.endsWith(".py")).slice(0, 200)
  ) {
    if (pattern.test(await view.read(path) ?? "")) return true;
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
