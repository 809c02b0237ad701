import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { z } from "zod";
import { finalStateSchema } from "../../state/artifact_shapes.ts";
import { readSessionFiles, sessionDirectory } from "../../state/sessions.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { serveRepository } from "../repo/http_remote.ts";
import { nodeApp } from "../scenarios/apps.ts";
import { begin, Stage } from "../scenarios/stage.ts";
import { attempt, healed, namesIn } from "../state/builders.ts";

const API_KEY = "canary-of-the-api-key-41";
const VARIABLE = "canary-of-a-variable-5b";
const TOKEN = "canary-of-the-repository-6c";

const failureSchema = z.looseObject({
  reason: z.string(),
  lastError: z.string(),
  tried: z.array(z.looseObject({ remedy: z.string(), status: z.string() })),
  seenBefore: z.array(z.looseObject({ match: z.string(), services: z.array(z.string()) })),
  resume: z.string(),
});

/** Everything that Evenkeel keeps in its data folder, as bytes read one to one. */
async function kept(stage: Stage): Promise<string> {
  let all = "";
  for (const name of await namesIn(stage.dataDirectory)) {
    all += new TextDecoder("latin1").decode(await Deno.readFile(join(stage.dataDirectory, name)));
  }
  return all;
}

Deno.test("a verbose heal says what it does, keeps its session, goes on with it, and shows no secret anywhere", async () => {
  await using stage = await Stage.open({
    drydock: { apiKey: API_KEY },
    env: { SESSION_ID: "nightly", GITHUB_TOKEN: TOKEN },
  });
  const imports = `console.log("word is", process.env.WORD, "key=" + process.env.WORD);`;
  const patient = await stage.patient(nodeApp({ imports, host: "127.0.0.1" }), {
    envVars: { WORD: VARIABLE },
  });
  await begin(patient, "update_failed");
  await using remote = serveRepository(patient.repository.url, TOKEN);
  await stage.configure([patient], { repo: remote.url });

  const first = await stage.evenkeel(["once", "--verbose"]);
  assertEquals(first.code, 0, first.stderr);
  for (
    const line of [
      /api +GET \/services\/srv-\w+\/deploys answered 200 in \d+ ms/,
      /api +GET \/logs answered 200 in \d+ ms/,
      /git +git clone .*exit code 0 in \d+ ms/,
      /git +git push .*exit code 0 in \d+ ms/,
      /agent +analyzer of my-api in \d+ ms: \S+ \(\d+ %\)/,
      /tool +\S+ for the \w+ in \d+ ms/,
    ]
  ) assertMatch(first.stderr, line);
  assertNotMatch(first.stderr, /goes on/);
  assertMatch(first.stderr, /What was done, and why: deno task evenkeel session nightly/);

  const second = await stage.evenkeel(["once"], { EVENKEEL_LOG: "error" });
  assertEquals(second.code, 0);
  assertMatch(second.stderr, /Session nightly goes on, begun 20\S+ \S+, 1 incident so far/);
  assertNotMatch(second.stderr, /answered 200/);

  const directory = sessionDirectory(stage.dataDirectory, "nightly");
  const { plan, final } = await readSessionFiles(stage.dataDirectory, "nightly");
  assert(plan !== null && final !== null);
  assertEquals([final.success, final.attempts, final.error, final.incidents.length], [true, 1, null, 1]);
  const [planned] = plan.incidents;
  assertEquals(planned?.phases.map(({ phase }) => phase), [
    "Specification",
    "Pseudocode",
    "Architecture",
    "Refinement",
    "Completion",
  ]);
  assertEquals(planned?.iterations.map(({ number, status }) => [number, status]), [[1, "fixed"]]);
  assertEquals(planned?.remedies.find(({ isChosen }) => isChosen)?.remedy, planned?.steps[0]?.remedy);
  const took = Date.parse(final.incidents[0]?.closedAt ?? "") -
    Date.parse(final.incidents[0]?.openedAt ?? "");
  const phases = (planned?.phases ?? []).filter(({ phase }) => phase !== "Specification");
  assertEquals(
    Math.round(sum(phases.map(({ durationMs }) => durationMs ?? 0)) / 100),
    Math.round(took / 100),
  );
  const log = await Deno.readTextFile(join(directory, "swarm_output.log"));
  assertMatch(log, /^\S+Z analyzer attempt 1 of my-api inc_\w+ (mesh|hierarchical) \S+ \(\d+ %\) \d+ ms$/m);
  assertMatch(log, /^\S+Z deployer attempt 1 of my-api inc_\w+ published \d+ ms$/m);

  const list = await stage.evenkeel(["sessions"]);
  assertMatch(list.stdout, /nightly +20.* healed +1 +1 +my-api/);
  const story = await stage.evenkeel(["session", "nightly"]);
  for (const word of ["deploy-failed", "evidence", "chosen", "fixed after", "Proven good", "Refinement"]) {
    assertStringIncludes(story.stdout, word);
  }
  const json = await stage.evenkeel(["session", "nightly", "-o", "json"]);
  assertEquals(finalStateSchema.parse(JSON.parse(json.stdout).final).session, "nightly");

  const said = [first, second, list, story, json].map(({ stdout, stderr }) => stdout + stderr).join("\n");
  assertNotMatch(said, /canary/);
  assertNotMatch(await kept(stage), /canary/);
});

