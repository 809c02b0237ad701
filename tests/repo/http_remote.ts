/** A git server over HTTP on loopback that wants a user name and a password, around git's own http backend. */
import { startGroup } from "../../process/group.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { basename, dirname } from "@std/path";

export interface HttpRemoteOptions {
  /** Awaited before an authorized request is served. */
  before?: (request: Request) => void | Promise<void>;
  /** Awaited when the repository has changed, before the client is told so. */
  afterPush?: () => void | Promise<void>;
}

export interface HttpRemote extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/<name>` */
  readonly url: string;
  /** Every Authorization header seen, or `null`. */
  readonly seen: (string | null)[];
}

/** @param token what `x-access-token` must give as its password */
export function serveRepository(bare: string, token: string, options: HttpRemoteOptions = {}): HttpRemote {
  const seen: (string | null)[] = [];
  const wanted = `Basic ${btoa(`x-access-token:${token}`)}`;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const authorization = request.headers.get("authorization");
    seen.push(authorization);
    if (authorization !== wanted) {
      return new Response("no", { status: 401, headers: { "www-authenticate": 'Basic realm="git"' } });
    }
    await options.before?.(request);
    const response = await backend(request, dirname(bare));
    if (request.method === "POST" && request.url.endsWith("/git-receive-pack")) await options.afterPush?.();
    return response;
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/${basename(bare)}`,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function backend(request: Request, root: string): Promise<Response> {
  const url = new URL(request.url);
  const body = new Uint8Array(await request.arrayBuffer());
  await using group = startGroup({
    command: ["git", "http-backend"],
    cwd: root,
    env: {
      ...toolEnvironment(),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "http.receivepack",
      GIT_CONFIG_VALUE_0: "true",
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers.get("content-type") ?? "",
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
      GIT_PROTOCOL: request.headers.get("git-protocol") ?? "",
      REMOTE_USER: "test",
    },
    stdin: "piped",
  });
  const errors = group.stderr.cancel();
  const writer = group.stdin?.getWriter();
  const fed = writer?.write(body).then(() => writer.close());
  const answer = new Uint8Array(await new Response(group.stdout).arrayBuffer());
  await Promise.all([fed, errors]);
  const end = answer.findIndex((_byte, at) =>
    answer[at] === 13 && answer[at + 1] === 10 && answer[at + 2] === 13 && answer[at + 3] === 10
  );
  const headers = new Headers();
  let status = 200;
  for (const line of new TextDecoder().decode(answer.subarray(0, end)).split("\r\n")) {
    const at = line.indexOf(":");
    const [name, value] = [line.slice(0, at), line.slice(at + 1).trim()];
    if (name === "Status") status = Number(value.slice(0, 3));
    else if (at > 0) headers.set(name, value);
  }
  return new Response(answer.subarray(end + 4), { status, headers });
}
