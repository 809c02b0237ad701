import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { z } from "zod";
import { causes } from "../../../agents/analyzer/causes/all.ts";
import { findRemedy, remedies } from "../../../agents/fixer/remedies/all.ts";

const signs = causes.flatMap((cause) => cause.signs.map((sign) => ({ cause, sign })));
const corpus = fromFileUrl(new URL("../../../../shared/corpus/causes.json", import.meta.url));
const hasCorpus = await Deno.stat(corpus).then(() => true, () => false);

Deno.test("every cause has at least two examples that match one of its signs, and each sign's literal is needed", () => {
  for (const cause of causes) {
    assert(cause.examples.length >= 2, cause.slug);
    for (const example of cause.examples) {
      const matching = cause.signs.some(({ literal, pattern }) =>
        example.includes(literal) && pattern.test(example)
      );
      assert(matching, `${cause.slug}: ${example}`);
    }
  }
});

Deno.test("every remedy that a cause names exists and repairs that cause, and every service's remedy is named", () => {
  for (const cause of causes) {
    for (const id of cause.remedies) {
      assert(findRemedy(id)?.causes.includes(cause.slug), `${cause.slug}: ${id}`);
    }
  }
  for (const { id, causes: slugs } of remedies) {
    for (const slug of slugs) {
      // A Dockerfile's remedies are found by the cause they repair (`remediesFor`).
      if (id.startsWith("docker/")) continue;
      assert(causes.some((cause) => cause.slug === slug && cause.remedies.includes(id)), `${id}: ${slug}`);
    }
  }
});

Deno.test("no pattern is stateful, keys on a hash or an id, or repeats a group without a limit", () => {
  for (const { cause, sign } of signs) {
    const { source, flags } = sign.pattern;
    assertEquals(flags.replaceAll(/[im]/g, ""), "", cause.slug);
    assert(!/[0-9a-f]{12,}|(?:srv|dep|evt)-[0-9a-v]{20}/.test(source), cause.slug);
    // A group under * or + with a quantifier inside can take exponential time.
    assert(!/\((?:[^()]*[*+][^()]*)\)[*+]/.test(source), `${cause.slug}: ${source}`);
  }
});

Deno.test("every slug is one of the canonical list", { ignore: !hasCorpus }, async () => {
  const list = z.array(z.object({ slug: z.string() })).parse(JSON.parse(await Deno.readTextFile(corpus)));
  const canonical = new Set(list.map(({ slug }) => slug));
  assertEquals([...new Set(causes.map(({ slug }) => slug))].filter((slug) => !canonical.has(slug)), []);
});
