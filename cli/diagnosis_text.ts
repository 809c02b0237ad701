/** A diagnosis as text for people and as JSON for programs. Whatever comes from the log is sanitised and redacted. */
import { readLog } from "../agents/analyzer/log_lines.ts";
import type { Diagnosis, Proposal } from "../agents/messages.ts";
import { createRedactor } from "../text/redact.ts";
import { createPainter, safe, SHOWN_CHARACTERS_MAX, wrap } from "./output.ts";

/** Lines shown before and after the evidence. */
const CONTEXT_LINES = 2;
const TEXT_COLUMNS = 100;

export interface Answer {
  diagnosis: Diagnosis;
  remedy: { id: string; kind: string; risk: string } | null;
  proposal: Proposal | null;
  /** A unified diff, or the settings that would change. */
  patch: string | null;
}

/** The documented shape of `-o json`: the diagnosis without its captures, and what would help. */
export function asJson({ diagnosis, remedy, proposal, patch }: Answer) {
  const { remedies: _, captures: __, ...told } = diagnosis;
  return {
    ...told,
    remedy,
    proposal: proposal === null ? null : proposal.kind === "none" ? proposal.why : proposal.summary,
    patch,
  };
}

export function asText(
  { diagnosis, remedy, proposal, patch }: Answer,
  log: string,
  { why, repo }: { why: boolean; repo: string | undefined },
): string {
  const { paint } = createPainter();
  const { cause, confidence, evidence } = diagnosis;
  const blocks: string[] = [];
  if (cause === "unknown") {
    blocks.push(
      `${paint("yellow", "The cause is not known.")} ${
        diagnosis.excerpt.length > 0 ? "These lines look like errors:" : ""
      }`,
    );
    blocks.push(diagnosis.excerpt.map(({ line, text }) => `${String(line).padStart(7)}  ${text}`).join("\n"));
  } else {
    blocks.push(
      `${paint("bold", cause)}  ${Math.round(confidence * 100)} % sure\n${
        wrap(diagnosis.summary, TEXT_COLUMNS)
      }`,
    );
    if (evidence !== null) blocks.push(contextOf(log, evidence.line, paint));
    if (diagnosis.chain.length > 1) blocks.push(`What followed: ${diagnosis.chain.slice(1).join(", ")}`);
    blocks.push(remedyText(remedy, proposal, repo, diagnosis));
    if (patch !== null) blocks.push(coloured(patch, paint));
  }
  if (why && diagnosis.rejected.length > 0) {
    blocks.push(
      ["Rejected:", ...diagnosis.rejected.map((each) => wrap(`${each.cause}: ${each.why}`, TEXT_COLUMNS, 2))]
        .join("\n"),
    );
  }
  return blocks.filter((block) => block !== "").join("\n\n");
}

type Paint = ReturnType<typeof createPainter>["paint"];

function contextOf(log: string, line: number, paint: Paint): string {
  const { lines, numberOf } = readLog(log);
  const redact = createRedactor([]);
  const at = lines.findIndex((_, index) => numberOf(index) === line);
  const from = Math.max(0, at - CONTEXT_LINES);
  return lines.slice(from, at + CONTEXT_LINES + 1).map((text, index) => {
    const shown = `${String(numberOf(from + index)).padStart(7)}  ${
      redact(text.slice(0, SHOWN_CHARACTERS_MAX))
    }`;
    return from + index === at ? paint("red", `>${shown.slice(1)}`) : paint("dim", shown);
  }).join("\n");
}

function remedyText(
  remedy: Answer["remedy"],
  proposal: Proposal | null,
  repo: string | undefined,
  diagnosis: Diagnosis,
): string {
  if (remedy !== null) {
    const what = proposal !== null && proposal.kind !== "none" ? proposal.summary : findRemedyText(repo);
    return wrap(`Remedy: ${remedy.id} (${remedy.kind}, ${remedy.risk} risk). ${safe(what)}`, TEXT_COLUMNS);
  }
  if (proposal?.kind === "none") return wrap(`No remedy applies: ${safe(proposal.why)}`, TEXT_COLUMNS);
  return diagnosis.redeployMayCure
    ? "The same commit may succeed when it is tried again."
    : "No remedy is known for this cause: a person has to mend it.";
}

const findRemedyText = (repo: string | undefined) => repo === undefined ? "--repo DIR shows the change." : "";

function coloured(patch: string, paint: Paint): string {
  return patch.split("\n").map((line) => {
    // `safe` trims; the indent of a diff line is part of what it says, and is of blanks only.
    const shown = line.replaceAll("\t", "    ");
    const text = safe(shown);
    const clean = text === "" ? "" : (/^ */.exec(shown)?.[0] ?? "") + text;
    return line.startsWith("+") ? paint("green", clean) : line.startsWith("-") ? paint("red", clean) : clean;
  }).join("\n");
}
