/** A receiver of webhooks on loopback that keeps what came and answers as it is told. */
export interface Came {
  headers: Headers;
  body: string;
  /** The event's type and id. */
  type: string;
  id: string;
}

export class WebhookReceiver implements AsyncDisposable {
  /** In the order of arrival. */
  readonly came: Came[] = [];
  /** What the next request gets. */
  answer: (came: Came) => Response | Promise<Response> = () => new Response(null, { status: 204 });
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const body = await request.text();
    const { type } = JSON.parse(body);
    const came = { headers: request.headers, body, type, id: request.headers.get("webhook-id") ?? "" };
    this.came.push(came);
    return await this.answer(came);
  });

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/hook`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}
