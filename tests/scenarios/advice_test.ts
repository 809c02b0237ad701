import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { optimizerOutputSchema } from "../../agents/messages.ts";
import { agentOutputSchema } from "../../state/artifact_shapes.ts";
import { adviceReportSchema } from "../../state/advice.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { createNpmRegistry } from "../helpers/npm_registry.ts";
import { nodeApp } from "./apps.ts";
import { begin, Stage } from "./stage.ts";

const PACKAGES = ["tiny-one", "tiny-two", "tiny-three", "tiny-four"].map((name) => ({
  name,
  version: "1.0.0",
}));

Deno.test("after three attempts at real builds the optimizer advises on the service's own Dockerfile, and the next service is healed by what they taught", async () => {
  await using registry = await createNpmRegistry(PACKAGES);
  await using stage = await Stage.open({
    drydock: { containerEngine: "none" },
    env: { npm_config_registry: registry.url },
  });
  const imports = PACKAGES.map(({ name }, at) => `import p${at} from "${name}";\nconsole.log(p${at});`).join(
    "\n",
  );
  const dockerfile = [
    "FROM node:20",
    ...Object.keys(registry.env).map((name) => `ARG ${name}`),
    "WORKDIR /app",
    "COPY . .",
    "RUN npm install",
    "CMD node index.js",
    "",
  ];
  const install = dockerfile.indexOf("RUN npm install") + 1;
  const patient = await stage.patient({ ...nodeApp({ imports }), "Dockerfile": dockerfile.join("\n") }, {
    details: { runtime: "docker", envSpecificDetails: {} },
    envVars: registry.env,
  });
  await begin(patient, "update_failed");
  await stage.configure([patient], { policy: { mayApplyAdvice: true } });

  const { code, only } = await stage.once(["--agents", "off"]);
  assertEquals([code, only.incident?.attempts.length], [0, 4], JSON.stringify(only.incident, null, 2));
  const commits = (await patient.repository.log()).length;

  const said = JSON.parse((await stage.evenkeel(["advise", "-o", "json"])).stdout);
  const { services: [service], ...report } = adviceReportSchema.parse(said);
  assertEquals([service?.name, service?.iterations, report.iterations], [patient.name, 4, 4]);
  const of = (kind: string) => service?.advice.filter((one) => one.kind === kind) ?? [];
  const [order, lock] = of("caching");
  assertEquals(
    order?.recommendation,
    `In Dockerfile, copy package.json and run line ${install} before line ${install - 1} copies the sources`,
  );
  const [step, builds] = order?.figures ?? [];
  assert(step !== undefined && step.value > 0, "the install was measured");
  assertEquals(builds, { name: "measured", value: 4, unit: "builds" });
  assertStringIncludes(lock?.recommendation ?? "", "Commit the lockfile of package.json");
  const [first] = of("build-order");
  assertMatch(first?.recommendation ?? "", new RegExp(`^Run line ${install} of Dockerfile first`));
  const [set] = of("dependency-set");
  assertMatch(set?.recommendation ?? "", /^Keep set \w{8} of package\.json \(4 packages\)$/);
  assertEquals(set?.figures.map(({ name, value }) => [name, name === "median to live" ? value > 0 : value]), [
    ["healed", 1],
    ["failed", 0],
    ["median to live", true],
    ["measured", 1],
    ["compared", 4],
  ]);
  assertEquals(report.advice.map(({ kind }) => kind), ["topology"]);

  // The optimizer said it at the fourth attempt, and as the policy allows it was told as events: nothing was committed.
  const written = await Deno.readTextFile(
    join(stage.dataDirectory, "memory", "swarm", "optimizer_output.json"),
  );
  const { output } = agentOutputSchema.parse(JSON.parse(written));
  const advised = optimizerOutputSchema.parse(output).advice;
  assertEquals(advised.find(({ kind }) => kind === "caching")?.recommendation, order?.recommendation);
  await using store = await openSqliteStore(join(stage.dataDirectory, "evenkeel.db"));
  const suggested = (await store.listEvents({ limit: 1000 })).filter(({ type }) =>
    type === "AdviceSuggested"
  );
  assertEquals(
    suggested.map(({ message }) => message).toSorted(),
    advised.filter(({ kind, isInPlace }) => kind !== "topology" && !isInPlace)
      .map(({ recommendation }) => recommendation).toSorted(),
  );
  assertEquals((await patient.repository.log()).length, commits);
  assertEquals(commits, 5);

  // Each package that was missing is a failure of a class of its own.
  assertEquals(
    (await store.listOutcomes()).map(({ failureClass }) => failureClass?.about).toSorted(),
    PACKAGES.map(({ name }) => name).toSorted(),
  );

  // The next service with such a failure is healed by what this one taught, and the report says so.
  const files = nodeApp({ imports: `import one from "tiny-one";\nconsole.log(one);` });
  const next = await stage.patient(files, { name: "next", envVars: registry.env });
  await begin(next, "update_failed");
  await stage.configure([next]);
  const whys = [only, (await stage.once(["--agents", "off"])).only].map(({ incident }) =>
    incident?.attempts[0]?.["why"]
  );
  assertEquals(whys, [
    "the only remedy: never tried",
    // Of the other packages only one service has told, which is not enough for a say.
    "the only remedy: healed node-module-missing for tiny-one 1 of 1 time before",
  ]);
});
