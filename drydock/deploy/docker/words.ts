/** Words, variables and paths of a Dockerfile, moved from an image's file system to a scratch folder. */
import { join, normalize } from "@std/path";

/** Absolute paths below these stay the machine's own: programs, devices, the kernel. */
const MACHINE = ["bin", "sbin", "usr/bin", "usr/sbin", "lib", "lib64", "usr/lib", "dev", "proc", "sys"];

/** An image's path as a path of the scratch folder. @param from where a relative path starts, an image's path */
export function inScratch(root: string, path: string, from = "/"): string {
  return join(root, imagePath(path, from));
}

/** An absolute path inside an image; `..` cannot leave it. */
export function imagePath(path: string, from = "/"): string {
  return normalize(path.startsWith("/") ? path : `${from}/${path}`).replace(/(.)\/$/, "$1");
}

/** Rewrites the absolute paths in a command or a value, so that they mean files of the scratch folder. */
export function rewritePaths(text: string, root: string): string {
  return text.replace(
    /(^|[\s=:"'(,;>|&])\/([A-Za-z0-9_.][^\s"':;,()|&<>]*)/g,
    (all, before: string, path: string) => {
      const isMachine = MACHINE.some((each) => path === each || path.startsWith(`${each}/`));
      const isMoved = `/${path}`.startsWith(`${root}/`);
      return isMachine || isMoved ? all : `${before}${root}/${path}`;
    },
  );
}

/** Puts values in place of `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`. */
export function substitute(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(
    /\\\$|\$\{(\w+)(?::([-+])([^}]*))?\}|\$(\w+)/g,
    (
      all,
      braced: string | undefined,
      kind: string | undefined,
      other: string | undefined,
      bare: string | undefined,
    ) => {
      if (all === "\\$") return "$";
      const value = values.get(braced ?? bare ?? "");
      if (kind === "+") return value ? other ?? "" : "";
      return value || (other ?? "");
    },
  );
}

/** Splits at blanks outside quotes and removes the quotes. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g)) {
    words.push(
      match[0].replace(
        /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g,
        (_, double, single, escaped) =>
          double !== undefined ? String(double).replace(/\\(["\\])/g, "$1") : String(single ?? escaped),
      ),
    );
  }
  return words;
}

/** The pairs of ENV, ARG and LABEL: `A=1 B="two words"`, or the old form `A the rest`. */
export function pairs(rest: string): [string, string | undefined][] {
  if (!/^\S+=/.test(rest)) {
    const [name = "", ...value] = rest.split(/\s+/);
    return [[name, value.length === 0 ? undefined : value.join(" ")]];
  }
  return splitWords(rest).map((word) => {
    const at = word.indexOf("=");
    return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
  });
}
