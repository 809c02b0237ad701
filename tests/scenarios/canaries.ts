/**
 * Canary secrets: values that are planted where services, people and Evenkeel itself keep secrets, and looked for
 * wherever something is written, said or sent, in every spelling in which programs write a value.
 */
import { assert } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import type { BareRepository } from "../helpers/repository.ts";
import { walkFiles } from "./leftovers.ts";

/** No shape gives it away, and its spellings in addresses, JSON and base64 differ. */
export function canary(word: string): string {
  return `${word}-otter/${crypto.randomUUID().slice(0, 8)}+"lamp`;
}

export class Canaries {
  readonly #needles: { kind: string; form: string; text: string }[] = [];
  /** What was looked through, for the test of the test. */
  readonly places = new Set<string>();

  constructor(planted: Readonly<Record<string, string>>) {
    for (const [kind, value] of Object.entries(planted)) {
      for (const [form, text] of formsOf(value)) this.#needles.push({ kind, form, text });
    }
  }

  /** @param except kinds that may be here */
  assertNotIn(place: string, text: string, except: readonly string[] = []): void {
    this.places.add(place);
    const found = this.#needles.find(({ kind, text: needle }) =>
      !except.includes(kind) && text.includes(needle)
    );
    if (found === undefined) return;
    const at = text.indexOf(found.text);
    assert(
      false,
      `${place} holds the canary "${found.kind}" (${found.form}): ${
        JSON.stringify(text.slice(Math.max(0, at - 120), at + found.text.length + 40))
      }`,
    );
  }

  /** True where some spelling of a canary is: for what must have been there to be taken out. */
  isIn(kind: string, text: string): boolean {
    return this.#needles.some((needle) => needle.kind === kind && text.includes(needle.text));
  }

  /** Every file as raw bytes, and every table of every database. @returns how many files */
  async assertNotUnder(
    folder: string,
    except: (path: string) => readonly string[] = () => [],
  ): Promise<number> {
    const latin = new TextDecoder("latin1");
    let files = 0;
    for await (const path of walkFiles(folder)) {
      const bytes = await Deno.readFile(path).catch(() => null);
      if (bytes === null) continue;
      files++;
      this.assertNotIn(path, latin.decode(bytes), except(path));
      this.assertNotIn(path, new TextDecoder().decode(bytes), except(path));
    }
    return files;
  }

  /** Every row of every table. @returns the rows */
  assertNotInDatabase(path: string): string[] {
    using database = new DatabaseSync(path, { readOnly: true });
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const all: string[] = [];
    for (const { name } of tables) {
      const rows = database.prepare(`SELECT * FROM "${String(name)}"`).all();
      for (const row of rows) {
        const text = Object.values(row).join("\n");
        this.assertNotIn(`table ${String(name)}`, text);
        all.push(text);
      }
    }
    return all;
  }

  /** Message, author and the lines it adds, of each commit by Evenkeel. @returns how many commits */
  async assertNotInCommits({ url }: BareRepository): Promise<number> {
    const command = ["git", "log", "-p", "--all", "--format=%x1e%an%n%ae%n%cn%n%ce%n%D%n%B", "-U0"] as const;
    const env = { ...toolEnvironment(), GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", HOME: "/" };
    const log = await run({ command, cwd: url, env, timeoutMs: 30_000 });
    assert(log.kind === "exited" && log.code === 0, log.stderr);
    const ours = log.stdout.split("\x1e").filter((text) => text.includes("Evenkeel-Attempt: "));
    for (const text of ours) this.assertNotIn("a commit", text.replace(/^-.*$/gm, ""));
    return ours.length;
  }

  /** Looks at every command line of this machine until it is stopped. */
  watchCommandLines(): AsyncDisposable & { seen: Set<string> } {
    const seen = new Set<string>();
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        for await (const { name } of Deno.readDir("/proc")) {
          if (!/^\d+$/.test(name)) continue;
          const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
          if (line !== "") seen.add(line);
        }
        await new Promise((resolve) => setTimeout(resolve, 80));
      }
    })();
    return {
      seen,
      [Symbol.asyncDispose]: async () => {
        isOver = true;
        await watching;
        for (const line of seen) this.assertNotIn("a command line", line.replaceAll("\0", " "));
      },
    };
  }
}

function* formsOf(value: string): Iterable<[form: string, text: string]> {
  const json = JSON.stringify(value).slice(1, -1);
  const bytes = new TextEncoder().encode(value);
  yield ["raw", value];
  yield ["JSON", json];
  yield ["JSON twice", JSON.stringify(json).slice(1, -1)];
  yield ["address", encodeURIComponent(value)];
  yield ["hex", bytes.toHex()];
  for (const lead of [0, 1, 2]) {
    const padded = new Uint8Array([...new Uint8Array(lead), ...bytes]);
    const inner = padded.toBase64({ omitPadding: true })
      .slice(Math.ceil(lead * 8 / 6), Math.floor(padded.length * 8 / 6));
    yield [`base64 after ${lead}`, inner];
    yield [`base64url after ${lead}`, inner.replaceAll("+", "-").replaceAll("/", "_")];
  }
  // Half of it is too much as well.
  yield ["its beginning", value.slice(0, 18)];
  yield ["its end", value.slice(-14)];
}
