/** COPY and ADD of local files. Sources cannot lie outside their root, links included. */
import { basename, dirname, globToRegExp, join } from "@std/path";
import { DockerfileError } from "./parse.ts";

export interface CopyRequest {
  /** Real path of the context or of another stage. */
  from: string;
  sources: readonly string[];
  /** A path of this machine. */
  to: string;
  /** True when the Dockerfile's destination ends with a slash. */
  intoFolder: boolean;
  /** Names at the top of the context that stay out. */
  ignored: ReadonlySet<string>;
}

/** Files copied by one instruction. */
const FILES_MAX = 200_000;

/** @throws {DockerfileError} when a source is missing */
export async function copyFiles(request: CopyRequest): Promise<void> {
  const count = { files: 0 };
  const isMany = request.sources.length > 1 || request.sources.some((source) => /[*?]/.test(source));
  for (const source of request.sources) {
    for (const path of await resolve(request, source)) {
      const stat = await Deno.stat(path);
      const toFolder = request.intoFolder || isMany || await isFolder(request.to);
      if (stat.isDirectory) await copyTree(path, request.to, request, count);
      else await copyOne(path, toFolder ? join(request.to, basename(path)) : request.to, count);
    }
  }
}

async function resolve(request: CopyRequest, source: string): Promise<string[]> {
  const pattern = join(request.from, source.replace(/^\/+/, ""));
  const missing = () =>
    new DockerfileError(`failed to compute cache key: "/${source.replace(/^\.?\/+/, "")}": not found`);
  if (!/[*?]/.test(source)) {
    const real = await Deno.realPath(pattern).catch(() => undefined);
    if (real === undefined || (real !== request.from && !real.startsWith(`${request.from}/`))) {
      throw missing();
    }
    return [real];
  }
  const folder = dirname(pattern);
  const matches = globToRegExp(basename(pattern));
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (matches.test(entry.name) && !request.ignored.has(entry.name)) found.push(join(folder, entry.name));
  }
  if (found.length === 0) throw missing();
  return found.sort();
}

async function copyTree(
  from: string,
  to: string,
  request: CopyRequest,
  count: { files: number },
): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    if (from === request.from && request.ignored.has(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) await copyTree(source, target, request, count);
    else if (entry.isSymlink) {
      await Deno.remove(target).catch(() => {});
      await Deno.symlink(await Deno.readLink(source), target);
    } else if (entry.isFile) await copyOne(source, target, count);
  }
}

async function copyOne(from: string, to: string, count: { files: number }): Promise<void> {
  if (++count.files > FILES_MAX) throw new DockerfileError(`more than ${FILES_MAX} files are copied`);
  await Deno.mkdir(dirname(to), { recursive: true });
  await Deno.copyFile(from, to);
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then((stat) => stat.isDirectory, () => false);
}

/** Plain names in `.dockerignore`, and `.git`; its patterns are not followed. */
export async function ignoredNames(context: string): Promise<Set<string>> {
  const text = await Deno.readTextFile(join(context, ".dockerignore")).catch(() => "");
  const names = text.split("\n").map((line) => line.trim().replace(/^(\*\*|\.)?\//, "").replace(/\/$/, ""));
  return new Set([".git", ...names.filter((name) => name !== "" && !/[*?!#/]/.test(name))]);
}
