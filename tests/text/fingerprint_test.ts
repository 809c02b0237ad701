import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { fingerprint } from "../../text/fingerprint.ts";

Deno.test("fingerprint() is stable from run to run", () => {
  assertEquals(fingerprint(["python/pin-conflict", "flask"]), "7a5c7a39e3d4b28e");
});

Deno.test("fingerprint() depends on where one part ends and the next begins, and on their order", () => {
  assertMatch(fingerprint([]), /^[0-9a-f]{16}$/);
  assertNotEquals(fingerprint(["a", "bc"]), fingerprint(["ab", "c"]));
  assertNotEquals(fingerprint(["a", "b"]), fingerprint(["b", "a"]));
  assertNotEquals(fingerprint(['a","b']), fingerprint(["a", "b"]));
  assertNotEquals(fingerprint([""]), fingerprint([]));
});
