/** The parts of a controller in a simulated world, for those who steer that world themselves. */
import type { RunAgent } from "../../agents/agent.ts";
import type { Parts } from "../../reconciler/parts.ts";
import { QUIET_PARTS } from "../helpers/parts.ts";
import type { Store } from "../../state/store.ts";
import { createSimulatedAgents } from "../simulation/agents.ts";
import type { AgentWorld } from "../simulation/agents.ts";
import type { Platform } from "../simulation/platform.ts";
import type { Process } from "../simulation/process.ts";
import { Chance } from "../simulation/random.ts";
import { createSimulatedRender } from "../simulation/render.ts";
import type { Watcher } from "../simulation/render.ts";
import { createSimulatedRepositories } from "../simulation/repositories.ts";
import type { Weather } from "../simulation/weather.ts";

export interface SimulatedWorld {
  seed: number;
  platform: Platform;
  process: Process;
  store: Store;
  weather(): Weather;
  watcher: Watcher;
  sampled: AgentWorld["sampled"];
  /** Puts something around the agents. @default nothing */
  agents?: (simulated: RunAgent) => RunAgent;
}

export function simulatedParts(world: SimulatedWorld): Parts {
  const { seed, platform, process, store, weather, watcher, sampled } = world;
  const chance = (stream: string) => new Chance(seed, stream);
  const { scheduler } = platform;
  const agentWorld = { platform, scheduler, weather, chance: chance("agents"), sampled, lied: () => {} };
  const simulated = createSimulatedAgents(agentWorld, true);
  const run = world.agents?.(simulated) ?? simulated;
  const runFallback = createSimulatedAgents(agentWorld, false);
  return {
    ...QUIET_PARTS,
    api: process.guard("api", createSimulatedRender(platform, weather, chance("api"), watcher)),
    store: process.guard("store", store),
    repositories: process.guard(
      "git",
      createSimulatedRepositories(platform, weather, chance("git"), watcher),
    ),
    runAgent: (agent, input, options) => process.call(agent.name, () => run(agent, input, options)),
    runFallback: (agent, input, options) =>
      process.call(agent.name, () => runFallback(agent, input, options)),
    clock: process.clock,
    random: chance("controller").next,
    sessionId: process.name,
    epoch: process.name,
  };
}
