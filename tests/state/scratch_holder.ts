/** Holds a scratch folder in a data folder, says its path, and is killed in the end. Run: scratch_holder.ts ROOT */
import { openScratch } from "../../state/scratch.ts";

const { path } = await openScratch(Deno.args[0] ?? "");
console.log(path);
// Nobody writes there: it is read for ever.
for await (const _ of Deno.stdin.readable);
