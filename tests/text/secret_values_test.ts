import { assertEquals } from "@std/assert";
import { credentialsOf } from "../../text/address.ts";
import { createRedactor } from "../../text/redact.ts";
import { valuesToHide } from "../../text/secret_values.ts";
import { shellWord } from "../../text/shell_word.ts";

Deno.test("a name that says secret hides what it has, any other name hides what is no ordinary word (promise 15)", () => {
  const variables = [
    { name: "DB_PASSWORD", value: "correct" },
    { name: "SESSION_SALT", value: "plainword" },
    { name: "SERVICE_NAME", value: "my-api" },
    { name: "NODE_ENV", value: "production" },
    { name: "REGION", value: "frankfurt" },
    { name: "PORT", value: "8000" },
    { name: "GREETING", value: "quiet-otter-umbrella" },
    { name: "FLAG", value: "true" },
    { name: "EMPTY", value: " " },
  ];
  const redact = createRedactor(valuesToHide(variables));
  const hidden = variables.filter(({ value }) => redact(`x ${value} y`) !== `x ${value} y`).map(({ name }) =>
    name
  );
  assertEquals(hidden, ["DB_PASSWORD", "SESSION_SALT", "GREETING"]);
});

Deno.test("the members of a JSON value and of a file of assignments are hidden one by one (promise 15)", () => {
  const values = valuesToHide([
    {
      name: "ACCOUNT",
      value: JSON.stringify({ type: "service", keys: [{ private_key: "k1234567" }], n: 5 }),
    },
    { name: ".env", value: "# ours\nexport API_KEY='v1234567'\nNODE_ENV=production\nNAME=web\n" },
    { name: "key.pem", value: "first line of a key file\nsecond line of a key file\n" },
  ]);
  const redact = createRedactor(values);
  assertEquals(
    redact("k1234567 v1234567 NODE_ENV=production web"),
    "[redacted] [redacted] NODE_ENV=production web",
  );
  assertEquals(redact("12:00 second line of a key file"), "12:00 [redacted]");
});

Deno.test("what opens something is found in an address", () => {
  const cases: [string, string[]][] = [
    ["https://me:p%2Fss@git.example/a.git", ["p%2Fss", "p/ss"]],
    ["https://token123@git.example/a.git", ["token123", "token123"]],
    ["ssh://git@git.example/a.git", []],
    ["git@git.example:a.git", []],
    ["https://x.example/hook?access_token=abc&page=2", ["abc"]],
    ["/a/path", []],
  ];
  for (const [address, expected] of cases) assertEquals(credentialsOf(address), expected, address);
});

Deno.test("a hostile name is one word of a command that a person copies (promise 14)", () => {
  assertEquals(shellWord("my-api"), "my-api");
  assertEquals(shellWord("x; rm -rf /"), "'x; rm -rf /'");
  assertEquals(shellWord("it's\x1b[2J $(id)\n-x"), "'it'\\''s $(id) -x'");
  assertEquals(shellWord("--config=x"), "'--config=x'");
});
