/** Children of this process that still run, and folders that agents had. */
import type { Gate } from "./gates.ts";

/** @param scratch where agents have their folders */
export async function leftBehind(scratch: string): Promise<Gate> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(scratch)) found.push(`folder ${name}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  for await (const { name } of Deno.readDir(`/proc/${Deno.pid}/task`)) {
    const children = await Deno.readTextFile(`/proc/${Deno.pid}/task/${name}/children`).catch(() => "");
    found.push(...children.split(" ").filter((pid) => pid !== "").map((pid) => `process ${pid}`));
  }
  return {
    name: "left behind",
    verdict: found.length === 0 ? "held" : "broken",
    figure: found.length === 0 ? "nothing" : found.join(", "),
    allowed: "no child, no scratch folder",
  };
}
