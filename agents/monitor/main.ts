import { serveAgent } from "../serve.ts";
import { monitorAgent } from "./agent.ts";
await serveAgent(monitorAgent);
