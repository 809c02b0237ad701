/**
 * A short soak, as it is or with defects planted, in a process of its own: what is measured are the memory and the
 * handles of the process that it runs in. Prints the names of the gates that did not hold, as JSON.
 *
 *     deno run -A tests/soak/planted.ts all|none
 */
import { DatabaseSync } from "node:sqlite";
import { soak } from "./soak.ts";

/** Enough to get going and then to tell growth from a start. */
const SIMULATED_MS = 6 * 3_600_000;
const SERVICES = 10;
const SAMPLES = 40;
const WALL_MAX_MS = 100_000;

const kept: unknown[] = [];
let passes = 0;

/** Does at each pass what it should not. */
function leak(databasePath: string): void {
  passes++;
  kept.push(new Array<number>(4 * 1024).fill(passes));
  if (passes % 20 === 0) kept.push(Deno.openSync(databasePath));
  if (passes % 50 !== 0) return;
  using database = new DatabaseSync(databasePath, { timeout: 5_000 });
  database.exec("CREATE TABLE IF NOT EXISTS forgotten (at INTEGER); INSERT INTO forgotten VALUES (1)");
}

const { gates } = await soak({
  services: SERVICES,
  wallMs: WALL_MAX_MS,
  simulatedMs: SIMULATED_MS,
  samples: SAMPLES,
  ...Deno.args[0] === "all" ? { plant: leak } : {},
});
console.log(JSON.stringify(gates.filter(({ isHeld }) => !isHeld).map(({ name }) => name)));
Deno.exit(0);
