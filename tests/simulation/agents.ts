/**
 * The simulated agents. Monitor, analyzer, fixer and validator answer from the simulated world; optimizer and
 * deployer are the real ones, asking their tools through the real gate. Each may crash, hang until its deadline or
 * answer well-formed nonsense.
 */
import { deployerAgent } from "../../agents/deployer/agent.ts";
import { createGate } from "../../agents/gate.ts";
import type { Agent, AgentRun, AskTool, RunAgent } from "../../agents/agent.ts";
import { analyzerInputSchema, fixerInputSchema, monitorInputSchema } from "../../agents/messages.ts";
import type { Diagnosis, MonitorOutput, Probe, Proposal, ValidatorOutput } from "../../agents/messages.ts";
import { optimizerAgent } from "../../agents/optimizer/agent.ts";
import { messageOf } from "../../base/errors.ts";
import { fingerprint } from "../../text/fingerprint.ts";
import { BOUND_COMMAND, DEFECTS, GOOD_SETTINGS } from "./defects.ts";
import type { DefectName } from "./defects.ts";
import type { Platform, SimService } from "./platform.ts";
import type { Chance } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Weather } from "./weather.ts";

export interface AgentWorld {
  platform: Platform;
  scheduler: Scheduler;
  weather(): Weather;
  chance: Chance;
  /** Told of each sample before it is handed over. */
  sampled(service: SimService, sample: Probe["status"]): void;
  /** Told when an agent gave an answer that is not the truth. */
  lied(agent: string): void;
}

type Ending = "answers" | "crashes" | "hangs";

/** @param mayFail `false` for agents that run inside the process: they neither crash nor hang */
export function createSimulatedAgents(world: AgentWorld, mayFail: boolean): RunAgent {
  const { scheduler, chance, weather } = world;
  return async <Input, Output>(
    agent: Agent<Input, Output>,
    input: Input,
    options: Parameters<RunAgent>[2],
  ): Promise<AgentRun<Output>> => {
    const startedAt = scheduler.now;
    const failed = (why: "crash" | "deadline" | "aborted", message: string): AgentRun<Output> => ({
      kind: "failed",
      why,
      message,
      durationMs: scheduler.now - startedAt,
    });
    const { agentCrash, agentHang } = weather();
    // The monitor runs at every look; it fails by answering `unknown` as well.
    const often = !mayFail ? 0 : agent.name === "monitor" ? 0.1 : 1;
    const ending: Ending = chance.roll(agentCrash * often)
      ? "crashes"
      : chance.roll(agentHang * often)
      ? "hangs"
      : "answers";
    const isEarly = chance.roll(0.5);
    await scheduler.sleep(chance.whole(20, 500));
    if (options.signal?.aborted) return failed("aborted", `${agent.name} was stopped`);
    if (ending === "crashes" && isEarly) return failed("crash", `${agent.name} exited with 133`);
    let output: unknown;
    {
      await using gate = createGate(agent, options.toolbox);
      if (ending === "hangs" && isEarly) await scheduler.sleep(agent.limits.deadlineMs);
      else {
        try {
          output = await answer(world, agent, input, gate.ask);
        } catch (error) {
          // As a subprocess that threw.
          return failed("crash", messageOf(error));
        }
      }
    }
    if (ending === "crashes") return failed("crash", `${agent.name} exited with 133`);
    if (ending === "hangs") {
      if (!isEarly) await scheduler.sleep(agent.limits.deadlineMs);
      return failed("deadline", `${agent.name} took over ${agent.limits.deadlineMs} ms`);
    }
    if (options.signal?.aborted) return failed("aborted", `${agent.name} was stopped`);
    return { kind: "answered", output: agent.output.parse(output), durationMs: scheduler.now - startedAt };
  };
}

async function answer(world: AgentWorld, agent: { name: string }, input: unknown, ask: AskTool) {
  switch (agent.name) {
    case "monitor":
      return monitor(world, input);
    case "analyzer":
      return analyze(world, input);
    case "optimizer":
      return await optimizerAgent.answer(optimizerAgent.input.parse(input), ask);
    case "fixer":
      return propose(world, input);
    case "validator":
      return validate(world);
    case "deployer":
      return await deployerAgent.answer(deployerAgent.input.parse(input), ask);
    default:
      throw new Error(`There is no agent ${agent.name}`);
  }
}

const GOOD: Probe = { status: "good", reason: "Ok", message: "GET /healthz answered 200" };

