/**
 * Writes docs/artifacts.md from the schemas by which the files are written. A test holds the file against what
 * this prints.
 *
 *     deno run -A tools/artifact_docs.ts > docs/artifacts.md && deno fmt docs/artifacts.md
 */
import { z } from "zod";
import { agentOutputSchema, deploymentPlanSchema, finalStateSchema } from "../state/artifact_shapes.ts";
import { SESSION_LOG_BYTES_MAX } from "../state/artifacts.ts";
import { learningStateSchema } from "../state/learning_state.ts";
import { SESSION_INCIDENTS_LISTED } from "../state/sessions.ts";
import { SESSIONS_KEPT } from "../state/sessions_kept.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The reference of every file under artifacts/ and memory/, as Markdown. */
export function artifactsDocument(): string {
  return `# Files for people and programs

Written by \`deno run -A tools/artifact_docs.ts\` from the schemas that check the files: change those, not this.

Beside its database Evenkeel keeps files in the data folder (\`EVENKEEL_DATA_DIR\`) that anybody may read. They are
copies: nothing is decided by them. Each is replaced whole, so a reader never meets half of one; text in them is free
of control characters and of secrets. They are written at the end of a run, also when it is ended by SIGTERM, SIGINT
or an error, and every 30 seconds while \`reconcile\` runs; the logs and the agents' outputs as things happen. Fields are
added, not changed; \`schemaVersion\` rises when one changes its meaning. Times are RFC 3339.

| file | holds |
|---|---|
| \`artifacts/deploy_learning_state.json\` | what was learned |
| \`memory/swarm/{agent}_output.json\` | the last answer of each agent |
| \`memory/sessions/{session}/deployment_plan.json\` | what a session set out to do, and why |
| \`memory/sessions/{session}/final_state.json\` | how it stands or ended |
| \`memory/sessions/{session}/swarm_output.log\` | a line for each run of an agent |
| \`memory/sessions/{session}/fallback_output.log\` | the same for agents that ran in Evenkeel's own process |

\`SESSION_ID\` names the session; without it the name is made from the time. The same id again continues the session:
the logs are appended to, earlier incidents and the time it began stay. A session lists its ${SESSION_INCIDENTS_LISTED} newest
incidents; one that another session opened and this one goes on with is among them. \`deno task evenkeel sessions\` lists
sessions, \`deno task evenkeel session ID\` tells one. The files of the ${SESSIONS_KEPT} newest sessions stay.

## Iterations

Each attempt of an incident is an iteration. Its status is made from the attempt's:

| status | the attempt |
|---|---|
| \`fixed\` | changed the code or a setting, and the service was proven good; or its own cause is gone and another one came to light (\`exposed\`) |
| \`success\` | changed nothing (a redeploy, a restart), and the service was proven good |
| \`failed\` | was deployed and failed, or went live and was not good |
| \`rolled_back\` | put a proven deploy back in place |
| \`no_effect\` | helped nothing, was overtaken by somebody else's deploy, or was only shown (mode \`suggest\`) |
| \`running\` | is not over |

## Phases

A session walks five phases (SPARC). Of one incident they follow one another without a gap, so they add up to the time
from the look that found it to its end; waiting for a person belongs to none. After a failed attempt, and after a
rollback, Pseudocode begins anew.

| phase | from | until |
|---|---|---|
| Specification | the look that found the gap | the incident is opened |
| Pseudocode | then | the cause is named and the remedies are in order |
| Architecture | then | the agents have made and checked the change |
| Refinement | then | it is carried out, deployed and live |
| Completion | the first of the good samples that counted | the service is proven good and the outcome is learned |

## \`deployment_plan.json\`

${tableOf(deploymentPlanSchema)}

## \`final_state.json\`

${tableOf(finalStateSchema)}

## \`swarm_output.log\`, \`fallback_output.log\`

One line a run: time, agent, \`attempt N of SERVICE INCIDENT\`, the topology, what it concluded in a few words, how long
it took; or time, agent, \`attempt N of SERVICE INCIDENT\`, \`failed:\`, why, how long (\`of SERVICE\` alone for one that
only looked). When the swarm fails both logs say so, with \`swarm\` in the agent's place. With \`--agents off\` there is
no topology. A log that would exceed
${SESSION_LOG_BYTES_MAX / 1024 / 1024} MiB is kept as \`.1\`, in place of the one before.

    2026-01-01T12:00:01.000Z analyzer attempt 1 of my-api inc_0123456789 mesh node-module-missing (94 %) 125 ms

## \`{agent}_output.json\`

For \`monitor\`, \`analyzer\`, \`optimizer\`, \`fixer\`, \`validator\` and \`deployer\`.

${tableOf(agentOutputSchema)}

## \`deploy_learning_state.json\`

${tableOf(learningStateSchema)}
`;
}

