/**
 * The named tools `python-syntax` and `node-syntax`: whether a file parses. The parser of the language reads
 * the text; nothing of it runs, and it is parsed by the Python and Node at hand, which may be newer than the service's.
 */
import { z } from "zod";
import { EvenkeelError } from "../../base/errors.ts";
import type { Tool } from "../agent.ts";
import { explanation } from "./workshop.ts";
import type { Workshop } from "./workshop.ts";

export const SYNTAX_TIMEOUT_MS = 60_000;
const SOURCE_CHARS_MAX = 2 * 1024 * 1024;
const MESSAGE_CHARS_MAX = 300;

const sourceSchema = z.object({ path: z.string(), text: z.string().max(SOURCE_CHARS_MAX) });
export const pythonSyntaxInputSchema = sourceSchema;
export const nodeSyntaxInputSchema = sourceSchema.extend({
  /** `type` of the nearest package.json; without one a `.js` file may be either. */
  moduleType: z.enum(["module", "commonjs"]).nullish(),
});
export const syntaxOutputSchema = z.object({ ok: z.boolean(), message: z.string() });
export type SyntaxOutput = z.infer<typeof syntaxOutputSchema>;

const PYTHON_PARSE = `
import ast, sys
try:
    ast.parse(sys.stdin.buffer.read())
except (SyntaxError, ValueError) as error:
    print("line %s: %s" % (getattr(error, "lineno", "?"), getattr(error, "msg", error)))
    sys.exit(3)
`;
const PYTHON_REFUSED = 3;

export function createPythonSyntax(workshop: Workshop): Tool {
  return {
    input: pythonSyntaxInputSchema,
    async run(input, signal): Promise<SyntaxOutput> {
      const { text } = pythonSyntaxInputSchema.parse(input);
      const command = ["python3", "-I", "-c", PYTHON_PARSE] as const;
      const result = await workshop.run({ command, input: text, timeoutMs: SYNTAX_TIMEOUT_MS, signal });
      if (result.code === 0) return { ok: true, message: "" };
      if (result.code === PYTHON_REFUSED) return { ok: false, message: firstLines(result.stdout) };
      throw new EvenkeelError(`Cannot parse with python3: ${firstLines(result.stderr)}`);
    },
  };
}

export function createNodeSyntax(workshop: Workshop): Tool {
  const check = async (file: string, text: string, signal: AbortSignal): Promise<SyntaxOutput> => {
    const result = await workshop.run({
      command: ["node", "--check", file],
      files: { [file]: text },
      timeoutMs: SYNTAX_TIMEOUT_MS,
      signal,
    });
    if (result.code === 0) return { ok: true, message: "" };
    const line = /^.*:(\d+)$/m.exec(result.stderr)?.[1] ?? "?";
    const error = /^\w*Error: .*$/m.exec(result.stderr)?.[0];
    if (error?.startsWith("SyntaxError") === true) {
      return { ok: false, message: `line ${line}: ${firstLines(error)}` };
    }
    throw new EvenkeelError(`Cannot parse with node: ${firstLines(result.stderr)}`);
  };
  return {
    input: nodeSyntaxInputSchema,
    async run(input, signal): Promise<SyntaxOutput> {
      const { path, text, moduleType } = nodeSyntaxInputSchema.parse(input);
      const extension = /\.(js|mjs|cjs)$/.exec(path)?.[1];
      // By its name and not by a package.json beside it: node does not check a .js file that looks like a module.
      if (extension === "mjs" || (extension === "js" && moduleType === "module")) {
        return check("it.mjs", text, signal);
      }
      if (extension === undefined) {
        throw new EvenkeelError(`Cannot parse ${explanation(path)}: not a JavaScript file`);
      }
      const first = await check("it.cjs", text, signal);
      if (first.ok || extension === "cjs" || moduleType === "commonjs") return first;
      const second = await check("it.mjs", text, signal);
      return second.ok ? second : first;
    },
  };
}

function firstLines(text: string): string {
  return explanation(text).slice(0, MESSAGE_CHARS_MAX);
}
