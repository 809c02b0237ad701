import { assertEquals } from "@std/assert";
import { importsOf } from "../../../agents/code/python_imports.ts";
import { allowsVersion, compareVersions } from "../../../agents/code/python_versions.ts";

const read = (text: string) =>
  importsOf(text).sites.map(({ module, isOptional }) => isOptional ? `${module}?` : module);

Deno.test("importsOf() reads every form of import and what a program can do without", () => {
  assertEquals(read("import a, b.c as d  # x\nfrom e.f import (g,\n  h as i,\n)\nfrom . import own\n"), [
    "a",
    "b.c",
    "e.f",
    "e.f.g",
    "e.f.h",
  ]);
  assertEquals(read("x = 1; import a\nif x:\n    import b\nclass C:\n    import c\n"), ["a", "b", "c"]);
  assertEquals(read("try:\n    import a\nexcept ImportError:\n    a = None\n"), ["a?"]);
  assertEquals(
    read("try:\n    import a\nexcept (ValueError, ModuleNotFoundError) as error:\n    log(error)\n"),
    ["a?"],
  );
  assertEquals(read("try:\n    import a\nexcept ImportError:\n    raise RuntimeError('needed')\n"), ["a"]);
  assertEquals(read("try:\n    import a\nexcept ValueError:\n    pass\n"), ["a"]);
  assertEquals(read("try:\n    import a\nfinally:\n    done()\n"), ["a"]);
  assertEquals(read("async def f():\n    if x:\n        from a import b\n"), ["a?", "a.b?"]);
  assertEquals(read("if TYPE_CHECKING:\n    import a\n"), ["a?"]);
  assertEquals(read("m = importlib.import_module('a.b')\nn = __import__(\"c\")\n"), ["a.b", "c"]);
});

Deno.test("importsOf() says where a module's name cannot be read", () => {
  assertEquals(importsOf("import_module(f'plugins.{name}')\n").isBlind, true);
  assertEquals(importsOf("import_module('plugins.a')\n").isBlind, false);
});

Deno.test("allowsVersion() understands the operators of a requirement", () => {
  const cases: [string, string, boolean][] = [
    ["<4.0.0,>=3.9.3", "3.9.1", false],
    ["<4.0.0,>=3.9.3", "3.9.5", true],
    ["~=1.4.2", "1.4.9", true],
    ["~=1.4.2", "1.5", false],
    ["==1.4.*", "1.4.7", true],
    ["==1.4", "1.4.0", true],
    ["!=1.4", "1.4.0", false],
    [">1,<=2", "2.0.1", false],
    ["", "1", true],
    ["@ somewhere", "1", false],
  ];
  for (const [range, version, expected] of cases) {
    assertEquals([range, version, allowsVersion(range, version)], [range, version, expected]);
  }
  assertEquals(compareVersions("1.10", "1.9.9") > 0, true);
});
