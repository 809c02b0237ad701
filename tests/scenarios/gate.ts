/**
 * Stands between Evenkeel and drydock: passes every call on, notes those that change something, and lets a test
 * do something at the very instant at which drydock has done what it was asked and Evenkeel does not know it yet.
 */
export interface Call {
  method: string;
  /** Without the base and the query: `/services/srv-x/deploys`. */
  path: string;
}

export class Gate implements AsyncDisposable {
  /** Calls that change something, as `METHOD /path`, in their order. */
  readonly writes: string[] = [];
  /** How many calls changed nothing. */
  reads = 0;
  /** Awaited when Evenkeel has sent a call and drydock has not got it yet. */
  beforehand: (call: Call) => void | Promise<void> = () => {};
  /** What Evenkeel gets in place of drydock's answer, which is then not asked; undefined passes the call on. */
  answer: (call: Call) => Response | undefined = () => undefined;
  /** Awaited when drydock has answered a call and Evenkeel has not got the answer. */
  afterwards: (call: Call) => void | Promise<void> = () => {};
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #base: string;

  /** @param target the full base of drydock's API */
  constructor(target: string) {
    this.#base = new URL(target).pathname;
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const { pathname, search } = new URL(request.url);
      const call = { method: request.method, path: pathname.slice(this.#base.length) };
      if (call.method === "GET") this.reads++;
      else this.writes.push(`${call.method} ${call.path}`);
      await this.beforehand(call);
      const instead = this.answer(call);
      if (instead !== undefined) return instead;
      const hasBody = call.method !== "GET" && call.method !== "DELETE";
      const answer = await fetch(new URL(pathname + search, target), {
        method: call.method,
        headers: request.headers,
        ...(hasBody ? { body: await request.arrayBuffer() } : {}),
      });
      const body = await answer.arrayBuffer();
      await this.afterwards(call);
      const isEmpty = answer.status === 204 || answer.status === 304;
      return new Response(isEmpty ? null : body, { status: answer.status, headers: answer.headers });
    });
  }

  /** The full base of the API, as Evenkeel is told it. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}${this.#base}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}
