import { assertEquals } from "@std/assert";
import { topImportsOf } from "../../../agents/code/python_top_imports.ts";
import { isProvidedBy, sureDistributionOf } from "../../../agents/code/sure_distributions.ts";

const read = (text: string) =>
  topImportsOf(text).map(({ level, module, names, line }) =>
    `${line} ${".".repeat(level)}${module}${names.length === 0 ? "" : ` (${names.join(" ")})`}`
  );

Deno.test("topImportsOf() reads the imports that a file makes for certain, over several lines too", () => {
  assertEquals(
    read("import a, b.c as d  # x\nfrom e.f import (g,  # of\n  h as i,\n)\nfrom . import own\n"),
    [
      "1 a",
      "1 b.c",
      "2 e.f (g h)",
      "5 . (own)",
    ],
  );
  assertEquals(read("x = 1; import a\r\nfrom b import \\\r\n    c\r\nfrom ..d.e import f"), [
    "1 a",
    "2 b (c)",
    "4 ..d.e (f)",
  ]);
});

Deno.test("topImportsOf() takes nothing for an import that may not happen or is none", () => {
  assertEquals(read("try:\n    import a\nexcept ImportError:\n    a = None\n"), []);
  assertEquals(read("if sys.platform == 'win32':\n    import a\ndef f():\n    import b\n"), []);
  assertEquals(
    read("if TYPE_CHECKING:\n    from a import B\nif x: import c\ntry: import d\nfinally: pass\n"),
    [],
  );
  assertEquals(read('"""Use it so:\nimport a\n"""\nimport b\n'), ["4 b"]);
  assertEquals(read("TEXT = '''\nimport a\n'''; OTHER = ('it is',\nimport_me)\n# import c\n"), []);
  assertEquals(read("x = 'it\\'s'\nr'\\'\nimport b\nd = f\"{x}\"\nimport e\n"), ["3 b", "5 e"]);
  assertEquals(read("important = 1\nfrom_here = 2\nimport\nfrom x\n"), []);
});

Deno.test("a distribution is named only for a module of which it is certain", () => {
  const cases: [string[], string | null][] = [
    [["yaml"], "PyYAML"],
    [["PIL", "PIL.Image"], "Pillow"],
    [["requests"], "requests"],
    [["pydantic_settings"], "pydantic-settings"],
    [["google.cloud", "google.cloud.storage"], "google-cloud-storage"],
    [["google.cloud"], null],
    [["google"], null],
    [["opentelemetry.instrumentation.fastapi"], null],
    [["inhouse"], null],
    [["MySQLdb"], null],
  ];
  assertEquals(cases.map(([modules]) => sureDistributionOf(modules)), cases.map(([, name]) => name));
  const has = (module: string, distribution: string, ...names: string[]) =>
    isProvidedBy(module, distribution, new Set(names));
  assertEquals(has("cv2", "opencv-python-headless", "opencv-contrib-python"), true);
  assertEquals(has("psycopg2", "psycopg2-binary", "psycopg2"), true);
  assertEquals(has("yaml", "PyYAML", "pyyaml"), true);
  assertEquals(has("yaml", "PyYAML", "toml"), false);
});
