import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { EvenkeelError } from "../../base/errors.ts";
import {
  CHECKOUT_BYTES_MAX,
  CHECKOUT_DEPTH_MAX,
  CHECKOUT_FILES_MAX,
  CHECKOUT_MEMORY_MAX,
  cloneCheckout,
} from "../../repo/checkout.ts";
import type { CheckoutLimits } from "../../repo/checkout.ts";
import { inFull } from "../helpers/full.ts";
import { createBareRepository } from "../helpers/repository.ts";
import type { BareRepository } from "../helpers/repository.ts";
import { commitDeepPath, commitDeltaBomb, commitTreeBomb, commitZeros } from "./bombs.ts";
import { createFolder, namesIn } from "./hostile.ts";
import { serveRepository } from "./http_remote.ts";

const MIB = 1024 * 1024;

/** Clones what `plant` made, which has to be refused with these words, and looks that nothing is left. */
async function refused(
  plant: (repository: BareRepository) => Promise<unknown>,
  words: string,
  limits: CheckoutLimits = {},
  address: (repository: BareRepository) => string = ({ url }) => url,
) {
  await using folder = await createFolder();
  await using repository = await createBareRepository({ "a": "1" });
  await plant(repository);
  const directory = join(folder.path, "work");
  const clone = cloneCheckout({ url: address(repository), branch: "main", directory, limits });
  await assertRejects(() => clone, EvenkeelError, words);
  assertEquals(await namesIn(folder.path), []);
}

Deno.test("a million files are refused before one is written, whether in one folder or in a thousand (promise 19)", async () => {
  await refused((repository) => commitTreeBomb(repository, 1000, 2), `more than ${CHECKOUT_FILES_MAX} files`);
  await refused(
    (repository) => commitTreeBomb(repository, inFull(200_000, 60_000), 1),
    "more than",
  );
});

Deno.test("ten trees that stand for ten thousand million files are refused while they are listed (promise 19)", async () => {
  await refused((repository) => commitTreeBomb(repository, 10, 10), `more than ${CHECKOUT_FILES_MAX} files`);
});

Deno.test("a path of thousands of folders is refused (promise 19)", async () => {
  await refused((repository) => commitDeepPath(repository, 65), "more than 64 folders deep");
  await refused((repository) => commitDeepPath(repository, 2000), "more than 64 folders deep");
});

Deno.test("a file that unfolds from a few bytes is refused by its size, before it is written (promise 19)", async () => {
  const [bytes, limits] = inFull<[number, CheckoutLimits]>([CHECKOUT_BYTES_MAX + MIB, {}], [24 * MIB, {
    bytesMax: 20 * MIB,
  }]);
  await refused((repository) => commitZeros(repository, bytes), `its files have ${bytes} bytes`, limits);
});

Deno.test("a difference that unfolds to more memory than git may take is refused (promise 19)", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const memoryBytesMax = 96 * MIB;
  await using folder = await createFolder();
  await using repository = await createBareRepository({ "a": "1" });
  await using remote = serveRepository(repository.url, "canary");
  const clone = () =>
    cloneCheckout({
      url: remote.url,
      token: "canary",
      branch: "main",
      directory: join(folder.path, "work"),
      limits: { memoryBytesMax },
    });
  await (await clone())[Symbol.asyncDispose]();
  await commitDeltaBomb(repository, 192);
  await assertRejects(clone, EvenkeelError, `it needs more than ${memoryBytesMax} bytes of memory`);
  assertEquals(await namesIn(folder.path), []);
});

Deno.test("docs/confinement.md names the limits of a checkout as they are", async () => {
  const text = (await Deno.readTextFile(new URL("../../docs/confinement.md", import.meta.url))).replace(
    /\s+/g,
    " ",
  );
  const files = CHECKOUT_FILES_MAX.toLocaleString("en-US");
  for (
    const words of [
      `more than ${files} files, ${CHECKOUT_BYTES_MAX / MIB} MiB in all`,
      `more than ${CHECKOUT_DEPTH_MAX} folders`,
      `more than ${CHECKOUT_MEMORY_MAX / 1024 / MIB} GiB of memory`,
    ]
  ) assert(text.includes(words), words);
});
