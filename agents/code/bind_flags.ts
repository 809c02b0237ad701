/**
 * Makes the command that starts a server listen on every interface and on `$PORT`, by the flags that each
 * server documents. Only what is wrong changes; everything else of the command stays as written.
 */
import { mainSegment, programWords, wordsOf } from "./commands.ts";

const LOCAL = "(?:127\\.0\\.0\\.1|localhost|\\[::1\\]|::1)";

/** @returns the changed command; undefined when nothing in it binds wrongly */
export function bindEverywhere(command: string): string | undefined {
  const segment = mainSegment(command);
  if (segment === undefined) return undefined;
  const words = programWords(segment.words);
  const program = (words[0] ?? "").replace(/^.*\//, "");
  let text = command.slice(segment.start, segment.end);
  const hasFlag = (...flags: string[]) =>
    words.some((word) => flags.some((flag) => word === flag || word.startsWith(`${flag}=`)));
  const replace = (pattern: RegExp, by: string) => {
    text = text.replace(pattern, by);
  };
  // An address with its port, such as `--bind 127.0.0.1:8000`; then hosts and ports by themselves.
  replace(
    new RegExp(`((?:--bind|-b|--listen)[ =])${LOCAL}:(?:\\d+|\\$PORT|\\$\\{PORT\\})`, "g"),
    "$10.0.0.0:$PORT",
  );
  replace(
    new RegExp(`((?:--host|--hostname|--address|--server\\.address|-H|-a)[ =])${LOCAL}(?=\\s|$)`, "g"),
    "$10.0.0.0",
  );
  replace(/((?:--bind|-b)[ =]0\.0\.0\.0:)\d+(?=\s|$)/g, "$1$$PORT");
  replace(/((?:--port|--server\.port)[ =])\d+(?=\s|$)/g, "$1$$PORT");
  if (["next", "vite", "http-server", "serve", "flask"].includes(program)) {
    replace(/(\s-p[ =])\d+(?=\s|$)/g, "$1$$PORT");
  }
  const script = words[1] ?? "";
  switch (program) {
    case "uvicorn":
    case "hypercorn":
    case "streamlit":
      if (program === "uvicorn" && !hasFlag("--host", "--uds", "--fd")) text += " --host 0.0.0.0";
      if (program === "uvicorn" && !hasFlag("--port", "--uds", "--fd")) text += " --port $PORT";
      break;
    case "flask":
      if (script === "run" || words.includes("run")) {
        if (!hasFlag("--host", "-h")) text += " --host 0.0.0.0";
        if (!hasFlag("--port", "-p")) text += " --port $PORT";
      }
      break;
    case "vite":
      if (script === "preview" || script === "" || script === "dev" || script.startsWith("-")) {
        if (!hasFlag("--host")) text += " --host 0.0.0.0";
        if (!hasFlag("--port")) text += " --port $PORT";
      }
      break;
    case "manage.py":
    case "python":
    case "python3":
      if (words.includes("runserver") || /manage\.py runserver/.test(text)) {
        text = text.replace(/runserver(?:\s+(?:[\w.[\]:]+:)?\d+)?/, "runserver 0.0.0.0:$PORT");
      }
      break;
  }
  return text === command.slice(segment.start, segment.end)
    ? undefined
    : command.slice(0, segment.start) + text + command.slice(segment.end);
}

/** The package.json script that a start command runs, such as `start` for `npm start`. */
export function scriptRunBy(command: string): string | undefined {
  const words = programWords(mainSegment(command)?.words ?? wordsOf(command));
  const [program, first, second] = words;
  if (program === undefined || !["npm", "yarn", "pnpm", "bun"].includes(program.toLowerCase())) {
    return undefined;
  }
  if (first === "run" || first === "run-script") return second;
  if (program === "npm") {
    return first !== undefined && ["start", "test", "stop", "restart"].includes(first) ? first : undefined;
  }
  return first !== undefined && !first.startsWith("-") &&
      !["install", "add", "exec", "dlx", "ci"].includes(first)
    ? first
    : undefined;
}
