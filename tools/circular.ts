/**
 * Checks how modules import one another: no circles, and only in the direction of the design. Types count as
 * well: a module that needs another's types depends on it.
 *
 *     deno run -A tools/circular.ts
 */
import { fromFileUrl, relative } from "@std/path";
import { z } from "zod";

/** Which folders a folder may import from, besides itself. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  text: ["base"],
  process: ["base"],
  render: ["base", "text"],
  state: ["base", "text", "process", "render"],
  repo: ["base", "text", "process"],
  agents: ["base", "text", "process", "render", "repo", "state"],
  hooks: ["base", "text", "process", "state"],
  reconciler: ["base", "text", "process", "render", "repo", "state", "hooks", "agents"],
  status: ["base", "text", "state"],
  // Drydock is useful by itself: it knows nothing of what it is used for.
  drydock: ["base", "text", "process", "render"],
  cli: [
    "base",
    "text",
    "process",
    "render",
    "repo",
    "state",
    "hooks",
    "agents",
    "reconciler",
    "status",
    "drydock",
  ],
  "main.ts": ["cli"],
};
/** Of these folders only these modules may be imported by these others. */
const ONLY: readonly { from: string; to: string; modules: RegExp; why: string }[] = [
  {
    from: "drydock",
    to: "render",
    modules: /^render\/schemas\.ts$/,
    why: "drydock shares Render's words only",
  },
];

const graphSchema = z.object({
  modules: z.array(z.object({
    specifier: z.string(),
    dependencies: z.array(z.object({
      code: z.object({ specifier: z.string().optional() }).optional(),
      type: z.object({ specifier: z.string().optional() }).optional(),
    })).default([]),
  })),
});

export type Graph = ReadonlyMap<string, readonly string[]>;

/** @param root the project's folder, with a slash at its end */
async function readGraph(root: URL): Promise<Graph> {
  const graph = new Map<string, string[]>();
  for (const entry of await modulesOf(root)) {
    if (graph.has(entry)) continue;
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", entry],
      cwd: fromFileUrl(root),
      stderr: "inherit",
    }).output();
    if (code !== 0) throw new Error(`deno info ${entry} ended with ${code}`);
    const { modules } = graphSchema.parse(JSON.parse(new TextDecoder().decode(stdout)));
    for (const { specifier, dependencies } of modules) {
      const targets = dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier])
        .flatMap((target) => target?.startsWith(root.href) ? [relativeTo(root, target)] : []);
      if (specifier.startsWith(root.href)) {
        graph.set(relativeTo(root, specifier), [...new Set(targets)].sort());
      }
    }
  }
  return graph;
}

function relativeTo(root: URL, specifier: string): string {
  return relative(fromFileUrl(root), fromFileUrl(specifier));
}

/** `main.ts` first: most modules hang from it, and each `deno info` takes a moment. */
async function modulesOf(root: URL): Promise<string[]> {
  const found = ["main.ts"];
  const walk = async (folder: string) => {
    for await (const entry of Deno.readDir(new URL(`${folder}/`, root))) {
      if (entry.isDirectory) await walk(`${folder}/${entry.name}`);
      else if (entry.name.endsWith(".ts")) found.push(`${folder}/${entry.name}`);
    }
  };
  for await (const entry of Deno.readDir(root)) {
    if (entry.isDirectory && Object.hasOwn(LAYERS, entry.name)) await walk(entry.name);
  }
  return found;
}

/** The circles of a graph, each as its path; one is enough to find for each circle. */
export function findCircles(graph: Graph): string[][] {
  const circles: string[][] = [];
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (module: string) => {
    if (finished.has(module)) return;
    const at = path.indexOf(module);
    if (at !== -1) {
      circles.push([...path.slice(at), module]);
      return;
    }
    path.push(module);
    for (const target of graph.get(module) ?? []) visit(target);
    path.pop();
    finished.add(module);
  };
  for (const module of graph.keys()) visit(module);
  return circles;
}

/** Imports against the direction of the design, as sentences. */
export function findWrongWays(graph: Graph): string[] {
  const folderOf = (module: string) => module.split("/")[0]!;
  return [...graph].flatMap(([module, targets]) =>
    targets.flatMap((target) => {
      const [from, to] = [folderOf(module), folderOf(target)];
      const allowed = LAYERS[from];
      if (from === to || allowed === undefined || to === "vendor") return [];
      if (!allowed.includes(to)) {
        return [`${module} imports ${target}: ${from} may import from ${allowed.join(", ") || "nothing"}`];
      }
      const rule = ONLY.find((one) => one.from === from && one.to === to && !one.modules.test(target));
      return rule === undefined ? [] : [`${module} imports ${target}: ${rule.why}`];
    })
  );
}

if (import.meta.main) {
  const graph = await readGraph(new URL("../", import.meta.url));
  const problems = [
    ...findCircles(graph).map((circle) => `circle: ${circle.join(" -> ")}`),
    ...findWrongWays(graph),
  ];
  for (const problem of problems) console.error(problem);
  console.log(`Checked the imports of ${graph.size} modules, ${problems.length} problems`);
  Deno.exit(problems.length === 0 ? 0 : 1);
}