function monitor({ platform, weather, chance, sampled }: AgentWorld, input: unknown): MonitorOutput {
  const { url, database } = monitorInputSchema.parse(input);
  const service = platform.find(new URL(url).hostname.split(".")[0] ?? "");
  if (service === undefined) throw new Error(`Nothing is at ${url}`);
  const { probeUnknown, probeBlip } = weather();
  const troubles = platform.troubles(service);
  const base = { httpStatus: null, latencyMs: 10 };
  if (chance.roll(probeUnknown)) {
    const unknown: Probe = { status: "unknown", reason: "ConnectionFailed", message: "no connection" };
    sampled(service, "unknown");
    return { health: unknown, json: unknown, database: unknown, ...base };
  }
  const isBad = troubles.length > 0 || chance.roll(probeBlip);
  const health: Probe = isBad
    ? { status: "bad", reason: "HttpStatus", message: `GET /healthz answered 500 (${troubles[0] ?? "blip"})` }
    : GOOD;
  const isDown = database.kind === "json-path" && !service.databaseUp;
  sampled(service, isBad || isDown ? "bad" : "good");
  return {
    health,
    json: health,
    database: isDown
      ? { status: "bad", reason: "ValueDiffers", message: "database is down" }
      : database.kind === "json-path" && isBad
      ? { ...health, status: "unknown" }
      : GOOD,
    ...base,
  };
}

function analyze({ weather, chance, lied }: AgentWorld, input: unknown): Diagnosis {
  const { log } = analyzerInputSchema.parse(input);
  const lines = log.split("\n");
  const isError = (line: string) => line.startsWith("ERROR ");
  // What can be named comes before what cannot: the log of a deploy may hold lines of the one before it.
  const named = lines.findIndex((line) => isError(line) && !line.startsWith("ERROR riddle"));
  const at = named < 0 ? lines.findIndex(isError) : named;
  const [, found = "", path = ""] = /^ERROR (\w+) at (.*)$/.exec(lines[at] ?? "") ?? [];
  const names = Object.keys(DEFECTS) as DefectName[]; // the keys of a literal of that type
  let name = names.find((one) => one === found) ?? null;
  if (chance.roll(weather().agentLie)) {
    lied("analyzer");
    name = chance.pick(["missing", "pins", "flake", "root", "crash"]);
  }
  const defect = name === null ? null : DEFECTS[name];
  const cause = defect?.cause ?? "unknown";
  return {
    cause,
    confidence: cause === "unknown" ? 0 : 0.9,
    summary: `${cause} at ${path}.`,
    evidence: at < 0 ? null : { line: at + 1, text: lines[at] ?? "" },
    chain: [cause],
    captures: { name: name ?? "", path },
    fingerprint: fingerprint([cause, path]),
    failureClass: { id: fingerprint([cause]), about: "" },
    phase: null,
    redeployMayCure: name === "flake",
    rejected: [],
    remedies: defect?.remedies.map(({ id }) => id) ?? [],
    excerpt: [],
  };
}

function propose({ platform, weather, chance, lied }: AgentWorld, input: unknown): Proposal {
  const { remedy, diagnosis, directory } = fixerInputSchema.parse(input);
  const [, , serviceId = "", head = ""] = directory.split("/");
  const service = platform.find(serviceId);
  const named = diagnosis.captures["name"] ?? "";
  const name = (Object.keys(DEFECTS) as DefectName[]).find((one) => one === named); // as above
  if (service === undefined || name === undefined) return { kind: "none", why: "it does not apply" };
  const cure = DEFECTS[name].remedies.find(({ id }) => id === remedy)?.cure;
  const path = diagnosis.captures["path"] || "src/main";
  const { tree } = service.repository.get(head);
  const patch = (content: string, at = path): Proposal =>
    tree[at] === content
      ? { kind: "none", why: "the file is like that already" }
      : { kind: "patch", edits: [{ path: at, content }], summary: `Change ${at}.`, risk: "low" };
  const isLie = cure !== "redeploy" && chance.roll(weather().agentLie);
  if (isLie) {
    lied("fixer");
    return chance.roll(0.5)
      ? patch(`nonsense ${chance.whole(1, 3)}`, "notes")
      : patch(`defect ${chance.pick(["crash", "missing"])}`);
  }
  switch (cure) {
    case "cures":
      return tree[path]?.startsWith("defect")
        ? patch("fixed")
        : { kind: "none", why: "there is nothing to mend in that file" };
    case "useless":
      return patch(`tried ${remedy}`, "notes");
    case "worse":
      return patch("defect crash");
    case "setting":
      return {
        kind: "setting",
        patch: name === "root"
          ? { rootDir: GOOD_SETTINGS.rootDir }
          : { serviceDetails: { envSpecificDetails: { startCommand: BOUND_COMMAND } } },
        summary: "Change a setting.",
        risk: "low",
      };
    case "redeploy":
      return { kind: "redeploy", clearCache: false, summary: "Deploy again.", risk: "low" };
    default:
      return { kind: "none", why: "it is not a remedy for that" };
  }
}

function validate({ weather, chance, lied }: AgentWorld): ValidatorOutput {
  const fails = chance.roll(weather().agentLie / 2);
  if (fails) lied("validator");
  const result = fails ? "fail" : "pass";
  return { verdict: result, checks: [{ name: "simulated", result, detail: "looked at" }] };
}
