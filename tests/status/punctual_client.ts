/**
 * A client in a thread of its own, which the other one cannot hold up: says that it is ready, sends the first part of a request, waits for a
 * sign, sends the rest and hands back the first line of the answer.
 */
/// <reference lib="deno.worker" />
import { z } from "zod";

const orderSchema = z.object({
  port: z.number(),
  parts: z.tuple([z.string(), z.string()]),
  /** At 0 how far the client is, at 1 the sign. */
  signs: z.instanceof(SharedArrayBuffer),
});
export type Order = z.infer<typeof orderSchema>;

self.onmessage = async ({ data }: MessageEvent<unknown>) => {
  const { port, parts: [first, rest], signs } = orderSchema.parse(data);
  const sign = new Int32Array(signs);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const send = async (text: string) => {
    await connection.write(new TextEncoder().encode(text));
    Atomics.add(sign, 0, 1);
    Atomics.notify(sign, 0);
  };
  await send(first);
  self.postMessage("begun");
  Atomics.wait(sign, 1, 0);
  await send(rest);
  const buffer = new Uint8Array(1000);
  const read = await connection.read(buffer).catch(() => null);
  self.postMessage(new TextDecoder().decode(buffer.subarray(0, read ?? 0)).split("\r\n")[0]);
};
self.postMessage("ready");