function tableOf(schema: z.ZodType): string {
  const rows = rowsOf("", z.toJSONSchema(schema, { io: "output" }));
  return ["| field | type | meaning |", "|---|---|---|", ...rows].join("\n");
}

/** One row a field, those of a list or a map below it. @param path of the schema's owner, empty at the top */
function rowsOf(path: string, schema: Schema): string[] {
  return Object.entries(schemaIn(schema, "properties")).flatMap(([name, child]) => {
    if (!isSchema(child)) return [];
    const field = path === "" ? name : `${path}.${name}`;
    const { inner, suffix } = innermost(child);
    const meaning = [child, inner].map((one) => one["description"]).find((text) => typeof text === "string");
    const row = `| \`${field}\` | ${typeOf(child)} | ${cell(String(meaning ?? ""))} |`;
    return [row, ...rowsOf(field + suffix, inner)];
  });
}

/** What a nullable, a list or a map is of. */
function innermost(schema: Schema): { inner: Schema; suffix: string } {
  const bare = withoutNull(schema);
  if (isSchema(bare["items"])) {
    const { inner, suffix } = innermost(bare["items"]);
    return { inner, suffix: `[]${suffix}` };
  }
  if (isSchema(bare["additionalProperties"]) && Object.keys(bare["additionalProperties"]).length > 0) {
    const { inner, suffix } = innermost(bare["additionalProperties"]);
    return { inner, suffix: `.*${suffix}` };
  }
  return { inner: bare, suffix: "" };
}

function withoutNull(schema: Schema): Schema {
  const branches = Array.isArray(schema["anyOf"]) ? schema["anyOf"].filter(isSchema) : [];
  const others = branches.filter((branch) => branch["type"] !== "null");
  return others.length === 1 && others[0] !== undefined ? others[0] : schema;
}

function typeOf(schema: Schema): string {
  const branches = Array.isArray(schema["anyOf"]) ? schema["anyOf"].filter(isSchema) : [];
  const bare = withoutNull(schema);
  if (bare !== schema && branches.some((branch) => branch["type"] === "null")) {
    return `${typeOf(bare)} or null`;
  }
  const words = schema["enum"];
  if (Array.isArray(words)) return words.map((word) => `\`${word}\``).join(", ");
  if (schema["const"] !== undefined) return `\`${schema["const"]}\``;
  if (isSchema(schema["items"])) return `list of ${typeOf(schema["items"])}`;
  if (Array.isArray(schema["type"])) return schema["type"].join(" or ");
  if (schema["type"] !== "object") return typeof schema["type"] === "string" ? schema["type"] : "any JSON";
  const values = schema["additionalProperties"];
  return isSchema(values) && Object.keys(values).length > 0 ? `map of ${typeOf(values)}` : "object";
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function schemaIn(schema: Schema, key: string): Schema {
  const value = schema[key];
  return isSchema(value) ? value : {};
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) console.log(artifactsDocument().trimEnd());
