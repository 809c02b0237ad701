/**
 * The checkout as the fixer sees it: bounded reads of the files that the commit holds, inside one folder. A
 * path that leads out of the folder, by `..` or by a link, is not there.
 */
import { normalize } from "@std/path";
import { readInside } from "../../repo/read_inside.ts";

export interface CheckoutView {
  /** Every file of the commit, relative to the repository. */
  readonly paths: readonly string[];
  has(path: string): boolean;
  /** The text of a file; null when it is not there, too large, no text, or the budget of reads is spent. */
  read(path: string): Promise<string | null>;
}

/** A larger file is not read. */
export const FILE_BYTES_MAX = 1024 * 1024;
/** Files read in one repair. */
export const READS_MAX = 600;
/** Bytes read in one repair, counted as UTF-16 code units. */
export const TOTAL_BYTES_MAX = 24 * 1024 * 1024;
/** Paths looked at. */
export const PATHS_MAX = 20_000;

/** @param directory the checkout, the one folder that may be read */
export function createCheckoutView(directory: string, paths: readonly string[]): CheckoutView {
  const known = new Set(paths.slice(0, PATHS_MAX).filter(isInside));
  const texts = new Map<string, string | null>();
  let reads = 0;
  let bytes = 0;
  const load = async (path: string): Promise<string | null> => {
    if (++reads > READS_MAX) return null;
    try {
      const text = await readInside(directory, path, Math.min(FILE_BYTES_MAX, TOTAL_BYTES_MAX - bytes));
      bytes += text?.length ?? 0;
      return text;
    } catch {
      return null;
    }
  };
  return {
    paths: [...known],
    has: (path) => known.has(path),
    async read(path) {
      if (!known.has(path)) return null;
      const cached = texts.get(path);
      if (cached !== undefined) return cached;
      const text = await load(path);
      texts.set(path, text);
      return text;
    },
  };
}

function isInside(path: string): boolean {
  return path !== "" && !path.startsWith("/") && !path.includes("\0") && !normalize(path).startsWith("..");
}
