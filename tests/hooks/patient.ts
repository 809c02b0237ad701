/** A service that Evenkeel knows how to repair, in a drydock of its own, and the command line that looks after it. */
import { fromFileUrl, join } from "@std/path";
import { findDenoDir } from "../../agents/sandbox.ts";
import { createService } from "../../cli/demo/yard.ts";
import { startDrydock } from "../../drydock/mod.ts";
import type { Drydock } from "../../drydock/mod.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { createRenderClient } from "../../render/client.ts";
import { until } from "../drydock/harbour.ts";
import { createBareRepository } from "../helpers/repository.ts";
import type { BareRepository } from "../helpers/repository.ts";

export const MAIN = fromFileUrl(new URL("../../main.ts", import.meta.url));
/** Of this service's settings, for evenkeel.yaml. */
const PACE = { stableFor: "1s", interval: "1s", watchInterval: "250ms" };

const files = {
  "package.json":
    JSON.stringify({ name: "my-api", type: "module", scripts: { start: "node server.js" } }, null, 2) + "\n",
  "server.js": `import { createServer } from "node:http";
createServer((_request, response) => {
  response.setHeader("content-type", "application/json");
  response.end('{"status":"ok"}');
}).listen(process.env.PORT, "127.0.0.1");
`,
};

export class Patient implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly drydock: Drydock,
    readonly repository: BareRepository,
    readonly id: string,
    readonly env: Record<string, string>,
  ) {}

  /** Its first deploy has failed: it listens on 127.0.0.1. @param folder an existing one */
  static async admit(folder: string, env: Record<string, string> = {}): Promise<Patient> {
    await using cleanup = new AsyncDisposableStack();
    const drydock = cleanup.use(await startDrydock({ speed: 450 }));
    const repository = cleanup.use(await createBareRepository(files));
    const id = await createService(drydock, { name: "my-api", startCommand: "npm start" }, repository);
    await Deno.mkdir(join(folder, "run"));
    const patient = new Patient(folder, drydock, repository, id, {
      ...toolEnvironment(),
      HOME: folder,
      DENO_DIR: await findDenoDir(Deno.execPath()),
      RENDER_API_KEY: drydock.apiKey,
      RENDER_API_URL: drydock.url,
      EVENKEEL_DATA_DIR: join(folder, "data"),
      ...env,
    });
    await until(async () => (await patient.deploys())[0]?.status === "update_failed" || undefined);
    cleanup.move();
    return patient;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drydock.stop();
    await this.repository[Symbol.asyncDispose]();
  }

  async deploys() {
    const api = createRenderClient({ apiKey: this.drydock.apiKey, baseUrl: this.drydock.url });
    return await api.listDeploys(this.id);
  }

  /** Writes evenkeel.yaml. */
  async configure(hooks: unknown): Promise<void> {
    const text = JSON.stringify({ services: [{ service: "my-api", ...PACE }], hooks });
    await Deno.writeTextFile(join(this.folder, "run", "evenkeel.yaml"), text);
  }

  /** The command line as a program, for `run` and `startGroup`. */
  evenkeel(...args: string[]) {
    const command = [Deno.execPath(), "run", "-A", "--no-check", MAIN, ...args] as const;
    return { command, cwd: join(this.folder, "run"), env: this.env };
  }
}
