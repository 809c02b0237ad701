import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ConfigurationError, loadConfiguration } from "../../reconciler/config.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async function load(variables: Record<string, string>) {
  const environment: Record<string, string> = {
    RENDER_API_KEY: "rnd_test",
    EVENKEEL_SERVICE: "my-api",
    ...variables,
  };
  const { webhook } = await loadConfiguration({ environment: (name) => environment[name] });
  return webhook;
}

async function problemOf(variables: Record<string, string>): Promise<string> {
  try {
    await load(variables);
  } catch (error) {
    assert(error instanceof ConfigurationError);
    return error.message;
  }
  return "";
}

Deno.test("a webhook is switched on by its secret, with more than one while it is changed", async () => {
  assertEquals(await load({}), null);
  assertEquals(await load({ RENDER_WEBHOOK_SECRET: "" }), null);
  assertEquals(await load({ RENDER_WEBHOOK_SECRET: SECRET }), { secrets: [SECRET], id: null });
  const other = `whsec_${btoa("another key of twenty-four")}`;
  assertEquals(await load({ RENDER_WEBHOOK_SECRET: ` ${SECRET}\n${other} `, RENDER_WEBHOOK_ID: "whk-1" }), {
    secrets: [SECRET, other],
    id: "whk-1",
  });
});

Deno.test("a secret or an id of a webhook that can be none is refused, and no secret is shown", async () => {
  const short = await problemOf({ RENDER_WEBHOOK_SECRET: "whsec_hunter2" });
  assertStringIncludes(short, "environment: RENDER_WEBHOOK_SECRET is no secret of a webhook");
  assert(!short.includes("hunter2"));
  const many = await problemOf({ RENDER_WEBHOOK_SECRET: Array(4).fill(SECRET).join(" ") });
  assertStringIncludes(many, "RENDER_WEBHOOK_SECRET is 4 secrets, allowed are 3");
  assertStringIncludes(
    await problemOf({ RENDER_WEBHOOK_ID: "whk-1" }),
    "RENDER_WEBHOOK_ID is set, needed is",
  );
  const path = await problemOf({ RENDER_WEBHOOK_SECRET: SECRET, RENDER_WEBHOOK_ID: "../services" });
  assertStringIncludes(path, "RENDER_WEBHOOK_ID is");
});
