import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { analyzer } from "../../agents/analyzer/agent.ts";
import { concluded } from "../../agents/conclusion.ts";
import { systemClock } from "../../base/clock.ts";
import { EvenkeelError } from "../../base/errors.ts";
import { logOf } from "../../base/log.ts";
import { asJson, asText } from "../../cli/diagnosis_text.ts";
import { createNarrator } from "../../cli/event_line.ts";
import { reportError } from "../../cli/dispatch.ts";
import { describeFailure, renderFailure } from "../../cli/failure.ts";
import { startLog } from "../../cli/log.ts";
import { createPainter, toJson } from "../../cli/output.ts";
import { renderSettlement, settlementJson } from "../../cli/report.ts";
import { createSessionRecorder } from "../../cli/session_recorder.ts";
import { renderSession } from "../../cli/story.ts";
import { payloadOf } from "../../hooks/payload.ts";
import { fillArgument, hookEnvironment, placeholders } from "../../hooks/placeholders.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { commitMessage, commitTitle, pullRequestBody } from "../../reconciler/message.ts";
import { RenderRefused } from "../../render/api.ts";
import { parseConnection } from "../../render/connection.ts";
import { parseRemote } from "../../repo/remote.ts";
import { createCleanStore } from "../../state/clean_store.ts";
import { composeSession } from "../../state/sessions.ts";
import { openSqliteStore } from "../../state/sqlite.ts";
import { cleanLog, createRedactor } from "../../text/redact.ts";
import { startStatusServer } from "../../status/server.ts";
import { inFull } from "../helpers/full.ts";
import { walkFiles } from "../scenarios/leftovers.ts";
import { attempt, event, incident, serviceRecord, START } from "../state/builders.ts";
import { hostileText, randomOf, UNSAFE } from "./hostile.ts";

const TEXTS = inFull(1000, 60);
/** What `reportError` prints. */
function reported(error: unknown): string[] {
  const lines: string[] = [];
  const original = console.error;
  console.error = (line: string) => lines.push(line);
  try {
    reportError(error);
  } finally {
    console.error = original;
  }
  return lines;
}

const painter = createPainter({ isTerminal: false });
const redact = createRedactor([]);

/** Records whose every free text is hostile. */
function hostileRecords(seed: number) {
  const text = (offset: number) => hostileText(seed * 100 + offset);
  const broken = attempt({
    cause: text(1),
    summary: text(2),
    evidence: { line: 3, text: text(3) },
    remedy: text(4),
    why: text(5),
    error: text(6),
    endedAt: START + 1000,
    status: "failed",
    pullRequestUrl: text(7),
    deployId: text(15),
    repair: {
      kind: "patch",
      edits: [{ path: text(8), content: text(9) }],
      diff: `diff --git a/${text(10)} b/${text(10)}\n+${text(11)}\n- \t${text(12)}\n@@ ${text(13)}`,
    },
  });
  const stalled = {
    reason: "UnknownCause",
    message: text(20),
    evidence: [{ line: 1, text: text(21) }, { line: 2, text: text(22) }],
    resume: text(23),
    at: START,
    worldHash: "w",
  };
  const service = serviceRecord({ name: text(30), url: text(31) });
  const [condition] = service.conditions;
  assert(condition !== undefined);
  return {
    text,
    service: {
      ...service,
      conditions: [{ ...condition, status: "False" as const, message: text(32), reason: text(33) }],
    },
    incident: incident({
      serviceName: text(30),
      message: text(40),
      status: "stalled",
      stalled,
      attempts: [broken],
    }),
  };
}

/** One line and nothing unsafe. */
function assertLine(place: string, text: string): void {
  assertSafe(place, text);
  assert(!/[\n\t]/.test(text), `${place}: ${JSON.stringify(text)}`);
}

function assertSafe(place: string, text: string): void {
  const found = UNSAFE.exec(text);
  assert(
    found === null,
    `${place} holds ${JSON.stringify(found?.[0])}: ${JSON.stringify(text.slice(0, 500))}`,
  );
}

