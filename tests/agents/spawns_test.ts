import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { z } from "zod";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { inFull } from "../helpers/full.ts";
import { processesOf } from "../scenarios/leftovers.ts";

const SPAWNS = inFull(1000, 30);
const SEED = 17;
/** What 1,000 of them may add to the memory of who runs them; a kept run would add far more than a buffer that grew. */
const RSS_GROWTH_MIB_MAX = 64;

/** Each deed there is, and the one way in which it ends. */
const ENDS = [
  "greet: answered",
  "late: answered",
  "throw: crash",
  "reject: crash",
  "exit: crash",
  "killed: crash",
  "unguarded: answered",
  "spin: deadline",
  "stubborn: deadline",
  "close: deadline",
  "slow: deadline",
  "flood: output-cap",
  "nonsense: bad-output",
  "number: bad-output",
  "spawn: denied",
  "aborted: aborted",
];

const leftSchema = z.object({
  ends: z.record(z.string(), z.number()),
  children: z.number(),
  folders: z.number(),
  handlesLeft: z.array(z.string()),
  rssGrowthMiB: z.number(),
});

Deno.test(
  "many agents that crash, hang, flood, are killed or stopped leave no child, folder or file handle (promise 20)",
  {
    ignore: Deno.build.os !== "linux",
  },
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "evenkeel-spawns-" });
    try {
      const program = fromFileUrl(new URL("./fixtures/many_spawns.ts", import.meta.url));
      const result = await run({
        command: [Deno.execPath(), "run", "-A", program, String(SPAWNS), String(SEED), folder],
        cwd: fromFileUrl(new URL("../../", import.meta.url)),
        env: {
          ...toolEnvironment(),
          HOME: Deno.env.get("HOME") ?? "/",
          DENO_DIR: Deno.env.get("DENO_DIR") ?? "",
        },
        timeoutMs: 600_000,
      });
      assert(result.kind === "exited" && result.code === 0, result.stderr);
      const left = leftSchema.parse(JSON.parse(result.stdout));
      assertEquals([left.children, left.folders, left.handlesLeft], [0, 0, []]);
      assertEquals(Object.keys(left.ends).toSorted(), ENDS.toSorted());
      const count = Object.values(left.ends).reduce((sum, one) => sum + one, 0);
      assertEquals(count, SPAWNS);
      assert(left.rssGrowthMiB <= RSS_GROWTH_MIB_MAX, `${left.rssGrowthMiB} MiB more`);
      assertEquals(await processesOf(folder), []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
