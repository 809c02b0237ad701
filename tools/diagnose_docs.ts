/**
 * Writes docs/diagnose.md: how cases are given to `diagnose --batch`, and the catalogue of causes and remedies as
 * tables. A test holds the file against what this prints.
 *
 *     deno run -A tools/diagnose_docs.ts > docs/diagnose.md && deno fmt docs/diagnose.md
 */
import { causes } from "../agents/analyzer/causes/all.ts";
import type { Cause } from "../agents/analyzer/catalogue.ts";
import { remedies, remediesFor } from "../agents/fixer/remedies/all.ts";
import { BATCH_LINE_BYTES_MAX } from "../cli/diagnose_batch.ts";
import { PATCH_CONFIDENCE_MIN } from "../cli/diagnose_case.ts";
import { LOG_BYTES_MAX } from "../cli/diagnose.ts";
import { UNKNOWNS_KEPT } from "../state/unknowns.ts";
import { LOG_CHARS_MAX, LOG_LINES_MAX } from "../text/sanitize.ts";

const MIB = 1024 * 1024;

/** The reference of the diagnosis, as Markdown. */
export function diagnoseDocument(): string {
  return `# Diagnosis

Written by \`deno run -A tools/diagnose_docs.ts\` from the catalogues: change those, not this.

\`deno task diagnose LOG\` names the cause of a failed build or start, with the evidence in its context. \`--why\` says why
other causes were rejected, \`--repo DIR\` shows the change that would help, \`-o json\` gives JSON. It needs no account,
changes nothing and runs nothing that the log says. A log may have ${
    LOG_BYTES_MAX / MIB
  } MiB; of a long one the beginning and the end
are read, ${LOG_CHARS_MAX / MIB} Mi characters and ${LOG_LINES_MAX} lines in all.

## Many cases at once

\`deno task --quiet diagnose --batch < cases.jsonl > answers.jsonl\` reads JSON Lines on standard input and writes one line for
each, in order and as they come, in memory that does not grow with their number.

| field of a case | meaning |
|---|---|
| \`id\` | a string or a number, given back in the answer; may be left out |
| \`log\` | the log, required |
| \`runtime\` | the service's runtime: \`docker\`, \`node\`, \`python\` ...; Dockerfiles are only mended for \`docker\` or where it is left out |
| \`phase\` | \`build\`, \`pre-deploy\`, \`start\` or \`run\`; anything else is read from the log |
| \`files\` | an object from path to text: what may be read and patched |
| \`paths\` | a list of every path of the repository, where known |
| \`buildCommand\`, \`startCommand\` | the service's commands |

| field of an answer | meaning |
|---|---|
| \`id\` | the case's, or null |
| \`cause\` | a slug of the table below, or \`unknown\` |
| \`confidence\` | 0 to 1; 0 for \`unknown\` |
| \`evidence\` | \`{"line","text"}\`: the line of the log from 1, sanitised and redacted; null for \`unknown\` |
| \`chain\` | the root cause, then what followed from it |
| \`fingerprint\` | 16 hexadecimal digits, the same for the same failure |
| \`summary\` | one sentence |
| \`remedy\` | \`{"id","kind","risk"}\` of the remedy that applies, or null |
| \`patch\` | a unified diff against \`files\` for \`git apply\` or \`patch -p1\`, or null |

A patch is made from the given files alone: no network, no tool, no guess. Where the confidence is below ${PATCH_CONFIDENCE_MIN}, the file that
would change was not given, or the remedy has to ask a package registry, the remedy is named without a patch.

A line that cannot be answered (no JSON, no \`log\`, longer than ${
    BATCH_LINE_BYTES_MAX / MIB
  } MiB) gives \`{"id","line","error"}\` with its number
and the reason, and the rest goes on. Empty lines are skipped. Exit code 0 means that every line was answered, 1 that one
was not, or that the reader of the answers went away, 2 that a flag is wrong.

## Unknown failures

Where \`EVENKEEL_DATA_DIR\` is set, \`diagnose\` counts failures that it does not know in the data folder; \`once\` and \`reconcile\`
always do. Two belong together when the line that tells most is the same but for numbers, paths, hashes, quoted names,
versions and times. \`deno task evenkeel unknowns\` lists them with their count, when they were first and last seen, and an
example; \`-o json\` gives \`{"schemaVersion":1,"unknowns":[{"template","count","firstSeen","lastSeen","example"}]}\`. The
${UNKNOWNS_KEPT} most recently seen are kept.

## Causes

\`cause\`: fails by itself. \`consequence\`: usually follows from something else in the log. \`symptom\`: decides only when nothing
under it does. A redeploy alone can cure those marked so: it comes once before any change.

| cause | where | severity | redeploy | remedies |
|---|---|---|---|---|
${[...bySlug().values()].map(causeRow).join("\n")}

## Remedies

The risk is the least of what a remedy proposes.

\`python/add-requirement\` also adds what the program will miss next, so that it takes one commit: what it imports for certain
when it starts (at the left margin of a file that the start command reaches), what no requirement brings, and what is
surely the distribution of that name. A name that is only likely comes alone, when Python asks for it.

pip is asked about requirement lines under the service's constraints files (\`-c\`, also on the command line), whose pins may
move as well. Lines that would run code or ask elsewhere (\`-e .\`, a path, an address, \`--index-url\`) are left out, and the
summary of the change says which.

| remedy | changes | risk | for |
|---|---|---|---|
${
    remedies.map(({ id, kind, risk, causes }) =>
      `| \`${id}\` | ${kind} | ${risk} | ${causes.map(code).join(" ")} |`
    ).toSorted().join("\n")
  }
`;
}

/** A slug may have several entries. */
function bySlug(): Map<string, Cause[]> {
  const groups = new Map<string, Cause[]>();
  for (const cause of causes.toSorted((a, b) => a.slug < b.slug ? -1 : a.slug > b.slug ? 1 : 0)) {
    groups.set(cause.slug, [...groups.get(cause.slug) ?? [], cause]);
  }
  return groups;
}

function causeRow(entries: readonly Cause[]): string {
  const [first] = entries;
  if (first === undefined) return "";
  const all = (values: readonly string[]) => [...new Set(values)].join(", ");
  const known = remediesFor({ cause: first.slug, remedies: entries.flatMap((each) => each.remedies) }, null);
  return `| \`${first.slug}\` | ${all(entries.flatMap((each) => each.phases))} | ${
    all(entries.map((each) => each.severity))
  } | ${entries.some((each) => each.redeployMayCure) ? "may cure" : ""} | ${
    [...new Set(known.map(({ id }) => id))].map(code).join(" ")
  } |`;
}

const code = (text: string) => `\`${text}\``;

if (import.meta.main) console.log(diagnoseDocument().trimEnd());
