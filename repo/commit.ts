/**
 * Makes a commit out of edits, on top of what the checkout holds: exactly the edited files change, their modes
 * stay. The same parent, edits, author, message and time give the same commit id, so that a process that was
 * killed makes the same commit again. The work tree and the branch stay as they are; nothing is pushed.
 */
import { globToRegExp } from "@std/path";
import { EvenkeelError, messageOf } from "../base/errors.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { LINK, SUBMODULE } from "./checkout.ts";
import type { Checkout } from "./checkout.ts";

export interface Edit {
  /** Relative to the repository's root, with forward slashes. */
  path: string;
  /** The whole new text, or `null` to delete the file. */
  content: string | null;
}

export interface CommitOptions {
  edits: readonly Edit[];
  /** Globs; every edit must match one. @default every path */
  allowedPaths?: readonly string[];
  /** Globs; no edit may match one. @default none */
  deniedPaths?: readonly string[];
  author: { name: string; email: string };
  message: string;
  /** Seconds since the epoch, for author and committer. */
  atSeconds: number;
  signal?: AbortSignal;
}

export interface MadeCommit {
  commit: string;
  /** Unified, at most DIFF_BYTES_MAX bytes. */
  diff: string;
  files: string[];
}

export const EDITS_MAX = 100;
/** Bytes of one edited file. */
export const EDIT_BYTES_MAX = 4 * 1024 * 1024;
export const DIFF_BYTES_MAX = 256 * 1024;

/** A private name for the commit being made, so that git keeps it; never pushed under this name. */
const REF = "refs/evenkeel/commit";

/** @throws {EvenkeelError} `Cannot commit <path>: ...` for an edit that may not be made, or that changes nothing */
export async function commitEdits(checkout: Checkout, options: CommitOptions): Promise<MadeCommit> {
  checkEdits(checkout, options);
  const { name, email } = options.author;
  if (/[<>\n\r\0]/.test(name + email) || email === "" || name.trim() === "") {
    throw new EvenkeelError(
      `Cannot commit as "${sanitizeLine(name, 60)} <${sanitizeLine(email, 60)}>": no such author can be`,
    );
  }
  const more = options.signal === undefined ? {} : { signal: options.signal };
  const doing = `commit to ${checkout.url}`;
  const stream = fastImport(checkout, options);
  // One process writes files, folders and commit. --force is about REF only: a second attempt replaces the first.
  const output = await checkout.gitOutput(["fast-import", "--quiet", "--force"], doing, {
    ...more,
    input: stream,
  });
  const commit = output.trim();
  const between = ["diff-tree", "-r", "--no-renames", checkout.head, commit];
  const [names, diff] = await Promise.all([
    checkout.gitOutput([...between, "--name-only", "-z"], doing, more),
    checkout.gitOutput([...between, "-p", "--no-ext-diff", "--no-textconv", "--no-color"], doing, {
      ...more,
      outputBytesMax: DIFF_BYTES_MAX,
    }),
  ]);
  const files = names.split("\0").filter((path) => path !== "");
  if (files.length === 0) {
    throw new EvenkeelError(`Cannot ${doing}: the edits change nothing (${pathsOf(options.edits)})`);
  }
  const edited = new Set(options.edits.map((edit) => edit.path));
  const foreign = files.find((path) => !edited.has(path));
  if (foreign !== undefined) throw new Error(`the commit would change ${foreign}, which no edit names`);
  return { commit, diff, files };
}

