import { assert, assertEquals } from "@std/assert";
import { walkFiles } from "./leftovers.ts";
import { createNpmRegistry } from "../helpers/npm_registry.ts";
import { nodeApp } from "./apps.ts";
import { begin, Stage, theFix } from "./stage.ts";
import type { Patient, Ran } from "./stage.ts";

/** No shape gives them away: only that they are known. */
const SERVICES_OWN = "quiet-otter-9471-umbrella";
const OURS = "velvet-badger-2086-lantern";

async function assertNowhere(stage: Stage, patient: Patient, runs: readonly Ran[]): Promise<void> {
  const secrets = [SERVICES_OWN, OURS, stage.env["RENDER_API_KEY"] ?? ""];
  const places: [string, string][] = runs.flatMap((ran, at) =>
    [[`stdout of run ${at}`, ran.stdout], [`stderr of run ${at}`, ran.stderr]] as [string, string][]
  );
  places.push(["the commits", JSON.stringify(await patient.repository.log())]);
  const decoder = new TextDecoder("latin1");
  let files = 0;
  for await (const path of walkFiles(stage.dataDirectory)) {
    files++;
    places.push([path, decoder.decode(await Deno.readFile(path))]);
  }
  assert(files > 3, "the data folder is empty");
  for (const [place, text] of places) {
    for (const secret of secrets) assert(!text.includes(secret), `${place} holds ${secret}`);
  }
}

const whispering = (more: string) =>
  `const secret = process.env.SESSION_SALT;
console.error("starting with", secret);
console.error(JSON.stringify({ url: "https://x.example/?salt=" + encodeURIComponent(secret) }));
${more}`;

Deno.test("no secret that a service prints reaches a file, a commit or the terminal when it is healed", async () => {
  await using registry = await createNpmRegistry([{ name: "tiny-ms", version: "2.1.3" }]);
  await using stage = await Stage.open({ env: { npm_config_registry: registry.url, GITHUB_TOKEN: OURS } });
  const imports = whispering(`await import("tiny-ms").catch((error) => {
  throw Object.assign(error, { message: error.message + " (salt " + secret + ")" });
});`);
  const patient = await stage.patient(nodeApp({ imports }), {
    envVars: { ...registry.env, SESSION_SALT: SERVICES_OWN },
  });
  await begin(patient, "update_failed");
  await stage.configure([patient]);

  const check = await stage.evenkeel(["once", "--check"]);
  const heal = await stage.evenkeel(["once"]);
  assertEquals([check.code, heal.code], [1, 0], heal.stdout + heal.stderr);
  assert(heal.stdout.includes("[redacted]"), "the evidence does not hold the secret's place");
  await theFix(patient);
  await assertNowhere(stage, patient, [check, heal]);
});

Deno.test("no secret that a service prints reaches a file or the terminal when its cause is not known", async () => {
  await using stage = await Stage.open({ env: { GITHUB_TOKEN: OURS } });
  const imports = whispering(`throw new Error("No flux for " + secret);`);
  const patient = await stage.patient(nodeApp({ imports }), { envVars: { SESSION_SALT: SERVICES_OWN } });
  await begin(patient, "update_failed");
  await stage.configure([patient]);

  const text = await stage.evenkeel(["once"]);
  const json = await stage.once();
  assertEquals([text.code, json.code], [1, 1]);
  assert(text.stdout.includes("No flux for [redacted]"), text.stdout);
  await assertNowhere(stage, patient, [text, json]);
});
