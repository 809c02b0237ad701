/** Where a module of the repository lies, and whether the folder around it has to stay a package. Pure. */
import { joinPath } from "./commands.ts";

/** Folders whose modules are not the program's. */
const NOT_OURS =
  /(?:^|\/)(?:tests?|testing|docs?|examples?|\.?venv|env|node_modules|site-packages|build|dist)(?:\/|$)/;

/**
 * The folders, relative to the root directory, from which a module could be imported; "" is the root directory.
 * @param isProgram whether it is run by `python -m`, so that a package counts that has a `__main__.py`
 */
export function foldersHolding(
  paths: readonly string[],
  rootDir: string,
  module: string,
  isProgram = false,
): string[] {
  const inside = rootDir === "" ? "" : `${rootDir}/`;
  const file = RegExp.escape(module.replaceAll(".", "/"));
  const ends = isProgram ? "(?:\\.py|/__main__\\.py)" : "(?:\\.py|/__init__\\.py)";
  const pattern = new RegExp(`^(?:(.*)/)?${file}${ends}$`);
  const folders = paths.filter((path) => path.startsWith(inside)).flatMap((path) => {
    const found = pattern.exec(path.slice(inside.length));
    return found === null ? [] : [found[1] ?? ""];
  });
  return [...new Set(folders)].filter((folder) => !NOT_OURS.test(folder));
}

/**
 * Whether what a file imports is found only when the folder is a package: it names the folder, or reaches it by dots.
 * @param path of the file, below the folder
 */
export function importsFolder(rootDir: string, folder: string, path: string, text: string): boolean {
  const top = folder.split("/")[0] ?? "";
  if (top === "") return false;
  const depth = path.slice(joinPath(rootDir, folder).length + 1).split("/").length;
  const named = new RegExp(`^[ \\t]*(?:from|import)[ \\t]+${RegExp.escape(top)}\\b`, "m");
  return named.test(text) || new RegExp(`^[ \\t]*from[ \\t]+\\.{${depth}}`, "m").test(text);
}

/** A folder as the beginning of a module's name; `null` where it cannot be one. */
export function moduleName(folder: string, module: string): string | null {
  const parts = folder.split("/").filter((part) => part !== "");
  return parts.every((part) => /^[A-Za-z_]\w*$/.test(part)) ? [...parts, module].join(".") : null;
}