function checkEdits(checkout: Checkout, options: CommitOptions): void {
  const { edits } = options;
  const refuse = (path: string, why: string) => {
    throw new EvenkeelError(`Cannot commit ${sanitizeLine(path, 200)}: ${why}`);
  };
  if (edits.length === 0 || edits.length > EDITS_MAX) {
    throw new EvenkeelError(`Cannot commit: ${edits.length} edits are not between 1 and ${EDITS_MAX}`);
  }
  const allowed = options.allowedPaths?.map(matcherOf);
  const denied = (options.deniedPaths ?? []).map(matcherOf);
  const seen = new Set<string>();
  for (const { path, content } of edits) {
    const parts = path.split("/");
    if (parts.some((part) => part === "" || part === "." || part === "..")) {
      refuse(path, "it is no path inside the repository");
    }
    // deno-lint-ignore no-control-regex -- control characters are what is refused
    if (/[\x00-\x1f\x7f\\]/.test(path)) refuse(path, "it holds a control character or a backslash");
    // The names that some file systems take for .git as well.
    if (
      parts.some((part) => /^(?:\.git[. ]*|git~\d+)$/i.test(part.normalize("NFKC").replace(/\p{Cf}/gu, "")))
    ) {
      refuse(path, "it belongs to git");
    }
    if (seen.has(path)) refuse(path, "it is edited twice");
    seen.add(path);
    if (allowed !== undefined && !allowed.some((matches) => matches(path))) {
      refuse(path, `it is not among the allowed paths (${options.allowedPaths?.join(", ")})`);
    }
    if (denied.some((matches) => matches(path))) {
      refuse(path, `it is among the denied paths (${options.deniedPaths?.join(", ")})`);
    }
    const mode = checkout.entry(path)?.mode;
    if (mode === LINK) refuse(path, "it is a symbolic link");
    if (mode === SUBMODULE) refuse(path, "it is a submodule");
    if (checkout.isFolder(path)) refuse(path, "it is a folder");
    for (let count = 1; count < parts.length; count++) {
      const above = parts.slice(0, count).join("/");
      if (checkout.entry(above) !== undefined) refuse(path, `${above} is no folder`);
    }
    if (content === null && mode === undefined) refuse(path, "there is no such file to delete");
    if (content !== null && content.length > EDIT_BYTES_MAX / 3 && bytesOf(content) > EDIT_BYTES_MAX) {
      refuse(path, `it would have more than ${EDIT_BYTES_MAX} bytes`);
    }
    if (content !== null && !content.isWellFormed()) refuse(path, "its text is not valid Unicode");
  }
}

/** The commit in the language of `git fast-import`, which tells the new commit's id at the end. */
function fastImport(checkout: Checkout, options: CommitOptions): string {
  const { name, email } = options.author;
  const who = `${name.trim()} <${email}> ${Math.floor(options.atSeconds)} +0000`;
  const message = `${options.message.replaceAll("\0", "").trimEnd()}\n`;
  const lines = [
    `commit ${REF}\nmark :1\nauthor ${who}\ncommitter ${who}\n${dataOf(message)}from ${checkout.head}\n`,
  ];
  // The order of the edits must not matter.
  for (const { path, content } of options.edits.toSorted((a, b) => a.path < b.path ? -1 : 1)) {
    if (content === null) lines.push(`D ${quoted(path)}\n`);
    else lines.push(`M ${modeOf(checkout, path)} inline ${quoted(path)}\n${dataOf(content)}`);
  }
  return `${lines.join("")}\nget-mark :1\ndone\n`;
}

/** Old repositories hold other spellings of the two modes of a file, which fast-import does not take. */
function modeOf(checkout: Checkout, path: string): string {
  return checkout.entry(path)?.mode.startsWith("1007") ? "100755" : "100644";
}

function dataOf(text: string): string {
  return `data ${bytesOf(text)}\n${text}\n`;
}

/** Control characters and backslashes are refused before. */
function quoted(path: string): string {
  return `"${path.replaceAll('"', '\\"')}"`;
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function pathsOf(edits: readonly Edit[]): string {
  return sanitizeLine(edits.map((edit) => edit.path).join(", "), 200);
}

function matcherOf(glob: string): (path: string) => boolean {
  try {
    const pattern = globToRegExp(glob, { extended: true, globstar: true });
    return (path) => pattern.test(path);
  } catch (error) {
    throw new EvenkeelError(`Cannot use the path pattern "${sanitizeLine(glob, 100)}": ${messageOf(error)}`);
  }
}
