import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { z } from "zod";
import { readLines } from "../../agents/lines.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { startGroup } from "../../process/group.ts";
import { inFull } from "../helpers/full.ts";
import { malformed } from "./malformed.ts";
import type { Malformed } from "./malformed.ts";

const TOKEN = "a-token-of-some-length";
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SEED = 21;
const REQUESTS = inFull(10_000, 600);
/** After this many the server has loaded and compiled what it needs. */
const WARM = REQUESTS / 5;
const AT_ONCE = 16;
/** How long an answer is waited for, and more of it; many of these requests get none until a limit ends them. */
const PATIENCE_MS = { answer: 500, more: 20 };
/** Of what is in use after a collection; compiled code and counters grow a little. */
const GROWTH_MIB_MAX = 4;

const heldSchema = z.object({ handles: z.number(), usedMiB: z.number(), rssMiB: z.number() });

/** The status server in a process of its own. */
async function openLoneServer() {
  const program = fromFileUrl(new URL("./fixtures/lone_server.ts", import.meta.url));
  const group = startGroup({
    command: [Deno.execPath(), "run", "-A", "--v8-flags=--expose-gc", program, TOKEN, SECRET],
    cwd: fromFileUrl(new URL("../../", import.meta.url)),
    env: {
      ...toolEnvironment(),
      HOME: Deno.env.get("HOME") ?? "/",
      DENO_DIR: Deno.env.get("DENO_DIR") ?? "",
    },
    stdin: "piped",
  });
  const lines = readLines(group.stdout);
  const next = async () => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`The server is gone: ${await new Response(group.stderr).text()}`);
    return line.value;
  };
  const url = new URL(await next());
  const writer = group.stdin?.getWriter();
  return {
    url,
    async held() {
      await writer?.write(new TextEncoder().encode("\n"));
      return heldSchema.parse(JSON.parse(await next()));
    },
    async [Symbol.asyncDispose]() {
      await writer?.close();
      await group.status;
      await Promise.all([lines.return(), group.stderr.cancel()]);
      await group.end();
    },
  };
}

/** Sends one and gives what comes back until the connection ends or patience does. */
async function send(url: URL, { bytes, halfClose }: Malformed): Promise<string> {
  const connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
  let text = "";
  const giveUp = () => connection.close();
  let patience = setTimeout(giveUp, PATIENCE_MS.answer);
  try {
    for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    if (halfClose) await connection.closeWrite();
    const buffer = new Uint8Array(16_384);
    for (let read = await connection.read(buffer); read !== null; read = await connection.read(buffer)) {
      text += new TextDecoder().decode(buffer.subarray(0, read));
      clearTimeout(patience);
      patience = setTimeout(giveUp, PATIENCE_MS.more);
    }
  } catch {
    // Closed by the server in the middle, or by our patience.
  }
  clearTimeout(patience);
  try {
    connection.close();
  } catch {
    // Patience has closed it.
  }
  return text;
}

Deno.test(
  "thousands of malformed requests cause no crash, no leak, and no word about what is inside",
  {
    ignore: Deno.build.os !== "linux",
  },
  async () => {
    await using server = await openLoneServer();
    const counts: Record<string, number> = {};
    const flood = async (all: Iterator<Malformed>) => {
      for (let next = all.next(); !next.done; next = all.next()) {
        const { kind } = next.value;
        const answer = await send(server.url, next.value);
        for (const [, status = ""] of answer.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)) {
          counts[status] = (counts[status] ?? 0) + 1;
          assert(status !== "500", `${kind}: ${answer}`);
        }
        assert(
          answer === "" || answer.startsWith("HTTP/1.1 "),
          `${kind}: ${JSON.stringify(answer.slice(0, 200))}`,
        );
        assertNotMatch(
          answer,
          /"services"|a-token-of-some-length|whsec_|\.ts\b|Error|node_modules|file:|\/root\//,
          kind,
        );
      }
    };
    const run = async (seed: number, count: number) => {
      const all = malformed(seed, count);
      await Promise.all(Array.from({ length: AT_ONCE }, () => flood(all)));
      const good = await fetch(new URL("/status", server.url), {
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      assertMatch(await good.text(), /"services":\[\]/);
    };
    await run(SEED, WARM);
    const before = await server.held();
    await run(SEED + 1, REQUESTS - WARM);
    const after = await server.held();
    if (inFull(true, false)) console.log(JSON.stringify({ counts, before, after }));
    assert(after.handles <= before.handles + AT_ONCE, `${before.handles} handles, then ${after.handles}`);
    const grownMiB = after.usedMiB - before.usedMiB;
    assert(grownMiB < GROWTH_MIB_MAX, `${before.usedMiB} MiB in use, then ${after.usedMiB}`);
    assertEquals((await fetch(new URL("/healthz", server.url))).status, 200);
  },
);
