/**
 * Finds where source code opens its port, and what would have to change for it to listen on every interface
 * and on the platform's port. Reads text only: calls are found by name, their arguments by brackets, and an
 * argument that is a name is followed to its assignment in the same file.
 */
export interface TextEdit {
  start: number;
  end: number;
  text: string;
}
export interface Binding {
  path: string;
  /** From 1. */
  line: number;
  /** The call as written, shortened. */
  call: string;
  /** Makes it listen on every interface; absent when it does already. */
  host?: TextEdit;
  /** Makes it read PORT; absent when it does already or the port is not a literal. */
  port?: TextEdit;
}

/** UTF-16 units of one call's arguments that are read. */
const ARGUMENTS_MAX = 600;
/** Calls looked at in one file. */
const CALLS_MAX = 20;
const LOCAL = /(["'`])(?:127\.0\.0\.1|localhost|::1)\1/;
const SOURCE = /\.(?:[cm]?[jt]sx?|py)$/;
const NOT_SERVED =
  /(?:^|\/)(?:node_modules|\.?venv|tests?|__tests__|spec|dist|build|coverage|examples?|scripts|\.[^/]+)\/|\.(?:test|spec|d|config)\.[cm]?[jt]sx?$|(?:^|\/)test_[^/]*\.py$|_test\.py$/;

/** Whether a file may hold the server's own code. */
export function isServerSource(path: string): boolean {
  return SOURCE.test(path) && !NOT_SERVED.test(path);
}

export function bindingsOf(path: string, text: string): Binding[] {
  const isPython = path.endsWith(".py");
  const calls = isPython ? PYTHON_CALLS : NODE_CALLS;
  const bindings: Binding[] = [];
  for (const found of text.matchAll(calls)) {
    if (bindings.length >= CALLS_MAX) break;
    if (isCommented(text, found.index, isPython)) continue;
    const open = found.index + found[0].length - 1;
    const close = closing(text, open);
    if (close === undefined) continue;
    const call = { text, name: found["groups"]?.["name"] ?? "", open, close };
    const edits = isPython ? pythonEdits(call) : nodeEdits(call);
    if (edits === undefined) continue;
    bindings.push({
      path,
      line: text.slice(0, found.index).split("\n").length,
      call: text.slice(found.index, Math.min(close + 1, found.index + 80)).replace(/\s+/g, " "),
      ...edits,
    });
  }
  return bindings;
}

const NODE_CALLS = /\.(?<name>listen)\s*\(/g;
const PYTHON_CALLS =
  /\b(?<name>uvicorn\.run|hypercorn\.run|web\.run_app|run_simple|serve|(?:app|application|socketio|server)\.run|(?:Threading)?(?:HTTPServer|TCPServer|UDPServer)|make_server)\s*\(/g;

interface Call {
  text: string;
  name: string;
  /** Offset of the opening and of the closing bracket. */
  open: number;
  close: number;
}
type Edits = Pick<Binding, "host" | "port">;

function nodeEdits({ text, open, close }: Call): Edits | undefined {
  const args = argumentsOf(text, open, close);
  const first = args[0];
  if (first === undefined) return {};
  const inner = text.slice(first.start, first.end);
  if (inner.startsWith("{")) {
    const options = argumentsOf(text, first.start, first.end - 1);
    const port = options.map((each) =>
      value(text, each, /^port\s*:\s*/)
    ).find((each) => each !== undefined) ?? shorthand(text, options, "port");
    const host = options.map((each) =>
      value(text, each, /^(?:host|hostname)\s*:\s*/)
    ).find((each) => each !== undefined) ?? shorthand(text, options, "host");
    const isFastify = /\bfastify\b/i.test(text);
    const addHost = host === undefined && isFastify && options[0] !== undefined
      ? { start: options.at(-1)!.end, end: options.at(-1)!.end, text: ', host: "0.0.0.0"' }
      : undefined;
    return compact(hostEdit(text, host) ?? addHost, nodePort(text, port));
  }
  if (/^(?:["'`]|\(|async\b|function\b)/.test(inner) && !/^["'`]\d+["'`]$/.test(inner)) return undefined;
  const second = args[1];
  return compact(second === undefined ? undefined : hostEdit(text, second), nodePort(text, first));
}

function pythonEdits({ text, name, open, close }: Call): Edits | undefined {
  const args = argumentsOf(text, open, close);
  const keyword = (word: string) =>
    args.map((each) => value(text, each, new RegExp(`^${word}\\s*=\\s*`))).find((each) => each !== undefined);
  if (/Server$|make_server/.test(name)) {
    const first = args[0];
    if (first === undefined) return undefined;
    if (name === "make_server") return compact(hostEdit(text, first), args[1] && pythonPort(text, args[1]));
    if (text[first.start] !== "(") return undefined;
    const [host, port] = argumentsOf(text, first.start, first.end - 1);
    return compact(host && hostEdit(text, host), port && pythonPort(text, port));
  }
  if (name === "run_simple") {
    return compact(args[0] && hostEdit(text, args[0]), args[1] && pythonPort(text, args[1]));
  }
  if (name === "serve" && !/\bwaitress\b/.test(text)) return undefined;
  const host = keyword("host");
  const port = keyword("port");
  // uvicorn, Flask and Socket.IO listen on 127.0.0.1 unless told otherwise; waitress and aiohttp on all.
  const isLocalByDefault = name === "uvicorn.run" ||
    /\.run$/.test(name) && /\b(?:flask|socketio|bottle)\b/i.test(text);
  if (!isLocalByDefault && host === undefined && port === undefined) return undefined;
  const end = args.at(-1)?.end ?? open + 1;
  const added: string[] = [];
  if (host === undefined && isLocalByDefault) added.push('host="0.0.0.0"');
  if (port === undefined && isLocalByDefault) {
    added.push(`port=int(os.environ.get("PORT", ${name === "uvicorn.run" ? 8000 : 5000}))`);
  }
  const addition = added.length === 0
    ? undefined
    : { start: end, end, text: (args.length > 0 ? ", " : "") + added.join(", ") };
  return compact((host && hostEdit(text, host)) ?? addition, port && pythonPort(text, port));
}

interface Span {
  start: number;
  end: number;
}

function compact(host: TextEdit | undefined, port: TextEdit | undefined): Edits {
  return { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
}

/** Replaces a local address in an argument, or in the assignment of the name that the argument is. */
function hostEdit(text: string, span: Span | undefined): TextEdit | undefined {
  if (span === undefined) return undefined;
  const place = followName(text, span);
  const found = LOCAL.exec(text.slice(place.start, place.end));
  if (found === null) return undefined;
  const start = place.start + found.index;
  const quote = found[1]!;
  return { start, end: start + found[0].length, text: `${quote}0.0.0.0${quote}` };
}

function nodePort(text: string, span: Span | undefined): TextEdit | undefined {
  if (span === undefined) return undefined;
  const place = followName(text, span);
  const number = /^["'`]?(\d{2,5})["'`]?$/.exec(text.slice(place.start, place.end))?.[1];
  return number === undefined ? undefined : { ...place, text: `process.env.PORT || ${number}` };
}

function pythonPort(text: string, span: Span): TextEdit | undefined {
  const place = followName(text, span);
  const number = /^\d{2,5}$/.exec(text.slice(place.start, place.end))?.[0];
  return number === undefined ? undefined : { ...place, text: `int(os.environ.get("PORT", ${number}))` };
}

/** Where the only assignment of a name puts its value; the span itself when it is no name or has several. */
function followName(text: string, span: Span): Span {
  const name = text.slice(span.start, span.end).trim();
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return span;
  const escaped = name.replaceAll("$", "\\$");
  const assignments = [
    ...text.matchAll(
      new RegExp(
        `^[ \\t]*(?:(?:const|let|var)[ \\t]+)?${escaped}[ \\t]*(?::[ \\t]*\\w+[ \\t]*)?=[ \\t]*(?=[^=\\s])`,
        "gm",
      ),
    ),
  ];
  if (assignments.length !== 1) return span;
  const start = assignments[0]!.index + assignments[0]![0].length;
  const line = /^[^\n;#]*/.exec(text.slice(start))![0].replace(/\s*\/\/.*$/, "").trimEnd();
  return { start, end: start + line.length };
}

function value(text: string, span: Span, before: RegExp): Span | undefined {
  const found = before.exec(text.slice(span.start, span.end));
  return found === null ? undefined : { start: span.start + found[0].length, end: span.end };
}

function shorthand(text: string, options: readonly Span[], name: string): Span | undefined {
  return options.find((each) => text.slice(each.start, each.end) === name);
}

/** The arguments between two brackets, without blanks around them. */
function argumentsOf(text: string, open: number, close: number): Span[] {
  const spans: Span[] = [];
  let start = open + 1;
  let depth = 0;
  const finish = (end: number) => {
    const raw = text.slice(start, end);
    const lead = raw.length - raw.trimStart().length;
    if (raw.trim() !== "") spans.push({ start: start + lead, end: start + raw.trimEnd().length });
    start = end + 1;
  };
  for (let at = open + 1; at < close; at++) {
    const char = text[at]!;
    if (char === '"' || char === "'" || char === "`") at = skipString(text, at, close);
    else if ("([{".includes(char)) depth++;
    else if (")]}".includes(char)) depth--;
    else if (char === "," && depth === 0) finish(at);
  }
  finish(close);
  return spans;
}

function closing(text: string, open: number): number | undefined {
  let depth = 0;
  const end = Math.min(text.length, open + ARGUMENTS_MAX);
  let at = open;
  for (; at < end; at++) {
    const char = text[at]!;
    if (char === '"' || char === "'" || char === "`") at = skipString(text, at, end);
    else if ("([{".includes(char)) depth++;
    else if (")]}".includes(char) && --depth === 0) return at;
  }
  // A long callback may follow; the arguments that matter stand before it.
  return at < text.length ? at : undefined;
}

function skipString(text: string, at: number, end: number): number {
  const quote = text[at];
  for (at++; at < end && text[at] !== quote; at++) if (text[at] === "\\") at++;
  return at;
}

function isCommented(text: string, at: number, isPython: boolean): boolean {
  const before = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
  return isPython ? before.includes("#") : /(?:^|\s)\/\/|^\s*\*/.test(before);
}
