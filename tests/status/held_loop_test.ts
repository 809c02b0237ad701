/** Clients that are in time while the server's own event loop stands still. */
import { assertEquals } from "@std/assert";
import { listen } from "../../status/listener.ts";
import type { Order } from "./punctual_client.ts";
import { withPatience } from "../helpers/patience.ts";

class Client implements Disposable {
  readonly #worker = new Worker(new URL("./punctual_client.ts", import.meta.url), { type: "module" });
  readonly #sign = new Int32Array(new SharedArrayBuffer(8));
  /** Its thread has begun: from here on it is quick. */
  readonly ready: Promise<unknown> = this.#next();
  answer: Promise<unknown> = Promise.resolve();

  /** Sends the first part of its request. */
  async begin(port: number, parts: Order["parts"]): Promise<void> {
    const begun = this.#next();
    this.#worker.postMessage({ port, parts, signs: this.#sign.buffer });
    await begun;
    this.answer = this.#next();
  }

  /** Sends the rest; the event loop stands still until it is sent. */
  finish(): void {
    Atomics.store(this.#sign, 1, 1);
    Atomics.notify(this.#sign, 1);
    while (Atomics.load(this.#sign, 0) < 2) Atomics.wait(this.#sign, 0, 1);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }

  #next(): Promise<unknown> {
    return new Promise((resolve) => this.#worker.onmessage = ({ data }) => resolve(data));
  }
}

Deno.test("a request that came in time while the server's own event loop was held is answered, not called slow", async () => {
  const answers = await withPatience(1_000, heldFor, (all) => all.every((one) => one === "HTTP/1.1 200 OK"));
  assertEquals(answers, ["HTTP/1.1 200 OK", "HTTP/1.1 200 OK"]);
});

/** @param limitMs of the server; its event loop is held for longer, with the requests there */
async function heldFor(limitMs: number): Promise<unknown[]> {
  const limits = { headTimeoutMs: limitMs, requestTimeoutMs: limitMs, idleTimeoutMs: limitMs };
  using reader = new Client();
  using writer = new Client();
  await Promise.all([reader.ready, writer.ready]);
  const listener = await listen({ hostname: "127.0.0.1", port: 0 }, async (request) => {
    return new Response(await request.text());
  }, limits);
  try {
    const post = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab";
    await Promise.all([
      reader.begin(listener.port, ["GET / HTTP/1.1\r\nHost: localhost\r\n", "\r\n"]),
      writer.begin(listener.port, [post, "cd"]),
    ]);
    // The server takes the connections; where it has not by now, this shows less and is right all the same.
    await new Promise((resolve) => setTimeout(resolve, 20));
    reader.finish();
    writer.finish();
    // Nobody wakes this: it holds the event loop.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1.25 * limitMs);
    return await Promise.all([reader.answer, writer.answer]);
  } finally {
    await listener.stop();
  }
}
