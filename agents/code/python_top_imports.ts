/**
 * What a Python file imports for certain when it is loaded: import statements that stand at the left margin, in no
 * string, no bracket and no block. Where `importsOf` errs towards "imported", this errs towards "not": what it says
 * is used to decide what may be added. Reads text once, from front to back, and runs nothing.
 */
export interface TopImport {
  /** Dots before the module: 0 for an absolute import, 1 for the file's own package. */
  level: number;
  /** Dotted; "" in `from . import a`. */
  module: string;
  /** What a `from` import names, which may be modules themselves. */
  names: string[];
  /** Line number from 1. */
  line: number;
}

/** Imports of one file that are read. */
const IMPORTS_MAX = 500;

export function topImportsOf(text: string): TopImport[] {
  const found: TopImport[] = [];
  for (const { code, line } of topLines(text)) {
    for (const statement of code.split(";")) {
      const trimmed = statement.trim();
      const from = /^from[ \t]+(\.*)[ \t]*([\w.]*)[ \t]+import\b([^]*)$/.exec(trimmed);
      if (from !== null) {
        const [, dots = "", module = "", rest = ""] = from;
        if (module !== "" || dots !== "") {
          found.push({ level: dots.length, module, names: namesIn(rest), line });
        }
      } else if (/^import[ \t]/.test(trimmed)) {
        for (const module of namesIn(trimmed.slice("import".length))) {
          found.push({ level: 0, module, names: [], line });
        }
      }
      if (found.length >= IMPORTS_MAX) return found;
    }
  }
  return found;
}

function namesIn(text: string): string[] {
  return text.replace(/[()\\\n]/g, " ").split(",").flatMap((part) =>
    /^\s*([A-Za-z_][\w.]*)/.exec(part)?.[1] ?? []
  );
}

/** Logical lines that begin at the left margin, without comments and with empty strings for all strings. */
function* topLines(text: string): Generator<{ code: string; line: number }> {
  let line = 1;
  let code = "";
  let begunAt = 1;
  let depth = 0;
  const isTop = () => /^[A-Za-z]/.test(code);
  for (let at = 0; at < text.length;) {
    const char = text[at]!;
    if (char === "#") {
      const end = text.indexOf("\n", at);
      at = end === -1 ? text.length : end;
    } else if (char === '"' || char === "'") {
      const end = stringEnd(text, at);
      for (let each = at; each < end; each++) if (text[each] === "\n") line++;
      code += '""';
      at = end;
    } else if (char === "\\" && /^\r?\n/.test(text.slice(at + 1, at + 3))) {
      at = text.indexOf("\n", at) + 1;
      line++;
      code += " ";
    } else if (char === "\n") {
      line++;
      at++;
      if (depth > 0) code += " ";
      else {
        if (isTop()) yield { code, line: begunAt };
        code = "";
        begunAt = line;
      }
    } else {
      if ("([{".includes(char)) depth++;
      if (")]}".includes(char)) depth = Math.max(0, depth - 1);
      code += char;
      at++;
    }
  }
  if (depth === 0 && isTop()) yield { code, line: begunAt };
}

/** Past the end of the string that begins here; an ordinary one that is not closed ends with its line. */
function stringEnd(text: string, at: number): number {
  const quote = text[at]!;
  const isTriple = text.startsWith(quote.repeat(3), at);
  const close = isTriple ? quote.repeat(3) : quote;
  for (let end = at + close.length; end < text.length; end++) {
    if (text[end] === "\\") end++;
    else if (text.startsWith(close, end)) return end + close.length;
    else if (text[end] === "\n" && !isTriple) return end;
  }
  return text.length;
}
