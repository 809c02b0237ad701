/** Python programs whose module lies in a folder below the one they are started in, on real deploys. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { hasPython } from "../drydock/harbour.ts";
import { inFull } from "../helpers/full.ts";
import { createPythonIndex } from "../helpers/python_index.ts";
import { pythonApp } from "./apps.ts";
import { begin, health, Stage } from "./stage.ts";

const program = (imports: string) => pythonApp(imports, "")["app.py"] ?? "";
/** What a server serves; `serve` is the fakes' own. */
const APP = `def app(environ, start_response):
    start_response("200 OK", [("content-type", "application/json")])
    return [b'{"status": "ok"}']
`;
/** Loads MODULE:OBJECT as the real one does, and says the same when it is not there. */
const server = (folderFlag: string, refusal: string) =>
  `import importlib, os, sys
from wsgiref.simple_server import make_server

def main():
    words = sys.argv[1:]
    if "${folderFlag}" in words:
        at = words.index("${folderFlag}")
        sys.path.insert(0, words[at + 1])
        del words[at:at + 2]
    else:
        sys.path.insert(0, "")
    module, name = words[0].split(":")
    ${refusal}
    make_server("0.0.0.0", int(os.environ["PORT"]), getattr(loaded, name)).serve_forever()
`;
const GUNICORN = server("--chdir", "loaded = importlib.import_module(module)");
const UVICORN = server(
  "--app-dir",
  `try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError:
        sys.exit('ERROR:    Error loading ASGI app. Could not import module "%s".' % module)`,
);

interface Case {
  name: string;
  files: Record<string, string>;
  startCommand: string;
  /** The start command that heals; of one that is not healed, what is said. */
  becomes?: string;
  says?: string;
}
const CASES: readonly Case[] = [
  {
    name: "module-in-src",
    files: { "src/app.py": program("import models"), "src/models.py": "" },
    startCommand: "python -m app",
    becomes: "PYTHONPATH=src python -m app",
  },
  {
    name: "module-in-package",
    files: { "svc/app.py": program("from . import models"), "svc/models.py": "" },
    startCommand: "python -m app",
    becomes: "python -m svc.app",
  },
  {
    name: "gunicorn-in-folder",
    files: { "svc/app.py": `import models\n${APP}`, "svc/models.py": "", "other/app.py": "NAME = 1\n" },
    startCommand: "gunicorn app:app",
    becomes: "gunicorn --chdir svc app:app",
  },
  {
    name: "uvicorn-in-src",
    files: { "src/app.py": `import models\n${APP}`, "src/models.py": "" },
    startCommand: "uvicorn app:app",
    becomes: "uvicorn --app-dir src app:app",
  },
  {
    name: "one-of-two",
    files: { "a/app.py": program(""), "b/app.py": program("") },
    startCommand: "python -m app",
    says: "app lies in a and in b",
  },
];

/** One module, one server and one doubt. */
const cases = inFull(CASES, CASES.filter((_, at) => at % 2 === 0));

Deno.test({
  name: "a program is started where its module lies, whatever starts it, and not where two folders have one",
  ignore: !await hasPython(),
  async fn() {
    await using index = await createPythonIndex([
      {
        name: "gunicorn",
        version: "1.0",
        files: { "gunicorn.py": GUNICORN },
        scripts: { gunicorn: "gunicorn:main" },
      },
      {
        name: "uvicorn",
        version: "1.0",
        files: { "uvicorn.py": UVICORN },
        scripts: { uvicorn: "uvicorn:main" },
      },
    ]);
    await using stage = await Stage.open({ env: index.env });
    const patients = await Promise.all(cases.map(({ name, files, startCommand }) => {
      const tool = /^(?:gunicorn|uvicorn)\b/.exec(startCommand)?.[0];
      return stage.patient({ "requirements.txt": tool === undefined ? "" : `${tool}==1.0\n`, ...files }, {
        name,
        details: { runtime: "python" },
        commands: { buildCommand: tool === undefined ? "" : "pip install -r requirements.txt", startCommand },
        envVars: index.env,
      });
    }));
    for (const patient of patients) await begin(patient, "update_failed");
    await stage.configure(patients);
    const { report } = await stage.once();
    for (const [at, { name, startCommand, becomes, says }] of cases.entries()) {
      const service = report.services.find((one) => one.name === name);
      const attempts = service?.incident?.attempts ?? [];
      if (says !== undefined) {
        assertEquals([service?.verdict, attempts], ["not-ready", []], JSON.stringify(service, null, 2));
        assertStringIncludes(service?.message ?? "", says);
        continue;
      }
      assertEquals(service?.verdict, "ready", JSON.stringify(service, null, 2));
      assertEquals(attempts.map(({ status, diff }) => [status, diff]), [
        ["fixed", `-startCommand: ${startCommand}\n+startCommand: ${becomes}`],
      ]);
      assertEquals(await health(patients[at]!), { status: 200, body: '{"status": "ok"}' });
    }
  },
});
