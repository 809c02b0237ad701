/** The service that started this project: its files lie in scenarios/founding, its 16 pins are read from there. */
import { fromFileUrl, join } from "@std/path";
import { parseRequirements, pinOf } from "../../agents/code/requirements.ts";

const FOLDER = fromFileUrl(new URL("../../scenarios/founding/", import.meta.url));

/** What repairing this service by hand took, for comparison. */
export const BY_HAND = { minutes: 31, commits: 8 } as const;
/** The minor version that .python-version asks for. */
export const PYTHON = "3.11";

export const foundingService = {
  name: "founding",
  runtime: "python",
  buildCommand: "pip install -r requirements.txt",
  startCommand: "uvicorn app.main:app --host 0.0.0.0 --port $PORT",
} as const;

/** The files of the first commit: path to text. */
export async function foundingFiles(folder = FOLDER, inside = ""): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(join(folder, inside))) {
    if (name === "__pycache__") continue;
    const path = join(inside, name);
    if (isDirectory) Object.assign(files, await foundingFiles(folder, path));
    else files[path] = await Deno.readTextFile(join(folder, path));
  }
  return files;
}

export interface PinChanges {
  moved: { name: string; from: string; to: string }[];
  removed: string[];
  added: string[];
}

/** What a repair did to the requirements. */
export function pinChanges(before: string, after: string): PinChanges {
  const versions = (text: string) =>
    new Map(
      parseRequirements(text).map((one) => [`${one.name}${one.extras}`, pinOf(one) ?? one.specifier]),
    );
  const [old, now] = [versions(before), versions(after)];
  return {
    moved: [...old].flatMap(([name, from]) => {
      const to = now.get(name);
      return to === undefined || to === from ? [] : [{ name, from, to }];
    }),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    added: [...now.keys()].filter((name) => !old.has(name)),
  };
}
