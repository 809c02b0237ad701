import { assert } from "@std/assert";
import { assemble } from "../../cli/assembly.ts";
import { loadConfiguration } from "../../reconciler/config.ts";

const DAY_MS = 86_400_000;

// In a file of its own: it sets the clock of the process that it runs in.
Deno.test("what is put together for a run hears from Render's answers what time it is (promise 4)", async () => {
  const date = new Date(Date.now() + DAY_MS).toUTCString();
  await using render = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ id: "srv-a", name: "api" }, { headers: { date } }),
  );
  const folder = await Deno.makeTempDir();
  try {
    const environment: Record<string, string> = {
      RENDER_API_KEY: "rnd_for_a_test",
      RENDER_API_URL: `http://127.0.0.1:${render.addr.port}/v1`,
      EVENKEEL_DATA_DIR: folder,
    };
    const configuration = await loadConfiguration({
      services: ["srv-a"],
      environment: (name) => environment[name],
    });
    await using assembly = await assemble(configuration, { mayWrite: false, agents: "off" });
    const { api, clock } = assembly.parts;
    assert(clock.now() < Date.now() + DAY_MS / 2);
    await api.getService("srv-a");
    assert(clock.now() > Date.now() + DAY_MS / 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
