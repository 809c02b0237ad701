/**
 * Reads what an earlier system had learned: `failed_dependencies`, `known_fixes` (cause -> remedy) and
 * `performance_map` (variant -> seconds). It is prior knowledge and nothing more: names that are compared with the
 * catalogue's and figures that are shown. No text of the file becomes a rule, a command or a path.
 */
import { z } from "zod";
import { EvenkeelError } from "../base/errors.ts";

/** Bytes of a file that is read in. */
export const IMPORT_BYTES_MAX = 1024 * 1024;
/** Entries of each of the three keys. */
export const IMPORT_ENTRIES_MAX = 1000;
/** Characters kept of one name; more is cut. */
export const IMPORT_NAME_CHARS_MAX = 200;
/** Seconds of a variant: no build takes longer than a week. */
const SECONDS_MAX = 7 * 86_400;

/** What one file said. */
export const importSchema = z.object({
  /** SHA-256 of the file, so that it is read in once only. */
  digest: z.string(),
  /** When it was read in, milliseconds since the epoch. */
  at: z.number(),
  fixes: z.array(z.object({ cause: z.string(), remedy: z.string() })),
  failedDependencies: z.array(z.string()),
  performance: z.array(z.object({ variant: z.string(), seconds: z.number() })),
});
export type Import = z.infer<typeof importSchema>;

/** A fix that an import claims, and when it was read in. */
export interface FixPrior {
  cause: string;
  remedy: string;
  at: number;
}

const name = z.string().min(1);
const failure = z.union([
  name,
  z.object({ summary: name }),
  z.object({ name }),
  z.object({ package: name }),
], "a name, or an object with summary, name or package");
const fileSchema = z.object({
  failed_dependencies: z.union(
    [z.array(failure).max(IMPORT_ENTRIES_MAX), z.record(z.string(), z.unknown())],
    `at most ${IMPORT_ENTRIES_MAX} names`,
  ).optional(),
  known_fixes: z.record(z.string(), z.string("the id of a remedy").min(1)).optional(),
  performance_map: z.record(z.string(), z.number("a number of seconds").min(0).max(SECONDS_MAX)).optional(),
});
const KEYS = ["failed_dependencies", "known_fixes", "performance_map"] as const;

/**
 * @param file its name, for messages
 * @param options.clean makes text from outside safe to store and to show, on one line
 * @throws {EvenkeelError} when it is no such export; nothing is taken from it then
 */
export async function parseImport(
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
  options: { now: number; clean(text: string): string },
): Promise<Import> {
  const refuse = (why: string) =>
    new EvenkeelError(`Cannot import ${options.clean(file)}: ${why}`, {
      hint: `Give a JSON object with ${KEYS.join(", ")}; docs/learning.md shows one`,
    });
  if (bytes.length > IMPORT_BYTES_MAX) {
    throw refuse(`it has ${bytes.length} bytes, allowed are ${IMPORT_BYTES_MAX}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw refuse("it is no JSON");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw refuse("it is no JSON object");
  const found = KEYS.filter((key) => Object.hasOwn(json, key));
  if (found.length === 0) throw refuse(`it has none of ${KEYS.join(", ")}`);
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = options.clean((issue?.path ?? []).join("."));
    throw refuse(`${where} is not as expected: ${options.clean(issue?.message ?? "")}`);
  }
  const { failed_dependencies: failures = [], known_fixes: fixes = {}, performance_map: times = {} } =
    parsed.data;
  for (
    const [key, value] of Object.entries({
      failed_dependencies: failures,
      known_fixes: fixes,
      performance_map: times,
    })
  ) {
    const entries = Object.keys(value).length;
    if (entries > IMPORT_ENTRIES_MAX) {
      throw refuse(`${key} has ${entries} entries, allowed are ${IMPORT_ENTRIES_MAX}`);
    }
  }
  const shown = (text: string) => options.clean(text).slice(0, IMPORT_NAME_CHARS_MAX);
  const failed = Array.isArray(failures) ? failures.map(nameOf) : Object.keys(failures);
  return {
    digest: await digestOf(bytes),
    at: options.now,
    fixes: Object.entries(fixes).map(([cause, remedy]) => ({ cause: shown(cause), remedy: shown(remedy) })),
    failedDependencies: [...new Set(failed.map(shown))],
    performance: Object.entries(times).map(([variant, seconds]) => ({ variant: shown(variant), seconds })),
  };
}

/** The fixes of several imports; one that several claim is as new as the newest of them. */
export function fixPriors(imports: readonly Import[]): FixPrior[] {
  const priors = new Map<string, FixPrior>();
  for (const { at, fixes } of imports) {
    for (const { cause, remedy } of fixes) {
      const key = JSON.stringify([cause, remedy]);
      priors.set(key, { cause, remedy, at: Math.max(at, priors.get(key)?.at ?? -Infinity) });
    }
  }
  return [...priors.values()];
}

function nameOf(entry: z.infer<typeof failure>): string {
  if (typeof entry === "string") return entry;
  if ("summary" in entry) return entry.summary;
  return "name" in entry ? entry.name : entry.package;
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
