/** `once`: looks at every service, heals what is broken, proves it and leaves with an exit code that says so. */
import { systemClock } from "../base/clock.ts";
import { EvenkeelError, EXIT, messageWithHint } from "../base/errors.ts";
import type { ExitCode } from "../base/errors.ts";
import { Controller } from "../reconciler/controller.ts";
import { describeVariables } from "../reconciler/environment.ts";
import { settle } from "../reconciler/settle.ts";
import type { Settlement } from "../reconciler/settle.ts";
import { emptyRecord } from "../reconciler/samples.ts";
import type { ServiceSpec } from "../reconciler/spec.ts";
import { Fenced } from "../state/lease.ts";
import type { Store } from "../state/store.ts";
import { parseArguments } from "./arguments.ts";
import { assemble } from "./assembly.ts";
import { begin } from "./beginning.ts";
import { agentsFlag, configFlag, defineCommand, outputFlag, serviceFlag, topologyFlag } from "./command.ts";
import { createNarrator } from "./event_line.ts";
import { describeFailure } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { verboseFlag } from "./log.ts";
import { createPainter, printJson } from "./output.ts";
import { renderSettlement, settlementJson } from "./report.ts";
import { storyHint } from "./session.ts";
import { stopOnSignals } from "./signals.ts";

/** Services looked after at the same time. */
const SERVICES_AT_ONCE = 4;
const TIMEOUT_DEFAULT_MS = 30 * 60_000;
/** How long hooks that are still to be called may take at the end, in milliseconds. */
const HOOKS_DRAIN_MS = 20_000;

export const onceDefinition = defineCommand({
  name: "once",
  summary: "Checks services once, heals what is broken and proves it. For a person at night, cron and CI.",
  flags: {
    service: serviceFlag,
    check: { kind: "switch", description: "Only look: diagnose and show the repair, change nothing" },
    timeout: { kind: "duration", default: TIMEOUT_DEFAULT_MS, description: "How long a heal may take" },
    agents: agentsFlag,
    topology: topologyFlag,
    config: configFlag,
    output: outputFlag,
    verbose: verboseFlag,
  },
  environment: describeVariables(),
  exitCodes: {
    0: "every service is in its desired state",
    1: "a service is not: a person is needed, time ran out, or --check found work",
    2: "a flag, the environment or evenkeel.yaml is wrong",
    3: "a service could not be observed: no answer, a wrong key",
  },
  examples: [
    "RENDER_API_KEY=... deno task once --service my-api",
    "deno task once --check -o json",
  ],
});

export async function onceCommand(args: string[]): Promise<number> {
  const parsed = parseArguments(onceDefinition, args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ready;
  }
  const { flags } = parsed;
  await using beginning = await begin(flags);
  const { configuration, secrets } = beginning;
  // Progress goes to standard error, so that the report on standard output stays whole.
  const narrator = createNarrator(
    (line) => console.error(secrets.redact(line)),
    systemClock,
    Deno.stderr.isTerminal(),
    configuration.services.map(({ service }) => service),
  );
  /** Whether the session of this run has anything to tell. */
  let hasStory = false;
  await using assembly = await assemble(configuration, {
    mayWrite: !flags.check,
    agents: flags.agents,
    topology: flags.topology,
    onEvent(event, about) {
      hasStory ||= about.incident !== null && !flags.check;
      // With --check nothing begins: the report says what would.
      if (!flags.check || event.type !== "AttemptBegun") narrator.event(event, about);
    },
    secrets,
  });
  if (assembly.continued !== null) narrator.say(assembly.continued);
  await using controller = new Controller(assembly.parts, { mayAct: !flags.check });
  using stop = stopOnSignals();
  const waiting = [...configuration.services];
  const results: Settlement[] = [];
  const work = async () => {
    for (let spec = waiting.shift(); spec !== undefined; spec = waiting.shift()) {
      const settling = settle(controller, assembly.parts, spec, {
        timeoutMs: flags.timeout,
        signal: stop.signal,
        lost: assembly.lost,
        onPass: (pass) => narrator.outcome(pass.record.name, pass.outcome),
      });
      // Of several services, one that cannot be looked at must not end the others in the middle of a step.
      results.push(
        await (configuration.services.length === 1 ? settling : settling.catch(notLookedAt(spec))),
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(SERVICES_AT_ONCE, waiting.length) }, work));
  } catch (error) {
    if (!(error instanceof Fenced)) throw error;
    throw new EvenkeelError(`Cannot go on: this run stood still, and ${error.lease.holder} leads by now`, {
      hint: "What is under way goes on there; see its /status",
      exitCode: EXIT.notReady,
    });
  } finally {
    // Also of a run that ends with an error: what was done until then is worth reading.
    if (!assembly.lost.aborted) await assembly.writeArtifacts();
  }
  const exitCode = exitCodeOf(results);
  const reports: { result: Settlement; failure: Failure | null }[] = [];
  for (const result of results) {
    reports.push({ result, failure: await failureOf(assembly.parts.store, result) });
  }
  if (flags.output === "json") {
    const report = {
      schemaVersion: 1,
      exitCode,
      checkOnly: flags.check,
      session: assembly.parts.sessionId,
      services: reports.map(({ result, failure }) => settlementJson(result, failure)),
    };
    printJson(report, secrets.redact);
  } else {
    const painter = createPainter();
    const texts = reports.map(({ result, failure }) => renderSettlement(result, painter, failure));
    console.log(secrets.redact(texts.join("\n\n")));
    if (hasStory) narrator.say(storyHint(assembly.parts.sessionId));
  }
  const ready = results.filter((result) => result.verdict === "ready").length;
  const message = `${ready} of ${results.length} services are in their desired state`;
  await assembly.endSession({ message, success: exitCode === EXIT.ready }, HOOKS_DRAIN_MS);
  return exitCode;
}

/** What to say of an incident that Evenkeel could not end by itself; `null` where there is nothing to say. */
async function failureOf(store: Store, result: Settlement): Promise<Failure | null> {
  const { verdict, incident, withheld } = result;
  if (verdict === "ready" || incident === null || withheld !== null) return null;
  return await describeFailure(store, incident, result);
}

/** A service that cannot even be looked at, as a result: a typo in its name, a key that may not see it. */
function notLookedAt(spec: ServiceSpec): (error: unknown) => Settlement {
  return (error) => {
    if (!(error instanceof EvenkeelError)) throw error;
    return {
      service: spec.service,
      verdict: "unobserved",
      reason: "CannotLook",
      message: messageWithHint(error),
      resume: null,
      record: emptyRecord(spec.service, spec.service, spec.generation),
      incident: null,
      withheld: null,
      durationMs: 0,
    };
  };
}

/** Not being able to see weighs less than knowing that something is wrong. */
export function exitCodeOf(results: readonly Pick<Settlement, "verdict">[]): ExitCode {
  if (results.some((result) => result.verdict === "not-ready")) return EXIT.notReady;
  if (results.some((result) => result.verdict === "unobserved")) return EXIT.unobservable;
  return EXIT.ready;
}
