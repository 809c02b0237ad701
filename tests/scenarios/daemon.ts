/** A running `reconcile`: its lines, and the ways in which it ends. */
import { startGroup } from "../../process/group.ts";
import type { ProcessGroup } from "../../process/group.ts";
import { until } from "../drydock/harbour.ts";

export class Daemon implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #group: ProcessGroup;
  readonly #reading: Promise<unknown>;
  #status: Deno.CommandStatus | undefined;

  constructor(command: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
    const [program = "", ...args] = command;
    this.#group = startGroup({ command: [program, ...args], cwd, env });
    this.#group.status.then((status) => this.#status = status);
    this.#reading = Promise.all([this.#read(this.#group.stdout), this.#read(this.#group.stderr)]);
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.lines.push(...lines);
    }
  }

  get pid(): number {
    return this.#group.pid;
  }

  /** Waits for a line. @param times how often it has to come @throws when the daemon ends without it */
  async says(pattern: RegExp, times = 1): Promise<string> {
    return await this.#until(`it did not say ${pattern}`, () => {
      const found = this.lines.filter((line) => pattern.test(line))[times - 1];
      if (found === undefined && this.#status !== undefined) throw new Error("It ended");
      return found;
    });
  }

  /** As `kill -9 PID` does: the daemon alone, without a word. */
  kill(): void {
    Deno.kill(this.#group.pid, "SIGKILL");
  }

  /** As a machine that is suspended or a container that is paused: the daemon alone stands still. */
  freeze(): void {
    Deno.kill(this.#group.pid, "SIGSTOP");
  }

  thaw(): void {
    Deno.kill(this.#group.pid, "SIGCONT");
  }

  /** Waits until it has ended, however. */
  async ended(): Promise<Deno.CommandStatus> {
    return await this.#until("it did not end", () => this.#status);
  }

  /** Sends SIGTERM. @returns the exit code */
  async stop(): Promise<number> {
    Deno.kill(this.#group.pid, "SIGTERM");
    return (await this.ended()).code;
  }

  async #until<T>(otherwise: string, ask: () => T | undefined): Promise<T> {
    try {
      return await until(() => Promise.resolve(ask()));
    } catch (error) {
      throw new Error(`${otherwise}; its lines:\n${this.lines.join("\n")}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group.end();
    await this.#reading;
  }
}