Deno.test("whatever a log, a name or an answer holds, no exit shows it raw: terminal, JSON, hook, log (promise 14)", async () => {
  const printed: string[] = [];
  const secrets = { redact };
  await using _log = await startLog({ level: "debug", secrets, print: (line) => printed.push(line) });
  const log = logOf("api");
  const narrator = createNarrator((line) => printed.push(line), systemClock, false);
  const connection = parseConnection("rnd_abcdefghijklmnop");
  const remote = parseRemote("https://git.example/a.git");
  for (let seed = 0; seed < TEXTS; seed++) {
    const { text, service, incident } = hostileRecords(seed);
    printed.length = 0;
    log.error(text(50));
    log.debug(`GET ${text(51)}`);
    narrator.event(event({ type: "IncidentOpened", message: text(52) }), {
      serviceName: service.name,
      incident,
    });
    narrator.outcome(service.name, { kind: "retry", reason: "CannotLook", message: text(53) });
    narrator.say(text(54));
    for (const line of printed) assertLine("a line", line);

    const settlement = {
      service: service.name,
      verdict: "not-ready" as const,
      reason: "Stalled",
      message: text(55),
      resume: text(56),
      record: service,
      incident,
      withheld: null,
      durationMs: 1000,
    };
    const store = {
      listIncidents: () => Promise.resolve([incident, { ...incident, id: "inc_0" }]),
      getService: () => Promise.resolve(service),
    };
    const failure = await describeFailure(store, incident, { ...settlement });
    assertSafe("the report", renderSettlement(settlement, painter, failure));
    assertSafe("the failure", renderFailure(failure, painter));
    assertSafe("the report as JSON", toJson(settlementJson(settlement, failure)));

    const diagnosis = await analyzer.answer({
      log: Array.from({ length: 5 }, (_, at) => text(60 + at)).join("\n"),
      phase: null,
      settings: null,
      repository: { paths: [text(70)], files: { "package.json": text(71) } },
      platformReason: text(72),
    }, () => Promise.reject(new Error("no tool")));
    for (
      const shown of [
        diagnosis.summary,
        diagnosis.evidence?.text ?? "",
        ...diagnosis.excerpt.map((one) => one.text),
      ]
    ) {
      assertLine("the diagnosis", shown);
    }
    const answer = {
      diagnosis,
      remedy: null,
      proposal: { kind: "none" as const, why: text(73) },
      patch: ` \r\v${text(74)}\n+\u2028${text(75)}`,
    };
    assertSafe("diagnose", asText(answer, text(60), { why: true, repo: undefined }));
    assertSafe("diagnose as JSON", toJson(asJson(answer)));
    assertSafe("a conclusion", redact(cleanLog(concluded("fixer", answer.proposal), redact)));

    const payload = payloadOf("notify", {
      message: text(80),
      service: service.name,
      file: text(81),
      cause: text(82),
      remedy: text(83),
    }, { session: text(84), at: START, redact });
    for (const value of Object.values(hookEnvironment(payload))) assertLine("a hook's variable", value);
    for (const name of placeholders) {
      const filled = fillArgument(`{${name}}`, payload);
      assertLine("a hook's argument", filled);
      assert(!filled.startsWith("-"), filled);
    }
    assertSafe("a hook's payload", JSON.stringify(payload));
    for (const shown of [connection.redact(text(90), 400), remote.redact(text(91))]) {
      assertLine("an error", shown);
    }
  }
});

Deno.test("hostile text makes no trailer, mention, closing word, markup or second line of a commit or pull request (promise 14)", async () => {
  const messages: string[] = [];
  for (let seed = 0; seed < TEXTS; seed++) {
    const { incident: hostile } = hostileRecords(seed);
    const ours = { ...hostile, id: `inc_${seed}` };
    const [first] = ours.attempts;
    assert(first !== undefined);
    const title = commitTitle(first);
    assertLine("a title", title);
    const [message, body] = [commitMessage(ours, first), pullRequestBody(ours, first)];
    for (const text of [title, message, body]) {
      assertSafe("a commit", text);
      assert(
        !/(?:^|[^\w.@/+-])@octocat|#\d|\bGH-\d|\/issues\/\d|\[(?:skip render|ci skip|no ci)\]/i.test(text),
        text,
      );
    }
    // Four lines of facts at most, and each is where it belongs.
    assert(message.split("\n").length <= 9 && /^Cause: [^\n]*$/m.test(message), message);
    // On a page all of it is in one block of code; outside are only the trailers.
    const [block, outside] = /^```text\n([^`]*)\n```\n\n([^`]*)$/s.exec(body)?.slice(1) ?? [];
    assert(block !== undefined && outside !== undefined, body);
    assertEquals(outside, `Evenkeel-Incident: inc_${seed}\nEvenkeel-Attempt: inc_${seed}/1\n`);
    messages.push(message);
  }
  // git itself finds the two trailers that are ours, and no other.
  for (const [seed, message] of messages.entries()) {
    if (seed % 10 !== 0) continue;
    const parsed = await run({
      command: ["git", "interpret-trailers", "--parse"],
      cwd: "/",
      env: { ...toolEnvironment(), GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
      input: message,
      timeoutMs: 10_000,
    });
    assert(parsed.kind === "exited");
    assertEquals(parsed.stdout, `Evenkeel-Incident: inc_${seed}\nEvenkeel-Attempt: inc_${seed}/1\n`);
  }
});

