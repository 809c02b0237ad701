/**
 * Whether the dependencies of each package.json that changed can be met, and whether the lock file beside it still
 * belongs to it: `npm ci` refuses one that does not.
 */
import { basename, dirname, join } from "@std/path";
import { z } from "zod";
import { sanitizeLine } from "../../text/sanitize.ts";
import type { AskTool } from "../agent.ts";
import { npmLockOutputSchema } from "../tools/npm.ts";
import { checkBy } from "./checkout.ts";
import type { Check, Checkout, Question } from "./checkout.ts";

const LOCK_FILE = "package-lock.json";
const OTHER_LOCK_FILES = ["yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"] as const;
const CONFLICT_CHARS_MAX = 1000;

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), dependencies: z.record(z.string(), z.string()).optional() }),
  ),
});

export async function checkLock(
  { edits, settings }: Question,
  checkout: Checkout,
  ask: AskTool,
): Promise<Check[]> {
  const names: readonly string[] = ["package.json", LOCK_FILE];
  const folders = new Set(
    edits.map(({ path }) => path).filter((path) => names.includes(basename(path))).map(dirname),
  );
  const checks: Check[] = [];
  for (const folder of folders) {
    const packageJson = await checkout.read(join(folder, "package.json"));
    if (packageJson === undefined) continue;
    const name = `dependencies ${sanitizeLine(join(folder, "package.json"))}`;
    checks.push(
      await checkBy(name, async () => {
        const lock = await checkout.read(join(folder, LOCK_FILE)) ?? null;
        const answer = npmLockOutputSchema.parse(await ask("npm-lock", { packageJson, lock }));
        if (answer.lock === null) {
          return { result: "fail", detail: sanitizeLine(answer.conflict, CONFLICT_CHARS_MAX) };
        }
        if (lock === null) return { result: "pass", detail: await withoutLock(folder, checkout) };
        const difference = lockDifference(lock, answer.lock);
        if (difference === undefined) {
          return { result: "pass", detail: `resolves, and ${LOCK_FILE} belongs to it` };
        }
        const detail = `${LOCK_FILE} does not belong to package.json: ${difference}`;
        // Any other install brings the lock up to date by itself.
        const isNeeded = /\bnpm (?:ci|clean-install)\b/.test(settings.buildCommand);
        return { result: isNeeded ? "fail" : "pass", detail };
      }),
    );
  }
  return checks;
}

async function withoutLock(folder: string, checkout: Checkout): Promise<string> {
  for (const other of OTHER_LOCK_FILES) {
    if (await checkout.read(join(folder, other)) !== undefined) return `resolves; ${other} was not looked at`;
  }
  return "resolves";
}

/** The first package that the two lock files do not agree on; undefined when they agree. */
function lockDifference(ours: string, made: string): string | undefined {
  const mine = lockSchema.safeParse(parseJson(ours));
  const right = lockSchema.parse(parseJson(made));
  if (!mine.success) return "it cannot be read";
  const keys = new Set([...Object.keys(mine.data.packages), ...Object.keys(right.packages)]);
  for (const key of keys) {
    const [a, b] = [mine.data.packages[key], right.packages[key]];
    const label = sanitizeLine(key === "" ? "its own dependencies" : key.replace(/^node_modules\//, ""));
    if (a === undefined) return `${label} is missing`;
    if (b === undefined) return `${label} is not needed`;
    const isRoot = key === "" &&
      JSON.stringify(sorted(a.dependencies)) !== JSON.stringify(sorted(b.dependencies));
    if (a.version !== b.version || isRoot) return `${label} differs`;
  }
  return undefined;
}

function sorted(dependencies: Readonly<Record<string, string>> = {}): [string, string][] {
  return Object.entries(dependencies).sort(([a], [b]) => a < b ? -1 : 1);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
