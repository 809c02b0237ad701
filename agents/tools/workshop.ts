/**
 * Where the named tools run their programs: each run in a folder of its own that holds only the files it was
 * given and is gone afterwards, with the environment that programs need, and with a home that keeps caches but no
 * one's configuration. Nothing of a repository is ever executed.
 */
import { join, resolve } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { sanitizeLog } from "../../text/sanitize.ts";

export interface WorkshopOptions {
  /** The home of the programs, where pip and npm keep their caches; made when missing. */
  cacheHome: string;
  /** Where temp folders go; made when missing. */
  scratchRoot: string;
  /** What the programs get of an environment. @default toolEnvironment() */
  environment?: Readonly<Record<string, string>>;
}

export interface Job {
  /** The program and its arguments. What came from elsewhere must have passed a schema that bars a leading dash. */
  command: readonly [string, ...string[]];
  /** Files of the folder it runs in, name to text. @default none */
  files?: Readonly<Record<string, string>>;
  /** Text for standard input. @default none */
  input?: string;
  timeoutMs: number;
  signal: AbortSignal;
  /** Variables on top of the workshop's. @default none */
  env?: Readonly<Record<string, string>>;
}

export interface JobResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Workshop {
  /** What every program gets. */
  readonly environment: Readonly<Record<string, string>>;
  /** @throws {EvenkeelError} when the program is missing, killed, too slow or says too much to be understood */
  run(job: Job): Promise<JobResult>;
}

/** Bytes of each output stream; a lock file of a large project has a few MiB. */
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
/** Characters of a program's own words that are passed on. */
export const EXPLANATION_CHARS_MAX = 4000;
const EXPLANATION_LINES_MAX = 40;

export function createWorkshop(options: WorkshopOptions): Workshop {
  const [cacheHome, scratchRoot] = [resolve(options.cacheHome), resolve(options.scratchRoot)];
  const environment = {
    ...(options.environment ?? toolEnvironment()),
    HOME: cacheHome,
    NO_COLOR: "1",
  };
  return {
    environment,
    async run(job) {
      await Promise.all(
        [cacheHome, scratchRoot].map((path) => Deno.mkdir(path, { recursive: true })),
      );
      const scratch = await Deno.makeTempDir({ dir: scratchRoot, prefix: "tool-" });
      try {
        for (const [name, text] of Object.entries(job.files ?? {})) {
          await Deno.writeTextFile(join(scratch, name), text);
        }
        const result = await run({
          command: job.command,
          cwd: scratch,
          scratch,
          env: { ...environment, ...job.env, TMPDIR: scratch },
          timeoutMs: job.timeoutMs,
          outputBytesMax: OUTPUT_BYTES_MAX,
          signal: job.signal,
          ...(job.input === undefined ? {} : { input: job.input }),
        });
        const fail = (why: string) => new EvenkeelError(`Cannot run ${job.command[0]}: ${why}`);
        if (result.truncated) throw fail(`it printed over ${OUTPUT_BYTES_MAX} bytes`);
        if (result.kind === "killed") {
          throw fail(
            result.why === "timeout" ? `it took over ${job.timeoutMs} ms` : `it was ended (${result.why})`,
          );
        }
        return { code: result.code, stdout: result.stdout, stderr: result.stderr };
      } finally {
        // Already gone, unless the program could not be started.
        await Deno.remove(scratch, { recursive: true }).catch(() => {});
      }
    },
  };
}

/** A program's own words, safe to print and short. */
export function explanation(text: string): string {
  return sanitizeLog(text.trim(), { charsMax: EXPLANATION_CHARS_MAX, linesMax: EXPLANATION_LINES_MAX });
}
