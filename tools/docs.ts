/**
 * Writes docs/configuration.md from the schema of evenkeel.yaml and the list of environment variables. A test
 * holds the file against what this prints.
 *
 *     deno run -A tools/docs.ts > docs/configuration.md && deno fmt docs/configuration.md
 */
import { configJsonSchema } from "../reconciler/config_schema.ts";
import { describeVariables } from "../reconciler/environment.ts";

interface Row {
  field: string;
  description: string;
  allowed: string;
  standard: string;
}

type Schema = Readonly<Record<string, unknown>>;

/** The reference of evenkeel.yaml and of the environment, as Markdown. */
export function configurationDocument(): string {
  const properties = childrenOf(configJsonSchema());
  const service = childrenOf(schemaIn(properties["services"], "items"));
  const rows = Object.entries(service).flatMap(([name, schema]) => rowsOf(name, schema));
  const commit = rowsOf("commit", properties["commit"] ?? {});
  const hooks = childrenOf(properties["hooks"] ?? {});
  return `# Configuration

Written by \`deno run -A tools/docs.ts\` from the schema that checks the file: change that, not this.

Evenkeel reads \`evenkeel.yaml\` in the folder it is started in, or the file that \`--config\` or \`EVENKEEL_CONFIG\` names.
[evenkeel.example.yaml](../evenkeel.example.yaml) shows every field with its default. Without a file, \`--service\` and the
environment are enough. What is said nearest to the run wins: flags, environment, the service's entry, \`defaults\`, the
built-in defaults. Every mistake is reported at once, with file, line, field, value and what is allowed.

\`deno task --quiet schema > evenkeel.schema.json\` gives editors the same schema.

## The file

| field | meaning |
|---|---|
| \`services\` | ${textOf(properties["services"], "description")}, a list of the fields below |
| \`defaults\` | ${
    textOf(properties["defaults"], "description")
  }: the fields below without \`service\`, \`repo\` and \`branch\` |
${
    commit.map(({ field, description, standard }) =>
      `| \`${field}\` | ${description || "Author of the commits"} [${standard}] |`
    ).join("\n")
  }

## A service

Durations are written \`500ms\`, \`90s\`, \`5m\`, \`1h 30m\`.

| field | meaning | allowed | default |
|---|---|---|---|
${rows.map(lineOf).join("\n")}

## Hooks

Under \`hooks\` at the top of the file; [hooks.md](hooks.md) says what they get.

| field | meaning | allowed | default |
|---|---|---|---|
${rowsOf("hooks.preset", hooks["preset"] ?? {}).map(lineOf).join("\n")}
${
    Object.entries(hooks).filter(([name]) => name !== "preset").map(([name, schema]) =>
      `| \`hooks.${name}\` | ${cell(textOf(schema, "description"))} | the fields below | |`
    ).join("\n")
  }
${targetRows(hooks["notify"] ?? {}).map(lineOf).join("\n")}

## Environment

A variable that is set to nothing counts as not set.

| variable | meaning |
|---|---|
${describeVariables().map(({ name, description }) => `| \`${name}\` | ${cell(description)} |`).join("\n")}
| \`EVENKEEL_STATUS_TOKEN\` | Bearer token of the status server, see [status.md](status.md) |
| \`EVENKEEL_DEBUG\` | \`1\` shows where an unexpected error happened |
| \`NO_COLOR\` | Anything: no colour |
`;
}

function lineOf(row: Row): string {
  return `| \`${row.field}\` | ${row.description} | ${row.allowed} | ${row.standard} |`;
}

/** The fields of a hook; each is one form's or both forms'. */
function targetRows(hook: Schema): Row[] {
  const fields = Object.assign({}, ...branchesOf(hook).map(childrenOf));
  return Object.entries<Schema>(fields).flatMap(([name, schema]) => rowsOf(`hooks.*.${name}`, schema));
}

function rowsOf(field: string, schema: Schema): Row[] {
  const branches = branchesOf(schema);
  const nested = branches.filter((branch) => Object.keys(childrenOf(branch)).length > 0);
  if (nested.length === 0) {
    const standard = schema["default"];
    return [{
      field,
      description: cell(textOf(schema, "description")),
      allowed: allowedOf(schema),
      standard: standard === undefined
        ? ""
        : cell(Array.isArray(standard) ? standard.map((one) => `\`${one}\``).join(" ") : `\`${standard}\``),
    }];
  }
  const own = branches.length > 1
    ? [{
      field,
      description: cell(textOf(schema, "description")),
      allowed: "`none` or the fields below",
      standard: "`none`",
    }]
    : [];
  return [
    ...own,
    ...nested.flatMap((branch) =>
      Object.entries(childrenOf(branch)).flatMap(([name, child]) => rowsOf(`${field}.${name}`, child))
    ),
  ];
}

function allowedOf(schema: Schema): string {
  const words = schema["enum"];
  if (Array.isArray(words)) return words.map((word) => `\`${word}\``).join(", ");
  const { type, minimum, maximum } = schema;
  if (type === "boolean") return "`true`, `false`";
  if (type === "array") return "a list";
  if (type === "integer" || type === "number") return `${minimum} to ${maximum}`;
  if (schema["examples"] !== undefined) return "a duration";
  return type === "string" ? "text" : "any JSON";
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function schemaIn(schema: Schema | undefined, key: string): Schema {
  const value = schema?.[key];
  return isSchema(value) ? value : {};
}

function childrenOf(schema: Schema): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(schemaIn(schema, "properties")).flatMap(([name, child]) =>
      isSchema(child) ? [[name, child]] : []
    ),
  );
}

function branchesOf(schema: Schema): Schema[] {
  const branches = schema["anyOf"];
  return Array.isArray(branches) ? branches.filter(isSchema) : [schema];
}

function textOf(schema: Schema | undefined, key: string): string {
  const value = schema?.[key];
  return typeof value === "string" ? value : "";
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) console.log(configurationDocument().trimEnd());
