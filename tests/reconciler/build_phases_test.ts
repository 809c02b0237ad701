import { assertEquals } from "@std/assert";
import { buildPhases } from "../../reconciler/build_phases.ts";

const START = Date.UTC(2026, 0, 1);
const at = (seconds: number, message: string) => ({
  timestamp: new Date(START + seconds * 1000).toISOString(),
  message,
});

Deno.test("BuildKit's own durations count, whatever was printed in between", () => {
  const lines = [
    at(0, "#1 [internal] load build definition from Dockerfile"),
    at(0, "#1 DONE 0.1s"),
    at(1, "#5 [2/4] COPY requirements.txt ./"),
    at(1, "#5 DONE 0.2s"),
    at(1, "#6 [3/4] RUN pip install -r requirements.txt"),
    at(2, "#7 [stage-1 1/2] RUN npm ci"),
    at(9, "#7 DONE 7.0s"),
    at(14, "#6 DONE 12.5s"),
    at(15, "#8 [4/4] COPY . ."),
    at(15, "#8 ERROR: failed to compute cache key"),
  ];
  assertEquals(buildPhases(lines), [
    { name: "COPY requirements.txt ./", seconds: 0.2 },
    { name: "RUN npm ci", seconds: 7 },
    { name: "RUN pip install -r requirements.txt", seconds: 12.5 },
  ]);
});

Deno.test("steps of other builders end where the next begins, and the last one where the build does", () => {
  const lines = [
    at(0, "STEP 1/3: FROM python:3.11-slim"),
    at(1, "STEP 2/3: RUN pip install -r requirements.txt"),
    at(2, "  Building wheel for slow-kit (setup.py): started"),
    at(7, "  Building wheel for slow-kit (setup.py): finished with status 'done'"),
    at(8, "STEP 3/3: CMD python app.py"),
    at(8.5, "COMMIT service"),
  ];
  assertEquals(buildPhases(lines), [
    { name: "FROM python:3.11-slim", seconds: 1 },
    { name: "Building wheel for slow-kit", seconds: 5 },
    { name: "RUN pip install -r requirements.txt", seconds: 7 },
  ]);
});

Deno.test("a build command is one step, and one that the log does not see ending has no duration", () => {
  const command = at(0, "==> Running build command 'npm install'...");
  assertEquals(buildPhases([command, at(3, "==> Uploading build..."), at(4, "==> Build successful")]), [
    { name: "Build command npm install", seconds: 3 },
  ]);
  assertEquals(buildPhases([command, at(3, "added 12 packages")]), []);
  assertEquals(buildPhases([{ ...command, timestamp: "?" }, at(3, "==> Build failed")]), []);
});
