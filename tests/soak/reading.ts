/**
 * The status server of a soak being read by another process. An answer is right, wrong, or late. Late is the server's
 * fault, unless this process could not answer because its event loop was held meanwhile: then the run cannot tell.
 */
import { fromFileUrl } from "@std/path";
import { readLines } from "../../agents/lines.ts";
import { findDenoDir } from "../../agents/sandbox.ts";
import { messageOf } from "../../base/errors.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { startGroup } from "../../process/group.ts";
import type { ProcessGroup } from "../../process/group.ts";
import { ANSWER_TIMEOUT_MS } from "../../status/server.ts";
import type { Gate } from "./gates.ts";
import type { LoopWatch } from "./loop_watch.ts";
import { answerSchema, PAGES } from "./status_reader.ts";
import type { Answer } from "./status_reader.ts";

const READER = new URL("./status_reader.ts", import.meta.url);
const LIMITS = { lineBytesMax: 64 * 1024 };
const STDERR_LINES_KEPT = 5;

/** What all answers so far come to. */
export class Answers {
  count = 0;
  /** What was wrong first, and what was late first while nothing held the server up. */
  #broken: string | null = null;
  /** What was late first while the event loop was held. */
  #untold: string | null = null;
  #slowestMs = 0;
  #heldMs = 0;

  constructor(private readonly loop: Pick<LoopWatch, "heldMs">) {}

  add({ path, startedAt, ms, problem, isLate }: Answer): void {
    this.count++;
    const heldMs = this.loop.heldMs(startedAt, startedAt + ms);
    if (ms > this.#slowestMs) [this.#slowestMs, this.#heldMs] = [ms, heldMs];
    const said = `${path}: ${problem ?? "answered"} after ${seconds(ms)}, the event loop was held for ${
      seconds(heldMs)
    }`;
    const isWrong = problem !== null && !isLate;
    // The server gives up on time, at this limit; a hold as long leaves it no other choice.
    const isItsFault = isLate ? heldMs < ANSWER_TIMEOUT_MS : ms - heldMs > ANSWER_TIMEOUT_MS;
    if (isWrong || isItsFault) this.fail(said);
    else if (isLate) this.#untold ??= said;
  }

  fail(why: string): void {
    this.#broken ??= why;
  }

  gate(): Gate {
    const { count } = this;
    const wrong = this.#broken ?? this.#untold;
    const slowest = `slowest ${seconds(this.#slowestMs)}, the event loop was held for ${
      seconds(this.#heldMs)
    } of it`;
    return {
      name: "status server",
      verdict: this.#broken !== null ? "broken" : this.#untold !== null || count === 0 ? "untold" : "held",
      figure: `${count} answers${wrong === null ? `, ${slowest}` : `; ${wrong}`}`,
      allowed: `each right, within ${seconds(ANSWER_TIMEOUT_MS)} of its own`,
    };
  }
}

export class StatusReading implements AsyncDisposable {
  readonly answers: Answers;
  readonly #group: ProcessGroup;
  readonly #ended: Promise<unknown>;
  readonly #complaints: string[] = [];
  #isOver = false;
  #rounds = Promise.withResolvers<void>();

  private constructor(group: ProcessGroup, loop: LoopWatch) {
    this.#group = group;
    this.answers = new Answers(loop);
    this.#ended = Promise.all([this.#listen(), this.#hear()]).catch((error) =>
      this.answers.fail(messageOf(error))
    ).finally(() => this.#rounds.resolve());
  }

  /** @param reader the program that reads @default READER */
  static async start(url: string, loop: LoopWatch, reader: URL = READER): Promise<StatusReading> {
    const { host } = new URL(url);
    const program = fromFileUrl(reader);
    const group = startGroup({
      command: [Deno.execPath(), "run", "--cached-only", `--allow-net=${host}`, program, url],
      cwd: fromFileUrl(new URL("../../", import.meta.url)),
      env: { ...toolEnvironment(), DENO_DIR: await findDenoDir(Deno.execPath()) },
    });
    return new StatusReading(group, loop);
  }

  /** Waits until every page was read, ends the reader, and judges. */
  async end(): Promise<Gate> {
    await this.#rounds.promise;
    await this[Symbol.asyncDispose]();
    return this.answers.gate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#group.end();
    await this.#ended;
  }

  async #listen(): Promise<void> {
    for await (const line of readLines(this.#group.stdout, LIMITS)) {
      this.answers.add(answerSchema.parse(JSON.parse(line)));
      if (this.answers.count >= PAGES.length) this.#rounds.resolve();
    }
    if (this.#isOver) return;
    const { code } = await this.#group.status;
    this.answers.fail(`the reader ended with ${code}: ${this.#complaints.join(" ")}`);
  }

  async #hear(): Promise<void> {
    for await (const line of readLines(this.#group.stderr, LIMITS)) {
      this.#complaints.push(line);
      this.#complaints.splice(0, this.#complaints.length - STDERR_LINES_KEPT);
    }
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
