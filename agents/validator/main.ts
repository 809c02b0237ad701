import { serveAgent } from "../serve.ts";
import { validatorAgent } from "./agent.ts";
await serveAgent(validatorAgent);
