/** What the drydock tests share: a started drydock, a small client of its API, a tiny service to deploy. */
import { startDrydock } from "../../drydock/mod.ts";
import type { Drydock, DrydockOptions } from "../../drydock/mod.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { createBareRepository } from "../helpers/repository.ts";
import type { BareRepository } from "../helpers/repository.ts";
import { z } from "zod";

export const SPEED = 100;
const WAIT_MS_MAX = 240_000;
const POLL_MS = 40;

const deploySchema = z.object({
  id: z.string(),
  status: z.string(),
  trigger: z.string(),
  commit: z.object({ id: z.string(), message: z.string() }).optional(),
});
export type DeployView = z.infer<typeof deploySchema>;
const eventSchema = z.object({
  id: z.string(),
  type: z.string(),
  details: z.record(z.string(), z.unknown()),
});
const logPageSchema = z.object({
  hasMore: z.boolean(),
  nextStartTime: z.string(),
  nextEndTime: z.string(),
  logs: z.array(z.object({ message: z.string(), timestamp: z.string() })),
});
const createdSchema = z.object({
  deployId: z.string(),
  service: z.object({ id: z.string(), serviceDetails: z.object({ url: z.string() }) }),
});

/** An HTTP service that answers its version and PID, with no dependency. */
export function app(version: string, more = ""): string {
  return `const http = require("node:http");
${more}
const server = http.createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ version: "${version}", word: process.env.WORD ?? null, pid: process.pid, cwd: process.cwd(), path: request.url }));
});
process.on("SIGTERM", () => process.exit(0));
server.listen(Number(process.env.PORT), "0.0.0.0", () => console.log("listening on", process.env.PORT));
`;
}

/** The same in Python; its word is the virtual environment it runs in. */
export const pythonApp = `import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"version": "python", "word": sys.prefix, "pid": os.getpid(), "cwd": os.getcwd(), "path": self.path})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
`;

/** True when this machine has a Python that can make virtual environments. */
export async function hasPython(): Promise<boolean> {
  const command = ["sh", "-c", "python3 -c 'import venv, ensurepip'"] as const;
  const answer = await run({ command, cwd: "/", env: toolEnvironment(), timeoutMs: 20_000 });
  return answer.kind === "exited" && answer.code === 0;
}

export class Harbour implements AsyncDisposable {
  private constructor(readonly drydock: Drydock) {}

  static async open(options: DrydockOptions = {}): Promise<Harbour> {
    return new Harbour(await startDrydock({ speed: SPEED, ...options }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drydock.stop();
  }

  async fetch(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return await fetch(`${this.drydock.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.drydock.apiKey}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** @throws when the answer is no success */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await this.fetch(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** Creates a Node service that runs `node index.js` without a build, unless `changes` says otherwise. */
  async create(
    repository: BareRepository,
    changes:
      & { details?: Record<string, unknown>; commands?: Record<string, string> }
      & Record<string, unknown> = {},
  ): Promise<Berth> {
    const { details, commands, ...top } = changes;
    const created = createdSchema.parse(
      await this.call("POST", "/services", {
        type: "web_service",
        name: "api",
        ownerId: this.drydock.ownerId,
        repo: repository.url,
        serviceDetails: {
          runtime: "node",
          envSpecificDetails: { buildCommand: "", startCommand: "node index.js", ...commands },
          ...details,
        },
        ...top,
      }),
    );
    return new Berth(this, created.service.id, created.service.serviceDetails.url, created.deployId);
  }
}

/** One service of a harbour. */
export class Berth {
  constructor(
    readonly harbour: Harbour,
    readonly id: string,
    readonly url: string,
    readonly firstDeployId: string,
  ) {}

  async deploys(): Promise<DeployView[]> {
    const items = await this.harbour.call("GET", `/services/${this.id}/deploys?limit=100`);
    return z.array(z.object({ deploy: deploySchema })).parse(items).map(({ deploy }) => deploy);
  }

  /** Starts a deploy; `undefined` for a 202. */
  async deploy(body: unknown = {}): Promise<DeployView | undefined> {
    const answer = await this.harbour.call("POST", `/services/${this.id}/deploys`, body);
    return answer === undefined ? undefined : deploySchema.parse(answer);
  }

  /** Starts a deploy, also where it is queued behind one that is just ending, and waits for how it ends. */
  async deployUntil(status: string, body: unknown = {}): Promise<DeployView> {
    const before = (await this.deploys()).map(({ id }) => id);
    const started = await this.deploy(body);
    const id = started?.id ?? (await this.deploys()).find((one) => !before.includes(one.id))?.id;
    if (id === undefined) throw new Error("no deploy was started");
    return await this.reaches(id, status);
  }

  /** Waits until a deploy has one of the given statuses and fails if it ends with another. */
  async reaches(deployId: string, ...statuses: string[]): Promise<DeployView> {
    let last: DeployView | undefined;
    const found = await until(async () => {
      last = deploySchema.parse(await this.harbour.call("GET", `/services/${this.id}/deploys/${deployId}`));
      if (statuses.includes(last.status)) return last;
      const isOver = ["live", "build_failed", "pre_deploy_failed", "update_failed", "canceled"].includes(
        last.status,
      );
      if (isOver) throw new Error(`${deployId} ended ${last.status}\n${(await this.log()).join("\n")}`);
      return undefined;
    });
    return found;
  }

  async isLive(): Promise<void> {
    await this.reaches(this.firstDeployId, "live");
  }

  async answer(
    path = "/",
  ): Promise<{ version: string; word: string | null; pid: number; cwd: string; path: string }> {
    const response = await fetch(`${this.url}${path}`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${this.url} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }

  async status(): Promise<number> {
    const response = await fetch(this.url);
    await response.body?.cancel();
    return response.status;
  }

  /** All lines, oldest first. */
  async log(query = ""): Promise<string[]> {
    const { ownerId } = this.harbour.drydock;
    const path = `/logs?ownerId=${ownerId}&resource=${this.id}&direction=forward&limit=1000${query}`;
    return logPageSchema.parse(await this.harbour.call("GET", path)).logs.map(({ message }) => message);
  }

  async logPage(query: string): Promise<z.infer<typeof logPageSchema>> {
    const { ownerId } = this.harbour.drydock;
    return logPageSchema.parse(
      await this.harbour.call("GET", `/logs?ownerId=${ownerId}&resource=${this.id}${query}`),
    );
  }

  /** Newest first. */
  async events(type?: string): Promise<z.infer<typeof eventSchema>[]> {
    const filter = type === undefined ? "" : `&type=${type}`;
    const items = await this.harbour.call("GET", `/services/${this.id}/events?limit=100${filter}`);
    return z.array(z.object({ event: eventSchema })).parse(items).map(({ event }) => event);
  }
}

/** Asks again and again until there is an answer. */
export async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const giveUpAt = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > giveUpAt) throw new Error("Waited too long");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export function nodeRepository(version = "one", more = ""): Promise<BareRepository> {
  return createBareRepository({ "index.js": app(version, more) });
}
