import { assertEquals } from "@std/assert";
import { ServiceKeys } from "../../reconciler/service_keys.ts";
import { spec } from "./world.ts";

const named = (keys: ServiceKeys, serviceId: string, serviceName?: string) =>
  keys.specsOf({ serviceId, serviceName }).map(({ service }) => service);

Deno.test("a delivery is about a service by its id, and by its name until the id is known", () => {
  const keys = new ServiceKeys([spec({ service: "srv-1" }), spec({ service: "my-api" })]);
  assertEquals(named(keys, "srv-1", "anything"), ["srv-1"]);
  assertEquals(named(keys, "srv-2", "my-api"), ["my-api"]);
  keys.learn("my-api", "srv-2");
  assertEquals(named(keys, "srv-2"), ["my-api"]);
  // Another service that was given the name is another service.
  assertEquals(named(keys, "srv-3", "my-api"), []);
});

Deno.test("a delivery about a service that nobody looks after is about nobody, and teaches nothing", () => {
  const keys = new ServiceKeys([spec({ service: "srv-1" })]);
  keys.learn("srv-9", "srv-9");
  assertEquals([named(keys, "srv-9", "other"), named(keys, "", "")], [[], []]);
  assertEquals(keys.idOf("srv-1"), "srv-1");
  assertEquals(keys.idOf("other"), null);
});

Deno.test("a delivery about a database is about every service that names it", () => {
  const database = { kind: "render-postgres", id: "dpg-1-a" } as const;
  const keys = new ServiceKeys([
    spec({ service: "a", database }),
    spec({ service: "b" }),
    spec({ service: "c", database }),
  ]);
  assertEquals(named(keys, "dpg-1-a", "orders"), ["a", "c"]);
});
