/**
 * The last step out of a conflict between clients of language models: where no versions of all of them fit together,
 * those that the code can do without are taken out, as few as possible. Core providers stay, and so does every
 * provider that the code cannot start without. What is taken out is said.
 */
import { CORE_PROVIDERS, providerModules } from "../../code/llm_providers.ts";
import { normalName, parseRequirements, withoutRequirements } from "../../code/requirements.ts";
import type { Requirement } from "../../code/requirements.ts";
import type { Proposal } from "../../messages.ts";
import { leftOutOf, leftOutText, resolveLines, whyTheyResolve } from "../python_constraints.ts";
import { pythonVersionOf, requirementFiles, requirementLines } from "../python_project.ts";
import { placesOf, usageOf } from "../python_usage.ts";
import type { Site } from "../python_usage.ts";
import { none, patch } from "../remedy.ts";
import type { FixContext, Remedy } from "../remedy.ts";

/** Providers that may go, looked at together; all their subsets are few. */
const OPTIONAL_MAX = 5;
/** Questions to pip in one repair. */
const RESOLVES_MAX = 14;

interface Provider {
  path: string;
  requirement: Requirement;
  name: string;
  sites: Site[];
}

async function dropProviders(context: FixContext): Promise<Proposal> {
  const files = await requirementFiles(context);
  const lines = await requirementLines(context, files);
  const core = new Set((context.coreProviders ?? CORE_PROVIDERS).map(normalName));
  const usage = await usageOf(context);
  if (usage.blind !== null) return none(`what is imported cannot be known: ${usage.blind}`);
  const optional: Provider[] = [];
  const needed: string[] = [];
  for (const path of files) {
    for (const requirement of parseRequirements(await context.view.read(path) ?? "")) {
      const name = normalName(requirement.name);
      const modules = providerModules(name);
      if (modules === undefined) continue;
      const sites = usage.importsOf(modules);
      const must = sites.find((site) => !site.isOptional);
      if (core.has(name)) needed.push(`${requirement.name} is a core provider`);
      else if (must !== undefined) needed.push(`${requirement.name} is needed by ${placesOf([must])}`);
      else optional.push({ path, requirement, name, sites });
    }
  }
  if (optional.length === 0) {
    return none(`no provider can be done without: ${needed.join("; ") || "none is listed"}`);
  }

  const python = await pythonVersionOf(context);
  let asked = 0;
  const fits = async (changed: readonly string[]) => {
    if (++asked > RESOLVES_MAX) return false;
    return (await resolveLines(context, changed, python)).ok;
  };
  if (await fits(lines)) {
    return none(await whyTheyResolve(context, files));
  }
  // A provider goes only when moving providers does not help: their versions are free here, other pins are not.
  const isProvider = (line: string) =>
    parseRequirements(line).some(({ name }) => providerModules(normalName(name)) !== undefined);
  const freed = lines.map((line) => {
    const [requirement] = parseRequirements(line);
    return requirement === undefined || !isProvider(line) ? line : `${requirement.name}${requirement.extras}`;
  });
  if (await fits(freed)) return none("other versions of the providers fit together: none has to go");

  for (const gone of smallestFirst(optional.slice(0, OPTIONAL_MAX))) {
    const names = new Set(gone.map(({ name }) => name));
    const rest = lines.filter((line) =>
      !parseRequirements(line).some(({ name }) => names.has(normalName(name)))
    );
    if (!await fits(rest)) continue;
    const edits = [];
    for (const path of new Set(gone.map((each) => each.path))) {
      const text = await context.view.read(path) ?? "";
      const dropped = gone.filter((each) => each.path === path).map((each) => each.requirement);
      edits.push({ path, content: withoutRequirements(text, dropped) });
    }
    const said = gone.map(({ requirement, sites }) =>
      `${requirement.name} (${sites.length === 0 ? "imported nowhere" : `optional in ${placesOf(sites)}`})`
    );
    return patch(
      edits,
      `Drop ${said.join(" and ")}, of which no version fits the other requirements; ${
        needed.length === 0 ? "the others stay" : needed.join("; ")
      }${leftOutText(await leftOutOf(context, files))}`,
      "medium",
    );
  }
  return none(`taking out ${optional.map(({ requirement }) => requirement.name).join(", ")} does not help`);
}

/** Every choice of these, those with the fewest first. */
function smallestFirst<T>(items: readonly T[]): T[][] {
  const all = Array.from(
    { length: 2 ** items.length - 1 },
    (_, at) => items.filter((_item, index) => ((at + 1) >> index) & 1),
  );
  return all.sort((a, b) => a.length - b.length);
}

export const pythonProviderRemedies: readonly Remedy[] = [{
  id: "python/drop-providers",
  kind: "patch",
  risk: "medium",
  causes: ["python-llm-provider-conflict"],
  propose: dropProviders,
}];
