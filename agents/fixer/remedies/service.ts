/** Repairs of what any service has: its root directory, its health check path, its port. */
import { bindEverywhere, scriptRunBy } from "../../code/bind_flags.ts";
import { bindingsOf } from "../../code/bindings.ts";
import type { Binding, TextEdit } from "../../code/bindings.ts";
import { joinPath, mainSegment } from "../../code/commands.ts";
import { healthRoutes, routesOf, serves } from "../../code/routes.ts";
import { commandSetting, none, patch, setting } from "../remedy.ts";
import type { FixContext, Remedy } from "../remedy.ts";
import { nodeProject, serverSources } from "../node_project.ts";
import type { Proposal } from "../../messages.ts";

const RUNTIME_MANIFESTS: Readonly<Record<string, readonly string[]>> = {
  node: ["package.json"],
  python: ["requirements.txt", "pyproject.toml", "Pipfile"],
  ruby: ["Gemfile"],
  go: ["go.mod"],
  rust: ["Cargo.toml"],
  elixir: ["mix.exs"],
  docker: ["Dockerfile"],
};

function rootDirectory({ diagnosis, settings, view }: FixContext): Proposal {
  const manifest = diagnosis.captures["manifest"];
  const names = manifest === undefined ? RUNTIME_MANIFESTS[settings.runtime ?? ""] ?? [] : [manifest];
  const current = settings.rootDir;
  const wanted = joinPath(current.split("/").map((part) => part.trim()).join("/"));
  const folders = new Set(
    view.paths.flatMap((path) =>
      path.split("/").slice(0, -1).map((_, at, parts) => parts.slice(0, at + 1).join("/"))
    ),
  );
  const isMissing = diagnosis.captures["directory"] !== undefined;
  if (isMissing && wanted !== current && folders.has(wanted)) {
    return setting(
      { rootDir: wanted },
      `Set the root directory to ${wanted}, without the blanks around it`,
      "low",
    );
  }
  const alike = [...folders].filter((folder) => folder.toLowerCase() === wanted.toLowerCase());
  if (isMissing && wanted !== "" && alike.length === 1) {
    return setting(
      { rootDir: alike[0]! },
      `Set the root directory to ${alike[0]}, as the commit spells it`,
      "low",
    );
  }
  for (const name of names) {
    const holders = view.paths.filter((path) => path === name || path.endsWith(`/${name}`))
      .filter((path) => !/(?:^|\/)(?:node_modules|\.?venv|vendor|examples?|tests?|fixtures)\//.test(path))
      .map((path) => path.split("/").slice(0, -1).join("/"));
    // A manifest that lies above all the others is the project; those below are its parts.
    if (holders.length > 1) {
      return none(
        `several folders hold ${name}: ${holders.slice(0, 5).map((each) => each || "/").join(", ")}`,
      );
    }
    const holder = holders[0];
    if (holder === undefined) continue;
    if (holder === current) return none(`the root directory holds ${name} already`);
    return setting(
      { rootDir: holder },
      `Set the root directory to ${
        holder === "" ? "the repository itself" : holder
      }, the only folder with ${name}`,
      "low",
    );
  }
  return none(`no folder of the commit holds ${names.join(" or ") || "a manifest of this runtime"}`);
}

function stripCd({ diagnosis, settings }: FixContext): Proposal {
  const directory = diagnosis.captures["directory"] ?? "";
  if (directory === "" || joinPath(settings.rootDir).split("/").at(-1) !== joinPath(directory)) {
    return none("the root directory is not that folder");
  }
  const pattern = new RegExp(`^\\s*cd\\s+["']?(?:\\./)?${RegExp.escape(directory)}/?["']?\\s*(?:&&|;)\\s*`);
  const buildCommand = settings.buildCommand.replace(pattern, "");
  const startCommand = settings.startCommand.replace(pattern, "");
  const change = {
    ...(buildCommand === settings.buildCommand ? {} : { buildCommand }),
    ...(startCommand === settings.startCommand ? {} : { startCommand }),
  };
  if (Object.keys(change).length === 0) return none(`no command begins with cd ${directory}`);
  return setting(
    { serviceDetails: { envSpecificDetails: change } },
    `Leave out cd ${directory}: the root directory is there already`,
    "low",
  );
}

async function healthPath(context: FixContext): Promise<Proposal> {
  const { settings, diagnosis } = context;
  const current = settings.healthCheckPath || (diagnosis.captures["path"] ?? "");
  const sources = await serverSources(context, /\.(?:[cm]?[jt]sx?|py)$/);
  const routes = routesOf(Object.fromEntries(sources.map(({ path, text }) => [path, text])));
  if (routes.length === 0) return none("the code shows no route that could be compared");
  if (current !== "" && serves(routes.filter((route) => route.isWhole), current)) {
    return none(`the code answers ${current}: the path is not the cause`);
  }
  const candidates =
    settings.healthPath !== "" && settings.healthPath !== current && serves(routes, settings.healthPath)
      ? [settings.healthPath]
      : healthRoutes(routes).filter((route) => route !== current);
  const [path] = candidates;
  if (path === undefined) return none("the code has no route that looks like a health check");
  if (candidates.length > 1) {
    return none(`several routes look like a health check: ${candidates.slice(0, 5).join(", ")}`);
  }
  return setting(
    { serviceDetails: { healthCheckPath: path } },
    `Check ${path}, which the code answers, instead of ${current || "no path"}`,
    "low",
  );
}

/** The flags of the command that starts the server, in the setting or in the script that it runs. */
async function bindFlags(context: FixContext): Promise<Proposal> {
  const { startCommand, buildCommand } = context.settings;
  const script = scriptRunBy(startCommand);
  if (script === undefined) {
    const changed = bindEverywhere(startCommand);
    if (changed === undefined) return none("the start command says nothing about the address");
    return commandSetting(
      "startCommand",
      changed,
      "Listen on every interface and on the platform's port",
      "low",
    );
  }
  const project = await nodeProject(context);
  const body = project?.manifest.scripts[script];
  if (project === undefined || body === undefined) return none(`package.json has no script ${script}`);
  const changed = bindEverywhere(body);
  if (changed === undefined) return none(`the script ${script} says nothing about the address`);
  const segment = mainSegment(body);
  if (segment?.words[0] === "vite" && segment.words[1] !== "preview") {
    // A development server in production: the built output is served instead, if it is built.
    if (!/\bbuild\b/.test(buildCommand)) {
      return none("the start command runs a development server, and nothing is built");
    }
    return commandSetting(
      "startCommand",
      "npx vite preview --host 0.0.0.0 --port $PORT",
      "Serve the built output on every interface instead of the development server",
      "medium",
    );
  }
  const from = JSON.stringify(body);
  if (project.text.split(from).length !== 2) {
    return none(`the script ${script} cannot be told apart in package.json`);
  }
  return patch(
    [{ path: project.path, content: project.text.replace(from, () => JSON.stringify(changed)) }],
    `Let the script ${script} listen on every interface and on the platform's port`,
    "low",
  );
}

/** The one line of code that opens the port. */
async function bindCode(context: FixContext): Promise<Proposal> {
  const sources = await serverSources(context, /\.(?:[cm]?[jt]sx?|py)$/);
  const all = sources.flatMap(({ path, text }) =>
    bindingsOf(path, text).map((binding) => ({ binding, text }))
  );
  const isLocal = context.diagnosis.cause === "port-bound-localhost";
  let wrong = all.filter(({ binding }) =>
    isLocal ? binding.host !== undefined : binding.host !== undefined || binding.port !== undefined
  );
  if (wrong.length > 1) {
    const entry = await entryFile(context);
    const inEntry = wrong.filter(({ binding }) => binding.path === entry);
    if (inEntry.length > 0) wrong = inEntry;
  }
  const [only] = wrong;
  if (only === undefined) {
    return none("no line of the code opens a port in a way that could be changed with certainty");
  }
  if (wrong.length > 1) {
    return none(
      `several lines could be the one: ${
        wrong.slice(0, 5).map(({ binding }) => `${binding.path}:${binding.line}`).join(", ")
      }`,
    );
  }
  const { binding, text } = only;
  const edits = [binding.host, binding.port].filter((edit) => edit !== undefined);
  const what = [
    ...(binding.host ? ["every interface"] : []),
    ...(binding.port ? ["the platform's port"] : []),
  ].join(" and on ");
  return patch(
    [{ path: binding.path, content: applied(binding, text, edits) }],
    `Listen on ${what} at ${binding.path}:${binding.line}`,
    "low",
  );
}

function applied(binding: Binding, text: string, edits: readonly TextEdit[]): string {
  let result = text;
  for (const edit of edits.toSorted((a, b) => b.start - a.start)) {
    result = result.slice(0, edit.start) + edit.text + result.slice(edit.end);
  }
  const needsOs = binding.path.endsWith(".py") && edits.some((edit) => edit.text.includes("os.environ"));
  return needsOs && !/^import[ \t]+(?:[\w., \t]*[ ,\t])?os\b(?!\.)/m.test(text) ? withImport(result) : result;
}

/** `import os` before the first import that is not from __future__, where a docstring cannot be cut in two. */
function withImport(text: string): string {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const first = /^(?:import|from)[ \t]+(?!__future__)\w/m.exec(text);
  const at = first?.index ?? 0;
  return `${text.slice(0, at)}import os${newline}${text.slice(at)}`;
}

/** The file that the start command runs, directly, through a script or as a module. */
async function entryFile(context: FixContext): Promise<string | undefined> {
  const script = scriptRunBy(context.settings.startCommand);
  const project = script === undefined ? undefined : await nodeProject(context);
  const command = script === undefined
    ? context.settings.startCommand
    : project?.manifest.scripts[script] ?? "";
  const segment = mainSegment(command);
  const word = segment?.words.find((each) => /\.(?:[cm]?[jt]s|py)$/.test(each));
  return word === undefined ? undefined : joinPath(context.rootDir, segment!.directory, word);
}

export const serviceRemedies: readonly Remedy[] = [
  {
    id: "service/root-dir",
    kind: "setting",
    risk: "low",
    causes: ["root-dir-missing-or-wrong"],
    propose: rootDirectory,
  },
  { id: "service/strip-cd", kind: "setting", risk: "low", causes: ["root-dir-double-cd"], propose: stripCd },
  {
    id: "service/health-path",
    kind: "setting",
    risk: "low",
    causes: ["health-check-path-wrong"],
    propose: healthPath,
  },
  {
    id: "service/bind-flags",
    kind: "setting",
    risk: "low",
    causes: ["port-bound-localhost", "port-hardcoded"],
    propose: bindFlags,
  },
  {
    id: "service/bind-code",
    kind: "patch",
    risk: "low",
    causes: ["port-bound-localhost", "port-hardcoded"],
    propose: bindCode,
  },
];
