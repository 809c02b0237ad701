/** Whether this machine lets a program be shut in: the tests of what happens in a cell are skipped where it does not. */
import { openCell } from "../../process/cell.ts";

export async function hasCell(): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-cell-" });
  try {
    const signal = new AbortController().signal;
    return (await openCell({ folder, hidden: [], env: {}, signal })).kind === "open";
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
