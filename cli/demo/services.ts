/** The three services of the demo: small Node servers, each broken in a way that people break theirs. */

export interface DemoService {
  name: string;
  /** One line: what somebody did. */
  story: string;
  /** Files of the first commit. */
  files: Readonly<Record<string, string>>;
  startCommand: string;
  /** A second commit, pushed once the first is proven good. */
  then?: { message: string; files: Readonly<Record<string, string>> };
}

const manifest = (name: string) =>
  JSON.stringify(
    { name, version: "1.0.0", private: true, type: "module", scripts: { start: "node server.js" } },
    null,
    2,
  ) +
  "\n";

/** @param imports top of the file @param health the statement that answers the health path */
const server = (imports: string, health: string) =>
  `import { createServer } from "node:http";
${imports}
const startedAt = Date.now();

const server = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  if (request.url !== "/healthz") return answer(404, { error: "not found" });
  ${health}
});

server.listen(process.env.PORT ?? 3000, "0.0.0.0", () => console.log("listening"));
`;

const plainHealth = `answer(200, { status: "ok", upSeconds: Math.round((Date.now() - startedAt) / 1000) });`;

export const demoServices: readonly DemoService[] = [
  {
    name: "orders-api",
    story: "imports a package that package.json does not list",
    files: {
      "package.json": manifest("orders-api"),
      "server.js": server(
        `import ms from "ms";`,
        `answer(200, { status: "ok", up: ms(Date.now() - startedAt) });`,
      ),
    },
    startCommand: "npm start",
  },
  {
    name: "mail-api",
    story: "has a start command that names a file which does not exist",
    files: { "package.json": manifest("mail-api"), "server.js": server("", plainHealth) },
    startCommand: "node sever.js",
  },
  {
    name: "cart-api",
    story: "is well until its second commit, which deploys and then answers 500",
    files: { "package.json": manifest("cart-api"), "server.js": server("", plainHealth) },
    startCommand: "npm start",
    then: {
      message: "Say for how long we have been up",
      files: {
        "server.js": server(
          "",
          `try {
    const { default: ms } = await import("ms");
    answer(200, { status: "ok", up: ms(Date.now() - startedAt) });
  } catch (error) {
    console.error(error);
    answer(500, { status: "error" });
  }`,
        ),
      },
    },
  },
];
