/** A process that writes to a store without end and says after each write that it is recorded. Run by kill_test.ts. */
import { openSqliteStore } from "../../state/sqlite.ts";
import { event, healed, serviceRecord, START } from "./builders.ts";

const [path, from] = Deno.args;
if (path === undefined || from === undefined) throw new Error("usage: writer.ts PATH FROM");
await using store = await openSqliteStore(path);
const encoder = new TextEncoder();
for (let number = Number(from);; number++) {
  const key = `inc_${number}/1/push`;
  await store.intend({ key, serviceId: "srv-1", kind: "push", payload: { number }, intendedAt: START });
  await store.record({
    service: serviceRecord({ generation: number }),
    incident: healed(number),
    events: [event({ message: String(number) }), event({ message: String(number) })],
  });
  await store.finish(key, { state: "done", result: { number }, at: START });
  Deno.stdout.writeSync(encoder.encode(`${number}\n`));
}
