/**
 * The difference of two texts as a unified diff that `git apply` and `patch -p1` take. In process, with a bound
 * on its work: texts that differ in too much are shown as one block taken out and one put in.
 */

/** Unchanged lines shown around a change. */
const CONTEXT_LINES = 3;
/** Cells of the table that finds the common lines; beyond it the middle is one block. */
const CELLS_MAX = 4_000_000;

export type Step = { kind: " " | "-" | "+"; line: string };

/**
 * @param before null for a file that is new
 * @param after null for a file that is removed
 * @returns "" when nothing differs
 */
export function unifiedDiffOf(path: string, before: string | null, after: string | null): string {
  if (before === after) return "";
  const steps = stepsBetween(linesOf(before ?? ""), linesOf(after ?? ""));
  const head = [
    `diff --git a/${path} b/${path}`,
    ...(before === null ? ["new file mode 100644"] : after === null ? ["deleted file mode 100644"] : []),
    before === null ? "--- /dev/null" : `--- a/${path}`,
    after === null ? "+++ /dev/null" : `+++ b/${path}`,
  ];
  const hunks = hunksOf(steps);
  return hunks === "" ? "" : `${head.join("\n")}\n${hunks}`;
}

/** Lines with their ends, so that a missing last newline is a difference. */
export function linesOf(text: string): string[] {
  return text === "" ? [] : text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** What to keep, take out and put in, line by line; a line holds its end. */
export function stepsBetween(a: readonly string[], b: readonly string[]): Step[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const same = (lines: readonly string[]): Step[] => lines.map((line) => ({ kind: " ", line }));
  return [
    ...same(a.slice(0, head)),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(a.slice(a.length - tail)),
  ];
}

/** The longest common subsequence, by its table. */
function middle(a: readonly string[], b: readonly string[]): Step[] {
  const block = (): Step[] => [
    ...a.map((line): Step => ({ kind: "-", line })),
    ...b.map((line): Step => ({ kind: "+", line })),
  ];
  const width = b.length + 1;
  if (a.length === 0 || b.length === 0 || (a.length + 1) * width > CELLS_MAX) return block();
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i * width + j] = a[i] === b[j]
        ? table[(i + 1) * width + j + 1]! + 1
        : Math.max(table[(i + 1) * width + j]!, table[i * width + j + 1]!);
    }
  }
  const steps: Step[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      steps.push({ kind: " ", line: a[i]! });
      i++;
      j++;
    } else if (table[(i + 1) * width + j]! >= table[i * width + j + 1]!) {
      steps.push({ kind: "-", line: a[i++]! });
    } else steps.push({ kind: "+", line: b[j++]! });
  }
  while (i < a.length) steps.push({ kind: "-", line: a[i++]! });
  while (j < b.length) steps.push({ kind: "+", line: b[j++]! });
  return steps;
}

function hunksOf(steps: readonly Step[]): string {
  const changed = steps.flatMap(({ kind }, at) => kind === " " ? [] : [at]);
  let text = "";
  let oldLine = 1;
  let newLine = 1;
  let at = 0;
  for (let first = 0; first < changed.length;) {
    let last = first;
    while (last + 1 < changed.length && changed[last + 1]! - changed[last]! <= 2 * CONTEXT_LINES) last++;
    const from = Math.max(0, changed[first]! - CONTEXT_LINES);
    const to = Math.min(steps.length, changed[last]! + CONTEXT_LINES + 1);
    for (; at < from; at++) {
      oldLine++;
      newLine++;
    }
    let oldCount = 0;
    let newCount = 0;
    let body = "";
    for (; at < to; at++) {
      const { kind, line } = steps[at]!;
      if (kind !== "+") oldCount++;
      if (kind !== "-") newCount++;
      body += kind + line + (line.endsWith("\n") ? "" : "\n\\ No newline at end of file\n");
    }
    const range = (line: number, count: number) => `${count === 0 ? line - 1 : line},${count}`;
    text += `@@ -${range(oldLine, oldCount)} +${range(newLine, newCount)} @@\n${body}`;
    oldLine += oldCount;
    newLine += newCount;
    first = last + 1;
  }
  return text;
}
