import { assertEquals, assertNotEquals } from "@std/assert";
import { tellingLine, TEMPLATE_CHARS_MAX, templateOf } from "../../text/template.ts";

Deno.test("lines that differ in numbers, paths, hashes, names, versions and times have one template", () => {
  const pairs: [string, string][] = [
    [
      "2024-01-02T03:04:05Z frob /a/b.c:12 failed after 3.5s",
      "2025-11-12T13:14:15Z frob /other/x/y.z:9 failed after 17s",
    ],
    [
      "cannot load 'abc' 1.2.3 from https://a.example/x?y=1",
      "cannot load 'xy z' 10.0.1-rc1 from http://b.example/",
    ],
    [
      "object 3f786850e387550fdab836ed7e6dc881de23001b is corrupt",
      "object 89e6c98d92887913cadf06b2adb97f26cde4849b is corrupt",
    ],
    ["task 0b8b1d3e-3c5f-4a5a-9f43-0d4f5b6c7d8e died", "task 11111111-2222-3333-4444-555555555555 died"],
  ];
  for (const [one, other] of pairs) assertEquals(templateOf(one), templateOf(other));
  assertNotEquals(templateOf("frob failed"), templateOf("grob failed"));
});

Deno.test("a template is bounded and harmless whatever the line", () => {
  const line = `\x1b[31m${"'".repeat(5000)}\u202eabc${"/a".repeat(5000)}`;
  const template = templateOf(line);
  assertEquals([
    template.length <= TEMPLATE_CHARS_MAX,
    ["\x1b", "\u202e"].some((each) => template.includes(each)),
  ], [true, false]);
});

Deno.test("the telling line is the last that says more than that something failed", () => {
  const lines = [
    "frobnication failed: no more frobs",
    "==> Exited with status 1",
    "returned a non-zero code: 1",
    'build_ended: {"failure":{"evicted":false,"nonZeroExit":1}}',
    'pre_deploy_ended: {"failure":{"evicted":false,"nonZeroExit":3}}',
    'deploy_ended: {"failure":{"evicted":false,"nonZeroExit":3}}',
    'server_failed: {"nonZeroExit":3}',
  ].map((text) => ({ text }));
  assertEquals(tellingLine(lines)?.text, "frobnication failed: no more frobs");
  assertEquals(tellingLine(lines.slice(1, 3))?.text, "returned a non-zero code: 1");
  assertEquals(tellingLine(lines.slice(1)), lines.at(-1));
  assertEquals(tellingLine([]), null);
});
