import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { nodeApp } from "./apps.ts";
import { begin, Stage } from "./stage.ts";

/** How a service ends that knows its own trouble and says it in plain words. */
const giveUp = (words: string) => `console.log(${JSON.stringify(words)}); process.exit(3);`;

Deno.test("a cause that is not known stalls with evidence, is not tried again, and is looked at anew after resume", async () => {
  await using stage = await Stage.open();
  const imports = `throw new Error("The flux capacitor is out of alignment");`;
  const patient = await stage.patient(nodeApp({ imports }));
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  const before = await stage.world(patient);

  const first = await stage.once();
  const { only } = first;
  assertEquals([first.code, only.verdict, only.reason], [1, "not-ready", "UnknownCause"]);
  assertEquals([only.incident?.status, only.incident?.attempts], ["stalled", []]);
  assertMatch(JSON.stringify(only.incident?.stalled?.evidence), /flux capacitor is out of alignment/);
  assertEquals(only.resume, "deno task resume --service my-api");
  const second = await stage.evenkeel(["once"]);
  assertEquals(second.code, 1);
  assertStringIncludes(second.stdout, "flux capacitor is out of alignment");
  assertStringIncludes(second.stdout, "deno task resume --service my-api");
  assertEquals(second.stderr, "", "the second run did not look again");

  assertEquals((await stage.evenkeel(["resume", "--service", "my-api"])).code, 0);
  assertEquals((await stage.evenkeel(["resume", "--service", "my-api"])).code, 1);
  const third = await stage.once();
  assertMatch(third.stderr, /IncidentStalled/);
  assertEquals([third.code, third.only.incident?.id], [1, only.incident?.id]);
  assertEquals(await stage.world(patient), before);
  assertEquals(await stage.journal(), []);
});

Deno.test("a build that fails in a way nobody has seen shows its last lines", async () => {
  await using stage = await Stage.open();
  const commands = { buildCommand: "echo warming up; echo the frobnicator jammed at level 9; exit 3" };
  const patient = await stage.patient(nodeApp(), { commands });
  await begin(patient, "build_failed");
  await stage.configure([patient]);

  const { code, only } = await stage.once();
  assertEquals([code, only.reason], [1, "UnknownCause"]);
  assertMatch(JSON.stringify(only.incident?.stalled?.evidence), /frobnicator jammed at level 9/);
  assertEquals(stage.gate.writes, []);
});

Deno.test("the last error of a start that nobody has seen is the program's own line, and a stalled service that its developer mends is in the desired state without a resume", async () => {
  await using stage = await Stage.open({ env: { SESSION_ID: "flux" } });
  const patient = await stage.patient(
    nodeApp({ imports: giveUp("flux: coupling of tachyon 7 lost, giving up") }),
  );
  await begin(patient, "update_failed");
  await stage.configure([patient]);
  const ran = await stage.once();
  assertEquals(ran.code, 1);
  const { failure } = JSON.parse(ran.stdout).services[0];
  assertEquals(failure.lastError, "flux: coupling of tachyon 7 lost, giving up");
  const unknowns = await stage.evenkeel(["unknowns", "-o", "json"]);
  assertEquals(
    JSON.parse(unknowns.stdout).unknowns.map(({ template }: { template: string }) => template),
    ["flux: coupling of tachyon <n> lost, giving up"],
  );
  const story = (await stage.evenkeel(["session", "flux"])).stdout.replaceAll(/\s+/g, " ");
  assertMatch(story, /last error flux: coupling of tachyon 7 lost/);

  const sha = await patient.repository.commit(nodeApp(), "Mend it");
  const { code, only } = await stage.once();
  assertEquals([code, only.verdict, only.incident?.status], [0, "ready", "healed"]);
  const [live] = await patient.berth.deploys();
  assertEquals([live?.status, live?.commit?.id], ["live", sha]);
  assertEquals(stage.gate.writes, []);
});
