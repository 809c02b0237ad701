/** Whether each edited file parses, by the parser of its kind. */
import { basename, dirname, extname, join } from "@std/path";
import { parse as parseToml } from "smol-toml";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { messageOf } from "../../base/errors.ts";
import { sanitizeLine } from "../../text/sanitize.ts";
import type { AskTool } from "../agent.ts";
import { parseRequirement } from "../code/requirements.ts";
import { syntaxOutputSchema } from "../tools/syntax.ts";
import { checkBy } from "./checkout.ts";
import type { Check, Checkout, Question } from "./checkout.ts";

const DETAIL_CHARS_MAX = 300;
/** Folders looked through for the package.json that says which modules a .js file is. */
const DEPTH_MAX = 50;

type Verdict = Omit<Check, "name">;
const passed: Verdict = { result: "pass", detail: "parses" };
const failed = (detail: string): Verdict => ({
  result: "fail",
  detail: sanitizeLine(detail, DETAIL_CHARS_MAX),
});
const skipped = (detail: string): Verdict => ({ result: "skipped", detail });

export async function checkSyntax(
  edits: Question["edits"],
  checkout: Checkout,
  ask: AskTool,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { path, content } of edits) {
    if (content === null) continue;
    checks.push(await checkBy(`syntax ${sanitizeLine(path)}`, () => judge(path, content, checkout, ask)));
  }
  return checks;
}

async function judge(path: string, text: string, checkout: Checkout, ask: AskTool): Promise<Verdict> {
  if (isRequirementsFile(path)) return judgeRequirements(text);
  switch (extname(path)) {
    case ".json":
      // These two are read with comments by the programs they belong to.
      if (/^[tj]sconfig/.test(basename(path))) return skipped("may hold comments");
      return judgeParse(() => judgeManifest(path, JSON.parse(text)));
    case ".toml":
      return judgeParse(() => parseToml(text));
    case ".yaml":
    case ".yml":
      return judgeParse(() => {
        for (const document of parseAllDocuments(text)) {
          const error = "errors" in document ? document.errors[0] : undefined;
          if (error !== undefined) throw error;
        }
      });
    case ".py":
      return judgeTool(await ask("python-syntax", { path, text }));
    case ".js":
    case ".mjs":
    case ".cjs":
      return judgeTool(
        await ask("node-syntax", { path, text, moduleType: await moduleTypeOf(path, checkout) }),
      );
    default:
      return skipped("no parser for this kind of file");
  }
}

function judgeParse(parse: () => unknown): Verdict {
  try {
    parse();
    return passed;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return failed(messageOf(error));
  }
}

const manifestSchema = z.object({
  scripts: z.record(z.string(), z.string()).optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
});

/** npm refuses a package.json whose fields are of another kind. */
function judgeManifest(path: string, value: unknown): void {
  if (basename(path) !== "package.json") return;
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
}

function judgeTool(output: unknown): Verdict {
  const { ok, message } = syntaxOutputSchema.parse(output);
  return ok ? passed : failed(message);
}

export function isRequirementsFile(path: string): boolean {
  return /^(?:requirements|constraints)[^/]*\.txt$/.test(basename(path)) ||
    (/(?:^|\/)requirements\//.test(path) && extname(path) === ".txt");
}

/** Each line is a requirement, an option, a URL, a path, a comment or blank. */
function judgeRequirements(text: string): Verdict {
  const lines = text.replace(/\\\r?\n/g, " ").split(/\r?\n/);
  const odd = lines.findIndex((line) => {
    const plain = line.replace(/(^|\s)#.*$/, "").replace(
      /\s--(?:hash|config-settings|global-option)\S*.*$/,
      "",
    ).trim();
    if (plain === "" || /^(?:-|\.{0,2}\/)/.test(plain) || /:\/\/| @ |\.whl$|\.tar\.gz$|^\.$/.test(plain)) {
      return false;
    }
    return parseRequirement(plain) === undefined;
  });
  return odd === -1 ? passed : failed(`line ${odd + 1} is no requirement: ${lines[odd]}`);
}

async function moduleTypeOf(path: string, checkout: Checkout): Promise<"module" | "commonjs" | null> {
  let folder = dirname(path);
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const text = await checkout.read(join(folder, "package.json"));
    if (text !== undefined) {
      try {
        const type = z.object({ type: z.enum(["module", "commonjs"]) }).safeParse(JSON.parse(text));
        return type.data?.type ?? null;
      } catch {
        return null;
      }
    }
    if (folder === ".") return null;
    folder = dirname(folder);
  }
  return null;
}
