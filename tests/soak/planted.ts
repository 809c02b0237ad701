/**
 * A short soak, as it is or with defects planted, in a process of its own: what is measured are the memory and the
 * handles of the process that it runs in. Prints the gates by their verdict, as JSON.
 *
 *     deno run -A tests/soak/planted.ts all|none DAYS
 */
import { DatabaseSync } from "node:sqlite";
import { CAPS } from "./measure.ts";
import { soak } from "./soak.ts";
import type { Pass } from "./world.ts";

const DAY_MS = 24 * 3_600_000;
const SERVICES = 10;
const SAMPLES = 40;
const WALL_MAX_MS = 400_000;
/** A ceiling that an hour reaches where nothing is taken away. */
const EVENTS_OF_ONE = 20;
/** What is kept of a pass besides its result. */
const LOG_BYTES = 48 * 1024;
/** A handle is forgotten every so many passes. */
const HANDLE_EVERY = 20;

const kept: unknown[] = [];
let passes = 0;

/** Keeps each pass with a log for ever, forgets to close a file, and has a table that is never pruned. */
function leak(databasePath: string, pass: Pass): void {
  if (passes === 0) {
    using database = new DatabaseSync(databasePath, { timeout: 5_000 });
    database.exec("CREATE TRIGGER keep BEFORE DELETE ON events BEGIN SELECT RAISE(IGNORE); END");
  }
  passes++;
  kept.push(pass, new Uint8Array(LOG_BYTES));
  if (passes % HANDLE_EVERY === 0) kept.push(Deno.openSync(databasePath));
}

const [which, days = "0.25"] = Deno.args;
const { gates } = await soak({
  services: SERVICES,
  wallMs: WALL_MAX_MS,
  simulatedMs: Number(days) * DAY_MS,
  samples: SAMPLES,
  ...which === "all"
    ? { plant: leak, caps: { ...CAPS, events: { rows: EVENTS_OF_ONE, perService: true } } }
    : {},
});
console.log(JSON.stringify(gates));
Deno.exit(0);
