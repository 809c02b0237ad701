/** What the hook tests share: a folder, a program that writes down how it was called, facts of a hook. */
import { join } from "@std/path";
import { createHooks } from "../../hooks/hooks.ts";
import type { HooksOptions } from "../../hooks/hooks.ts";
import { HOOK_DEADLINE_MS } from "../../hooks/settings.ts";
import type { HooksConfig, HookTarget } from "../../hooks/settings.ts";
import type { StateEvent } from "../../state/records.ts";
import { createRedactor } from "../../text/redact.ts";

export const SECRET = "rnd_canary0123456789abcdef";

/** Writes arguments, variables and standard input of each call into a file of its own beside the program. */
const RECORDER = `#!/bin/sh
n=1; while ! mkdir "$0.$n" 2>/dev/null; do n=$((n+1)); done
for a in "$@"; do printf '%s\\n' "$a" >> "$0.$n/arguments"; done
env > "$0.$n/environment"
pwd > "$0.$n/folder"
cat > "$0.$n/input"
touch "$0.$n/done"
`;

export interface Recorded {
  arguments: string[];
  environment: string[];
  folder: string;
  input: Record<string, unknown>;
}

export class Bench implements AsyncDisposable {
  readonly events: StateEvent[] = [];
  private constructor(readonly folder: string) {}

  static async open(): Promise<Bench> {
    return new Bench(await Deno.makeTempDir({ prefix: "evenkeel-hooks-" }));
  }

  /** A shell script as a program. @returns its path */
  async program(name: string, script: string): Promise<string> {
    const path = join(this.folder, name);
    await Deno.writeTextFile(path, script);
    await Deno.chmod(path, 0o755);
    return path;
  }

  recorder(name = "recorder"): Promise<string> {
    return this.program(name, RECORDER);
  }

  /** The calls of a recorder, oldest first. */
  async calls(name = "recorder"): Promise<Recorded[]> {
    const calls: Recorded[] = [];
    for (let n = 1;; n++) {
      const read = (file: string) => Deno.readTextFile(join(this.folder, `${name}.${n}`, file));
      if (!await read("done").then(() => true, () => false)) return calls;
      const lines = async (file: string) =>
        (await read(file).catch(() => "")).split("\n").filter((line) => line !== "");
      calls.push({
        arguments: await lines("arguments"),
        environment: await lines("environment"),
        folder: (await read("folder")).trim(),
        input: JSON.parse(await read("input") || "{}"),
      });
    }
  }

  hooks(targets: HooksConfig["targets"], options: Partial<HooksOptions & Pick<HooksConfig, "preset">> = {}) {
    return createHooks({ preset: options.preset ?? "none", targets }, {
      folder: join(this.folder, "work"),
      programFolder: this.folder,
      session: "s1",
      redact: createRedactor([SECRET]),
      onEvent: (event) => this.events.push(event),
      ...options,
    });
  }

  /** What the events say, as `hook reason`. */
  get failures(): string[] {
    return this.events.map(({ data }) => Object.values(data ?? {}).join(" "));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.folder, { recursive: true });
  }
}

export function command(...words: [string, ...string[]]): HookTarget {
  return { kind: "command", command: words, deadlineMs: HOOK_DEADLINE_MS };
}

/** A receiver on a free port of this machine. */
export function receiver(answer: (request: Request) => Response | Promise<Response>) {
  const requests: { path: string; body: string; headers: Headers }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    requests.push({
      path: new URL(request.url).pathname,
      body: await request.text(),
      headers: request.headers,
    });
    return await answer(request);
  });
  return {
    requests,
    url: `http://127.0.0.1:${server.addr.port}/hook`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
