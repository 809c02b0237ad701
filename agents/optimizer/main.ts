import { serveAgent } from "../serve.ts";
import { optimizerAgent } from "./agent.ts";
await serveAgent(optimizerAgent);