Deno.test("hostile text is kept clean in the store and in every file, and pages show it clean (promise 14)", async () => {
  const directory = await Deno.makeTempDir({ prefix: "evenkeel-hostile-" });
  try {
    await using raw = await openSqliteStore(join(directory, "evenkeel.db"));
    const store = createCleanStore(raw, (text) => cleanLog(text, redact));
    const clock = { ...systemClock, now: () => START + 5000 };
    const recorder = createSessionRecorder({
      dataDirectory: directory,
      sessionId: "s1",
      store,
      services: [{ service: "srv-1" }],
      redact,
      clock,
      agents: "subprocess",
    });
    for (let seed = 0; seed < inFull(100, 6); seed++) {
      const { text, service, incident: hostile } = hostileRecords(seed);
      // One at a time is open.
      const one = { ...hostile, id: `inc_${seed}`, serviceId: `srv-${seed}` };
      await store.record({
        service: { ...service, serviceId: `srv-${seed}` },
        incident: one,
        events: [event({ message: text(1), data: { why: text(2), list: [{ message: text(3) }] } })],
      });
      const context = { incident: one, attempt: 1, via: "swarm", topology: "mesh", durationMs: 1 } as const;
      const edits = [{ path: text(4), content: text(5) }];
      await recorder.agentAnswered("fixer", { kind: "patch", edits, summary: text(6), risk: "low" }, context);
    }
    await recorder.write();
    const stored = [
      ...await raw.listIncidents({ limit: 1000 }),
      ...await raw.listServices(),
      ...await raw.listEvents({ limit: 1000 }),
    ];
    const WORDS = /^(?:message|summary|text|error|why|diff)$/;
    JSON.stringify(stored, (key, value) => {
      if (typeof value === "string" && WORDS.test(key)) assertSafe(`the store's ${key}`, value);
      return value;
    });
    let files = 0;
    for await (const path of walkFiles(directory)) {
      if (/evenkeel\.db/.test(path)) continue;
      files++;
      const text = await Deno.readTextFile(path);
      assertSafe(path, text);
      // What JSON escapes is as harmful once it is parsed.
      if (path.endsWith(".json")) {
        JSON.parse(text, (_key, value) => {
          if (typeof value === "string") assertSafe(path, value);
          return value;
        });
      }
    }
    assert(files >= 4, `${files} files`);
    assertSafe(
      "the story",
      renderSession(await composeSession(directory, "s1", { store, now: START }), painter),
    );

    await using server = await (async () => {
      const started = await startStatusServer({
        store: raw,
        version: "1",
        clock,
        port: 0,
        readiness: () => Promise.resolve({ ready: false, reason: hostileText(7) }),
      });
      return { url: started.url, [Symbol.asyncDispose]: () => started.stop() };
    })();
    for (
      const path of ["/status", "/readyz", "/healthz", `/${encodeURIComponent(hostileText(3).slice(0, 300))}`]
    ) {
      const response = await fetch(`${server.url}${path}`);
      assertEquals(response.headers.get("x-content-type-options"), "nosniff");
      const text = await response.text();
      assertSafe(path, text);
      JSON.parse(text, (_key, value) => {
        if (typeof value === "string") {
          assertSafe(path, value);
        }
        return value;
      });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a line of ten megabytes, a million lines and bytes that are no text leave bounded, clean text (promise 14) (promise 19)", () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 7919 + (at >> 3)) & 0xff);
  const random = randomOf(1);
  const inputs = [
    "x".repeat(10_000_000),
    `${"\x1b[31m\u202e".repeat(700_000)}Error: the end`,
    Array.from({ length: 1_000_000 }, (_, at) => `line ${at}`).join("\n"),
    new TextDecoder().decode(bytes),
    new TextDecoder("latin1").decode(bytes),
    Array.from({ length: 300 }, () => hostileText(Math.floor(random() * 1e9))).join("\n"),
  ];
  for (const input of inputs) {
    const clean = cleanLog(input, redact);
    assertSafe("a log", clean);
    assert(clean.length <= 2 * 1024 * 1024 + 100 && clean.split("\n").length <= 20_001);
  }
});

Deno.test("an error that quotes hostile text is shown on clean lines (promise 14)", () => {
  for (let seed = 0; seed < TEXTS; seed++) {
    const text = (offset: number) => hostileText(seed * 100 + offset);
    const remote = new RenderRefused(`Cannot call GET /x: ${text(3)}`, 404, "GET /x", undefined);
    for (
      const error of [
        new EvenkeelError(`Cannot clone: ${text(1)}`, { hint: text(2) }),
        remote,
        new TypeError(text(4)),
      ]
    ) {
      const lines = reported(error);
      assert(lines.length > 0);
      for (const line of lines) assertSafe("an error", line);
    }
  }
});
