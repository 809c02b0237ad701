import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { EvenkeelError } from "../../base/errors.ts";
import { parseArguments } from "../../cli/arguments.ts";
import { defineCommand, outputFlag } from "../../cli/command.ts";

const definition = defineCommand({
  name: "sail",
  summary: "Sails to a place.",
  flags: {
    service: { kind: "list", placeholder: "NAME", description: "A service", environment: "SAIL_SERVICE" },
    check: { kind: "switch", description: "Look only" },
    timeout: { kind: "duration", default: 1_800_000, description: "When to give up" },
    port: {
      kind: "number",
      placeholder: "PORT",
      min: 0,
      max: 65535,
      whole: true,
      default: 8765,
      description: "Port",
    },
    speed: { kind: "number", placeholder: "N", min: 0.1, max: 100, whole: false, description: "How fast" },
    config: { kind: "text", placeholder: "FILE", description: "The file", environment: "SAIL_CONFIG" },
    output: outputFlag,
  },
  operands: { placeholder: "HARBOUR", description: "Where to", min: 0, max: 1 },
  exitCodes: { 0: "arrived" },
  examples: ["deno task sail --check"],
});

const nothing = () => undefined;

function parse(args: string[], variables: Record<string, string> = {}) {
  const parsed = parseArguments(definition, args, (name) => variables[name]);
  assert(parsed.kind === "run");
  return parsed;
}

function refusal(args: string[], variables: Record<string, string> = {}): string {
  return assertThrows(() => parseArguments(definition, args, (name) => variables[name]), EvenkeelError)
    .message;
}

Deno.test("parseArguments() gives every flag its value or its default", () => {
  assertEquals(parse([]).flags, {
    service: [],
    check: false,
    timeout: 1_800_000,
    port: 8765,
    speed: undefined,
    config: undefined,
    output: "text",
  });
  const { flags, operands } = parse([
    ...["--service", "a", "--service=b", "--check", "--timeout", "1h 30m", "--port=0"],
    ...["--speed", "2.5", "--config", "x.yaml", "-o", "json", "home"],
  ]);
  assertEquals(flags, {
    service: ["a", "b"],
    check: true,
    timeout: 5_400_000,
    port: 0,
    speed: 2.5,
    config: "x.yaml",
    output: "json",
  });
  assertEquals(operands, ["home"]);
});

Deno.test("parseArguments() skips the `--` that `deno task sail -- ...` passes on", () => {
  assertEquals(parse(["--", "--check"]).flags.check, true);
  assertEquals(parse(["--check", "--", "--service"]).operands, ["--service"]);
});

Deno.test("parseArguments() takes an environment variable where the flag is absent", () => {
  const variables = { SAIL_SERVICE: "a, b", SAIL_CONFIG: "env.yaml" };
  assertEquals(parse([], variables).flags.service, ["a", "b"]);
  assertEquals(parse(["--config", "flag.yaml"], variables).flags.config, "flag.yaml");
  assertEquals(parse([], { SAIL_CONFIG: "" }).flags.config, undefined);
});

Deno.test("parseArguments() refuses what it does not know, with the nearest known word", () => {
  assertMatch(refusal(["--chekc"]), /^Cannot run sail: there is no flag --chekc, did you mean --check\?$/);
  assertStringIncludes(refusal(["--servce=x"]), "did you mean --service?");
  assertMatch(refusal(["--zebra-crossing"]), /there is no flag --zebra-crossing$/);
  assertStringIncludes(refusal(["-x"]), "there is no flag -x");
  assertStringIncludes(refusal(["home", "chek"]), '"chek" is no argument, did you mean --check?');
  assertStringIncludes(refusal(["--json"]), "there is no flag --json, did you mean -o json?");
  assertStringIncludes(refusal(["home", "json"]), '"json" is no argument, did you mean -o json?');
  assertStringIncludes(refusal(["home", "help"]), "did you mean --help?");
  assertStringIncludes(refusal(["--no-check"]), "there is no flag --no-check");
  assertStringIncludes(refusal(["--__proto__=1"]), "there is no flag --__proto__");
});

Deno.test("parseArguments() refuses missing, wrong and repeated values, all at once", () => {
  const message = refusal([
    "--timeout",
    "soon",
    "--port",
    "70000",
    "--config",
    "--speed",
    "1",
    "--speed",
    "2",
    "-o",
    "yaml",
  ]);
  for (
    const part of [
      '--timeout is "soon", allowed is a duration such as 90s',
      '--port is "70000", allowed is a whole number from 0 to 65535',
      "--config needs a value",
      "--speed is given 2 times",
      '--output is "yaml", allowed is one of text, json',
    ]
  ) assertStringIncludes(message, part);
  assertStringIncludes(refusal(["--check=maybe"]), "--check takes no value");
  assertStringIncludes(refusal(["--port", "1e3"]), '--port is "1e3"');
  assertStringIncludes(refusal(["--service="]), "--service needs a value");
});

Deno.test("parseArguments() shows nothing of an argument that could steer a terminal", () => {
  assertMatch(refusal(["\x1b[2Jboo", "\x1b]0;x\x07home"]), /^[\x20-\x7e]+$/);
});

Deno.test("--help is made from the description", () => {
  const parsed = parseArguments(definition, ["--help", "--nonsense-before-it-is-no-error"], nothing);
  assert(parsed.kind === "help");
  const rows = parsed.text.split("\n").map((line) => line.trim().replace(/ {2,}/, " | "));
  for (
    const row of [
      "Usage: deno task sail [flags] [HARBOUR]",
      "Sails to a place.",
      "HARBOUR | Where to",
      "--service NAME | A service (may be repeated)",
      "--timeout DURATION | When to give up [default: 30m]",
      "-o, --output text|json | Text for people or JSON for programs [default: text]",
      "-h, --help | Show this text",
      "SAIL_CONFIG | Stands in for --config",
      "0 | arrived",
      "deno task sail --check",
    ]
  ) assert(rows.includes(row), `${row}\nis missing in\n${parsed.text}`);
  assert(parsed.text.split("\n").every((line) => line.length <= 100));
});
