/** The two calls of GitHub that a pull request needs, with the pull requests in memory. */
export interface Pull {
  number: number;
  html_url: string;
  head: string;
  base: string;
  title: string;
}

export function startGitHub() {
  const pulls: Pull[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const url = new URL(request.url);
    if (url.pathname !== "/repos/o/r/pulls") return Response.json({ message: "Not Found" }, { status: 404 });
    if (request.method === "GET") {
      const head = url.searchParams.get("head")?.replace(/^o:/, "");
      const base = url.searchParams.get("base");
      return Response.json(pulls.filter((pull) => pull.head === head && pull.base === base));
    }
    const { head, base, title } = await request.json();
    const number = pulls.length + 1;
    const pull = { number, html_url: `https://github.com/o/r/pull/${number}`, head, base, title };
    pulls.push(pull);
    return Response.json(pull, { status: 201 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    pulls,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
