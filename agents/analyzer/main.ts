import { serveAgent } from "../serve.ts";
import { analyzer } from "./agent.ts";

await serveAgent(analyzer);
