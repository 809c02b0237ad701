/** The small services that the scenarios break, and what they are made of. */

export interface NodeApp {
  /** Lines at the top of the program. */
  imports?: string;
  /** Statements that answer /healthz; `answer(status, body)` is at hand. */
  health?: string;
  /** @default "0.0.0.0" */
  host?: string;
  /** @default "index.js" */
  file?: string;
  /** On top of package.json. */
  manifest?: Record<string, unknown>;
}

/** A Node service that answers /healthz with JSON and 404 to everything else. */
export function nodeApp(
  { imports = "", health, host = "0.0.0.0", file = "index.js", manifest }: NodeApp = {},
) {
  const program = `import { createServer } from "node:http";
${imports}
const server = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  if (request.url !== "/healthz") return answer(404, { error: "not found" });
  ${health ?? `answer(200, { status: "ok" });`}
});
server.listen(process.env.PORT, "${host}", () => console.log("listening"));
`;
  const described = {
    name: "my-api",
    version: "1.0.0",
    private: true,
    type: "module",
    scripts: { start: `node ${file}` },
    ...manifest,
  };
  return { [file]: program, "package.json": `${JSON.stringify(described, null, 2)}\n` };
}

/** A Python service that answers everything with JSON. @param imports lines at the top of the program */
export function pythonApp(imports: string, requirements: string): Record<string, string> {
  return {
    "requirements.txt": requirements,
    "app.py": `import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

${imports}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"status": "ok"}).encode())


HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
`,
  };
}

export const PYTHON = {
  details: { runtime: "python" },
  commands: { buildCommand: "pip install -r requirements.txt", startCommand: "python app.py" },
} as const;
