import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { declaredArguments, parseInspection, startCommandOf } from "../../drydock/deploy/engine/build.ts";
import { commandsOf } from "../../drydock/deploy/engine/commands.ts";
import type { Engine, EngineKind } from "../../drydock/deploy/engine/commands.ts";
import { chooseEngine } from "../../drydock/deploy/engine/detect.ts";
import type { Machine } from "../../drydock/deploy/engine/detect.ts";

const engine = (kind: EngineKind, more: Partial<Engine> = {}): Engine => ({
  kind,
  program: `/bin/${kind}`,
  version: "1.2",
  isRoot: true,
  bases: [],
  ...more,
});
const build = {
  dockerfile: "/src/Dockerfile",
  context: "/src",
  image: "i:1",
  args: { A: "b c" },
  withoutCache: true,
};
const run = {
  name: "drydock-x",
  image: "i:1",
  env: { PORT: "1", A: "b=c" },
  argv: ["node", "--x", "a b"] as const,
};
const buildEnd = "--file /src/Dockerfile --tag i:1 --no-cache --build-arg A=b c /src";

Deno.test("docker and podman build with their own store and run on this machine's network", () => {
  for (const kind of ["docker", "podman"] as const) {
    const commands = commandsOf(engine(kind), "/store");
    const flags = kind === "podman" ? "--layers --pull=missing " : "";
    assertEquals(
      commands.build(build).join(" "),
      `/bin/${kind} build ${flags}--label evenkeel.drydock ${buildEnd}`,
    );
    assertEquals(commands.run(run), [
      `/bin/${kind}`,
      ..."run --rm --pull=never --name drydock-x --label evenkeel.drydock --network host".split(" "),
      ..."--env PORT=1 --env A=b=c --entrypoint node i:1 --x".split(" "),
      "a b",
    ]);
    assertEquals(commands.removeContainer("x").join(" "), `/bin/${kind} rm --force --volumes x`);
    assertEquals(commands.removeImage("i:1").join(" "), `/bin/${kind} rmi --force i:1`);
    assertEquals([commands.create, commands.list, commands.removeFolder], [undefined, undefined, undefined]);
  }
});

Deno.test("buildah keeps everything in the given store, mounts in a namespace of its own and isolates by chroot", () => {
  const commands = commandsOf(engine("buildah", { bases: ["/base"] }), "/store");
  const store = "--root /store/storage --runroot /store/run --storage-driver overlay " +
    "--storage-opt overlay.imagestore=/base";
  const start = `unshare --mount --propagation private /bin/buildah ${store}`;
  assertEquals(
    commands.build(build).join(" "),
    `${start} bud --isolation chroot --layers --force-rm --pull=missing --jobs 0 ${buildEnd}`,
  );
  assertEquals(
    commands.create?.("drydock-x", "i:1").join(" "),
    `${start} from --pull=never --name drydock-x i:1`,
  );
  assertEquals(
    commands.run(run).join(" "),
    `${start} run --isolation chroot --env PORT=1 --env A=b=c drydock-x -- node --x a b`,
  );
  assertEquals(commands.removeFolder, undefined);
  const rootless = commandsOf(engine("buildah", { isRoot: false }), "/store");
  assertEquals(rootless.probe()[0], "/bin/buildah");
  assertEquals(rootless.removeFolder?.("/store").join(" "), "/bin/buildah unshare rm -rf -- /store");
});

/** A machine with these programs; the value is what they answer, `undefined` for a failure. */
function machine(programs: Readonly<Record<string, string | undefined>>, os = "linux"): Machine {
  return {
    os,
    isRoot: true,
    find: (name) => Promise.resolve(Object.hasOwn(programs, name) ? `/bin/${name}` : undefined),
    ask(command) {
      const program = command.map((word) => word.replace(/^\/bin\//, "")).find((word) =>
        Object.hasOwn(programs, word)
      );
      const text = programs[program ?? ""];
      return Promise.resolve({
        isGood: text !== undefined,
        text: text ?? "Warning\nCannot connect to the daemon",
      });
    },
  };
}
const wish = (engine: string) => ({ engine, bases: [], scratch: "/scratch" });

Deno.test("chooseEngine() takes the first engine that works and says why it passed the others over", async () => {
  const choice = await chooseEngine(
    wish("auto"),
    machine({ docker: undefined, buildah: "buildah version 1.28.2 (x)" }),
  );
  assertEquals(choice, {
    kind: "engine",
    engine: { kind: "buildah", program: "/bin/buildah", version: "1.28.2", isRoot: true, bases: [] },
    why: "docker does not work (Cannot connect to the daemon); podman is not installed",
  });
  const none = await chooseEngine(wish("auto"), machine({}));
  assertEquals(none, {
    kind: "none",
    why: "docker is not installed; podman is not installed; buildah is not installed",
  });
  const silent = await chooseEngine(wish("auto"), machine({ docker: "" }));
  assertMatch(silent.why, /^docker does not work; podman/);
});

Deno.test("chooseEngine() takes no engine but the one that was asked for, and none elsewhere than on Linux", async () => {
  const both = machine({ docker: "28.0", podman: "4.3.1" });
  const podman = await chooseEngine(wish("podman"), both);
  assertEquals([podman.kind === "engine" && podman.engine.kind, podman.why], ["podman", "it was asked for"]);
  for (
    const [name, why] of [
      ["none", "none was asked for"],
      ["buildah", "buildah is not installed"],
      ["/opt/kaniko", "/opt/kaniko is none of docker, podman, buildah"],
    ] as const
  ) {
    assertEquals(await chooseEngine(wish(name), both), { kind: "none", why });
  }
  assertEquals((await chooseEngine(wish("auto"), machine({ docker: "28.0" }, "darwin"))).kind, "none");
});

Deno.test("declaredArguments() gives the build only what its ARG instructions name", () => {
  const dockerfile = "ARG ONE=1 TWO\nFROM a\n  arg THREE=\\\n    x\nRUN echo ARG FOUR\n";
  const given = { ONE: "a", TWO: "b", THREE: "c", FOUR: "d" };
  assertEquals(declaredArguments(dockerfile, given), { ONE: "a", TWO: "b", THREE: "c" });
});

Deno.test("an image starts with ENTRYPOINT and CMD as either engine tells them; dockerCommand takes CMD's place", () => {
  const docker = '[{"Id":"sha256:1","Config":{"Entrypoint":["/e"],"Cmd":["a","b c"]}}]';
  const buildah = '{"OCIv1":{"config":{"Cmd":["/bin/sh","-c","node x"]}},"Docker":{}}';
  assertEquals(startCommandOf(parseInspection(docker), ""), { argv: ["/e", "a", "b c"], shown: "/e a b c" });
  assertEquals(startCommandOf(parseInspection(docker), "x && 'y z'")?.argv, ["/e", "x", "&&", "y z"]);
  assertEquals(startCommandOf(parseInspection(buildah), "")?.argv, ["/bin/sh", "-c", "node x"]);
  assertEquals(startCommandOf({ Entrypoint: null, Cmd: null }, " "), undefined);
  assertThrows(() => parseInspection("[]"));
});
