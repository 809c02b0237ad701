/** Children of this process that still run, and folders that agents had. */
import { entriesOf } from "../scenarios/leftovers.ts";
import type { Gate } from "./gates.ts";

/** @param scratch where agents have their folders */
export async function leftBehind(scratch: string): Promise<Gate> {
  const found = (await entriesOf(scratch)).map((name) => `folder ${name}`);
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
