/**
 * Writes docs/reliability.md: what Evenkeel promises to survive, each promise with the tests that make it happen. A
 * test says so at the end of its name, `(promise 5)`, more than one after another where it shows more than one. A
 * test holds the file against what this prints, and fails while a promise has no test.
 *
 *     deno run -A tools/reliability_docs.ts > docs/reliability.md && deno fmt docs/reliability.md
 */
import { fromFileUrl } from "@std/path";
import { THEMES } from "./reliability_promises.ts";
import type { PromiseMade } from "./reliability_promises.ts";

/** A test that shows a promise. */
export interface ShowingTest {
  promise: number;
  /** Without what it shows. */
  name: string;
  /** From the project's folder, with slashes. */
  file: string;
}

/** A promise with more tests than this shows them folded. */
const TESTS_UNFOLDED_MAX = 8;
const TAGS = /(?: *\(promises? [^()\n]*\))+/g;

export const PROMISES: readonly PromiseMade[] = THEMES.flatMap(({ promises }) => promises)
  .toSorted((a, b) => a.number - b.number);

/**
 * The tests of a file that show a promise. In a loop, the tag ends the literal that differs or the template.
 * @param file only named
 * @throws {Error} for a tag that does not end a literal or names no promise: it would be left out without a word
 */
export function testsIn(source: string, file: string): ShowingTest[] {
  return [...source.matchAll(TAGS)].flatMap((tags) => {
    const line = source.slice(0, tags.index).split("\n").length;
    const quote = source[tags.index + tags[0].length] ?? "";
    const name = /["'`]/.test(quote) ? literalBefore(source.slice(0, tags.index), quote) : null;
    return tags[0].trim().split(/(?<=\)) */).map((tag) => {
      const promise = Number(/^\(promise (\d+)\)$/.exec(tag)?.[1]);
      if (name === null || !PROMISES.some(({ number }) => number === promise)) {
        throw new Error(`Cannot read ${file}:${line}: ${tag} has to end a test's name, with a known number`);
      }
      return { promise, name, file };
    });
  });
}

/** What a literal says up to the end of the given text, with the literals that it is joined to. */
function literalBefore(text: string, quote: string): string | null {
  let start = text.length;
  do start = text.lastIndexOf(quote, start - 1); while (start > 0 && text[start - 1] === "\\");
  if (start < 0) return null;
  const literal = text.slice(start + 1).replaceAll(/\\(.)/g, "$1").replaceAll(/\$\{[^{}]*\}/g, "…").trim();
  const [joined] = /["'`]\s*\+\s*$/.exec(text.slice(0, start)) ?? [];
  if (joined === undefined) return literal;
  const earlier = text.slice(0, start - joined.length);
  return `${literalBefore(earlier, joined.slice(0, 1)) ?? ""} ${literal}`;
}

/** Every test that shows a promise, by file. @param root the project's folder, with a slash at its end */
export async function findTests(root = new URL("../", import.meta.url)): Promise<ShowingTest[]> {
  const files: string[] = [];
  const walk = async (folder: string) => {
    for await (const entry of Deno.readDir(new URL(`${folder}/`, root))) {
      if (entry.isDirectory) await walk(`${folder}/${entry.name}`);
      else if (entry.name.endsWith("_test.ts")) files.push(`${folder}/${entry.name}`);
    }
  };
  await walk("tests");
  const found: ShowingTest[] = [];
  for (const file of files.toSorted()) {
    found.push(...testsIn(await Deno.readTextFile(fromFileUrl(new URL(file, root))), file));
  }
  return found;
}

/** The promises and their tests, as Markdown. */
export function reliabilityDocument(tests: readonly ShowingTest[]): string {
  return `# What Evenkeel survives

Written by \`deno run -A tools/reliability_docs.ts\` from the names of the tests: change those, not this.

Evenkeel pushes commits and deploys by itself. ${PROMISES.length} things must not lead it astray: each is listed here with what
happens, what holds, and the tests that make it happen. To run those of one promise:

\`\`\`sh
deno task test --filter "(promise 9)"
\`\`\`

What is exhaustive (every line of the journal, every page of the database, a thousand children) runs as a sample
in \`deno task test\`, or not at all, and in full with \`deno task test:full\`. Beside the tests, \`deno task sim --seeds 10000\` runs the controller through
seeds of a world where everything goes wrong, and \`deno task soak --minutes 30\` runs 200 services for weeks of simulated
time and measures what grows ([soak.md](soak.md)).

| | promise | tests |
|---|---|---|
${
    PROMISES.map((one) =>
      `| ${one.number} | [${one.title}](#${anchorOf(one)}) | ${testsOf(one, tests).length} |`
    ).join("\n")
  }

${
    THEMES.map((theme) =>
      `## ${theme.title}\n\n${theme.promises.map((one) => section(one, tests)).join("\n\n")}`
    ).join("\n\n")
  }
`;
}

function section(promise: PromiseMade, tests: readonly ShowingTest[]): string {
  const shown = testsOf(promise, tests);
  const files = [...new Set(shown.map(({ file }) => file))];
  const list = files.map((file) =>
    `- [${file}](../${file})\n${
      shown.filter((one) => one.file === file).map(({ name }) => `  - ${markdown(name)}`).join("\n")
    }`
  ).join("\n");
  return [
    `### ${headingOf(promise)}`,
    `**Happens:** ${promise.happens}\\\n**Holds:** ${promise.holds}`,
    shown.length > TESTS_UNFOLDED_MAX
      ? `<details><summary>${shown.length} tests</summary>\n\n${list}\n\n</details>`
      : list === ""
      ? "No test shows it yet."
      : list,
  ].join("\n\n");
}

function testsOf({ number }: PromiseMade, tests: readonly ShowingTest[]): ShowingTest[] {
  return tests.filter(({ promise }) => promise === number);
}

const headingOf = ({ number, title }: PromiseMade) => `${number}. ${title}`;

/** As code hosts make anchors of headings. */
function anchorOf(promise: PromiseMade): string {
  return headingOf(promise).toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-");
}

/** A test's name as plain text of a document. */
function markdown(name: string): string {
  return name.replaceAll(/[\\`*_<>[\]|#]/g, "\\$&");
}

if (import.meta.main) console.log(reliabilityDocument(await findTests()).trimEnd());