Deno.test("a daemon that is stopped leaves the session's files, and says once what a person has to know", async () => {
  await using stage = await Stage.open({ env: { SESSION_ID: "watch" } });
  const imports = `throw new Error("The flux " + process.env.WORD + " is out of line");`;
  const patient = await stage.patient(nodeApp({ imports }), { envVars: { WORD: VARIABLE } });
  await begin(patient, "update_failed");
  await stage.configure([patient]);

  await using daemon = stage.reconcile(["--agents", "off", "--verbose"]);
  await daemon.says(/to go on +deno task resume --service my-api/);
  assertEquals(daemon.lines.filter((line) => /needs a person/.test(line)).length, 1);
  assert(daemon.lines.some((line) => /evidence +line \d+: .*flux \[redacted\] is out of line/.test(line)));
  assertEquals(await daemon.stop(), 0);

  const { final } = await readSessionFiles(stage.dataDirectory, "watch");
  assertEquals([final?.success, final?.incidents.map(({ status }) => status)], [false, ["stalled"]]);
  assertEquals(final?.error, "Error: The flux [redacted] is out of line");
  const names = await namesIn(sessionDirectory(stage.dataDirectory, "watch"));
  assertEquals(names, ["deployment_plan.json", "fallback_output.log", "final_state.json"]);
  const story = await stage.evenkeel(["session", "watch"]);
  assertMatch(story.stdout, /ended +UnknownCause/);
  assertMatch(story.stdout.replaceAll(/\s+/g, " "), /agents .*; no topology/);
  assertMatch(story.stdout, /last error +Error: The flux \[redacted\] is out of line/);
  assertMatch(story.stdout, /evidence +line \d+: .*flux \[redacted\] is out of line/);
  assertStringIncludes(story.stdout, "deno task resume --service my-api");
  assertNotMatch(daemon.lines.join("\n") + story.stdout + await kept(stage), /canary/);
});

Deno.test("when the attempts are spent, once says what was tried and what earlier incidents know", async () => {
  await using stage = await Stage.open();
  const files = nodeApp({ host: "127.0.0.1", health: `answer(500, { status: "bad" });` });
  const patient = await stage.patient(files);
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  const looked = await stage.once(["--check"]);
  const cause = looked.only.wouldDo?.cause ?? "";
  {
    await using store = await openSqliteStore(join(stage.dataDirectory, "evenkeel.db"));
    const attempts = [attempt({ cause, status: "fixed", remedy: "an-old-remedy" })];
    await store.record({ incident: { ...healed(1), serviceName: "another-api", attempts } });
  }

  const ran = await stage.once([], { MAX_ITERATIONS: "1" });
  assertEquals([ran.code, ran.only.verdict], [1, "not-ready"]);
  const failure = failureSchema.parse(JSON.parse(ran.stdout).services[0].failure);
  // It listens where Render looks now, and answers 500 there.
  assertEquals(failure.tried.map(({ status }) => status), ["fixed"]);
  assertStringIncludes(failure.lastError, "500");
  assertEquals(failure.seenBefore.map(({ match, services }) => [match, services]), [
    ["cause", ["another-api"]],
  ]);
  assertEquals(failure.resume, "deno task resume --service my-api");
  const text = await stage.evenkeel(["once"], { MAX_ITERATIONS: "1" });
  assertMatch(
    text.stdout.replaceAll(/\s+/g, " "),
    /seen before another \S+ in 1 earlier incident of another-api/,
  );
  assertMatch(text.stdout, /last error/);
});

Deno.test("sessions and session look and leave nothing behind where there is nothing", async () => {
  await using stage = await Stage.open();
  const list = await stage.evenkeel(["sessions"]);
  assertEquals(list.code, 0);
  assertStringIncludes(list.stdout, "No session has left anything");
  const json = await stage.evenkeel(["sessions", "-o", "json"]);
  assertEquals(JSON.parse(json.stdout), { schemaVersion: 1, sessions: [] });
  for (const [id, code] of [["nightly", 1], ["../../etc", 2]] as const) {
    const one = await stage.evenkeel(["session", id]);
    assertEquals([one.code, one.stdout], [code, ""]);
    assertStringIncludes(one.stderr, "deno task evenkeel sessions lists them");
  }
  assertEquals(await Deno.stat(stage.dataDirectory).catch(() => "nothing"), "nothing");
});

Deno.test("a session's files that were tampered with cannot move the cursor of who reads the story", async () => {
  await using stage = await Stage.open();
  const directory = sessionDirectory(stage.dataDirectory, "old");
  {
    await Deno.mkdir(stage.dataDirectory, { recursive: true });
    await using _store = await openSqliteStore(join(stage.dataDirectory, "evenkeel.db"));
  }
  await Deno.mkdir(directory, { recursive: true });
  const time = "2026-01-01T00:00:00.000Z";
  await Deno.writeTextFile(
    join(directory, "final_state.json"),
    JSON.stringify(
      {
        schemaVersion: 1,
        session: "old",
        startedAt: time,
        writtenAt: time,
        success: true,
        ready: true,
        attempts: 0,
        error: null,
        phases: [],
        services: [],
        incidents: [{
          id: "inc_\x1b[2J",
          service: "a\x1b]0;x\x07pi\u202e",
          status: "stalled",
          openedAt: time,
          closedAt: null,
          attempts: 1,
          remedy: null,
          commit: null,
          pullRequestUrl: null,
          stalled: {
            reason: "R\r",
            message: "m\x1b[31m",
            resume: "rm\x07 -rf",
            lastError: "e\x1b[2J",
            evidence: [],
          },
          left: [{
            attempt: 1,
            kind: "setting",
            what: "Setting \x1b[2Jx",
            cured: null,
            undo: "u\u202e",
          }],
        }],
      } satisfies z.infer<typeof finalStateSchema>,
    ),
  );
  const { code, stdout } = await stage.evenkeel(["session", "old"]);
  assertEquals(code, 0);
  // deno-lint-ignore no-control-regex -- control characters are what must not be there
  assertNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  assertStringIncludes(stdout, "api  stalled");
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
