/** Stands between a sender of webhooks and the daemon, whose port is not known when the webhook is registered. */
export class Relay implements AsyncDisposable {
  /** Where deliveries go on to; `null` refuses them. */
  target: string | null = null;
  /** Statuses of what was passed on, in their order. */
  readonly answers: number[] = [];
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const body = await request.arrayBuffer();
    if (this.target === null) return new Response(null, { status: 503 });
    const answer = await fetch(this.target, { method: request.method, headers: request.headers, body }).catch(
      () => null,
    );
    await answer?.body?.cancel();
    const status = answer?.status ?? 502;
    this.answers.push(status);
    return new Response(null, { status });
  });

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}
