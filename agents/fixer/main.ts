import { serveAgent } from "../serve.ts";
import { fixer } from "./agent.ts";

await serveAgent(fixer);
