import { assertEquals } from "@std/assert";
import { foundingFiles, pinChanges } from "../../cli/scenario/founding.ts";

Deno.test("the founding service carries its 16 pins and imports every one of them", async () => {
  const files = await foundingFiles();
  const pins = (files["requirements.txt"] ?? "").trim().split("\n");
  assertEquals(pins.length, 16);
  assertEquals(pins.every((pin) => /^[\w-]+(?:\[standard\])?==[\d.]+$/.test(pin)), true);
  const code = Object.entries(files).filter(([path]) => path.endsWith(".py")).map(([, text]) => text).join(
    "\n",
  );
  const modules = [
    "fastapi",
    "sqlalchemy",
    "psycopg2",
    "openai",
    "anthropic",
    "cohere",
    "google.generativeai",
  ];
  for (
    const module of [
      ...modules,
      "replicate",
      "together",
      "requests",
      "httpx",
      "aiohttp",
      "numpy",
      "pandas",
      "sklearn",
    ]
  ) {
    assertEquals([module, new RegExp(`^(?:import|from) ${module}\\b`, "m").test(code)], [module, true]);
  }
});

Deno.test("pinChanges() tells what moved, what went and what came", () => {
  assertEquals(pinChanges("a==1\nb[x]==2\nc==3\n", "a==1\nb[x]==2.1\nd\n"), {
    moved: [{ name: "b[x]", from: "2", to: "2.1" }],
    removed: ["c"],
    added: ["d"],
  });
});
