import { serveAgent } from "../serve.ts";
import { deployerAgent } from "./agent.ts";
await serveAgent(deployerAgent);
