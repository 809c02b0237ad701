import { assert, assertEquals } from "@std/assert";
import type { BareRepository } from "../helpers/repository.ts";
import { serveRepository } from "../repo/http_remote.ts";
import { nodeApp } from "./apps.ts";
import { begin, health, Stage, theFix } from "./stage.ts";

const TOKEN = "canary-of-a-password";
/** The two instants of a push: when git asks where the branch is, and when it sends the commit. */
const MOMENTS = {
  "before our push begins": /service=git-receive-pack$/,
  "while our push is under way": /\/git-receive-pack$/,
};

for (const [moment, pattern] of Object.entries(MOMENTS)) {
  Deno.test(`a commit that somebody pushes ${moment} survives; the fix is dropped and made anew on top (promise 25)`, async () => {
    await using stage = await Stage.open({ env: { GITHUB_TOKEN: TOKEN } });
    await using cleanup = new AsyncDisposableStack();
    let foreign: string | undefined;
    let repository: BareRepository | undefined;
    const patient = await stage.patient(nodeApp({ host: "127.0.0.1" }), {
      address(bare) {
        repository = bare;
        const before = async ({ url }: Request) => {
          if (!pattern.test(url) || foreign !== undefined) return;
          foreign = "";
          foreign = await repository?.commit({ "NOTES.md": "Mine\n" }, "Notes of a person");
        };
        const remote = cleanup.use(serveRepository(bare.url, TOKEN, { before }));
        return remote.url.replace("//", `//x-access-token:${TOKEN}@`);
      },
    });
    await begin(patient, "update_failed");
    await stage.configure([patient]);

    const { code, only } = await stage.once();
    assertEquals([code, only.verdict], [0, "ready"], JSON.stringify(only.incident, null, 2));
    assert(foreign);
    const fix = await theFix(patient);
    assertEquals(fix.before.map(({ sha }) => sha).indexOf(foreign), 0, "the fix lies on the foreign commit");
    assertEquals(await patient.repository.read("NOTES.md"), "Mine\n");
    assertEquals(fix.files, ["index.js"]);
    assertEquals(only.incident?.attempts.map(({ status }) => status), ["abandoned", "fixed"]);
    assertEquals((await health(patient)).status, 200);
  });
}
