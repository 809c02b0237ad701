/** Repositories of a few kilobytes that stand for far more: made without ever unfolding them. */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { join } from "@std/path";
import type { BareRepository } from "../helpers/repository.ts";
import { gitIn } from "./hostile.ts";

export interface NamedObject {
  mode: "100644" | "100755" | "120000" | "040000" | "160000";
  name: string;
  id: string;
}

const TYPES: Record<NamedObject["mode"], string> = {
  "100644": "blob",
  "100755": "blob",
  "120000": "blob",
  "040000": "tree",
  "160000": "commit",
};

export async function writeBlob({ url }: BareRepository, text: string): Promise<string> {
  return (await gitIn(url, ["hash-object", "-w", "--stdin"], text)).trim();
}

/** Writes a tree with any names at all. */
export async function writeTree({ url }: BareRepository, entries: readonly NamedObject[]): Promise<string> {
  const lines = entries.map(({ mode, name, id }) => `${mode} ${TYPES[mode]} ${id}\t${name}\0`);
  return (await gitIn(url, ["mktree", "-z", "--missing"], lines.join(""))).trim();
}

/** Makes a tree the newest commit of the branch. @returns the commit's id */
export async function commitTree({ url, branch }: BareRepository, tree: string): Promise<string> {
  const author = ["-c", "user.name=A Stranger", "-c", "user.email=stranger@example.com"];
  const commit = (await gitIn(url, [...author, "commit-tree", "-m", "Hostile", tree])).trim();
  await gitIn(url, ["update-ref", `refs/heads/${branch}`, commit]);
  return commit;
}

/** `width` to the power of `levels` files from `levels` trees. */
export async function commitTreeBomb(
  repository: BareRepository,
  width: number,
  levels: number,
): Promise<string> {
  let entry: Pick<NamedObject, "mode" | "id"> = { mode: "100644", id: await writeBlob(repository, "x") };
  for (let level = 0; level < levels; level++) {
    const entries = Array.from(
      { length: width },
      (_, at) => ({ ...entry, name: `n${String(at).padStart(6, "0")}` }),
    );
    entry = { mode: "040000", id: await writeTree(repository, entries) };
  }
  return await commitTree(repository, entry.id);
}

/** A file under so many folders, one in the other. */
export async function commitDeepPath(repository: BareRepository, depth: number): Promise<string> {
  const path = `${"d/".repeat(depth)}file`;
  const lines = [
    `commit refs/heads/${repository.branch}`,
    "committer A Stranger <stranger@example.com> 1700000000 +0000",
    "data 4\nDeep",
    `M 100644 inline ${path}\ndata 1\nx`,
    "",
  ];
  await gitIn(repository.url, ["fast-import", "--quiet", "--force"], lines.join("\n"));
  return await repository.head();
}

/** A file of zeros. @param bytes a multiple of 1 MiB */
export async function commitZeros(repository: BareRepository, bytes: number): Promise<string> {
  const script = `head -c ${bytes} /dev/zero | git -c core.compression=1 hash-object -w --stdin`;
  const id = (await gitIn(repository.url, ["-c", `alias.zeros=!${script}`, "zeros"])).trim();
  return await commitTree(repository, await writeTree(repository, [{ mode: "100644", name: "zeros", id }]));
}

/** A file that is a difference of a few bytes to another and unfolds to many. @param mebibytes of the unfolded file */
export async function commitDeltaBomb(repository: BareRepository, mebibytes: number): Promise<string> {
  const piece = new Uint8Array(1024 * 1024);
  const base = createHash("sha1").update(`blob ${piece.length}\0`).update(piece).digest();
  const hash = createHash("sha1").update(`blob ${mebibytes * piece.length}\0`);
  for (let count = 0; count < mebibytes; count++) hash.update(piece);
  const bomb = hash.digest("hex");
  // One copy of the whole base after the other: its three bytes of size, and no offset.
  const copies = Array.from({ length: mebibytes }, () => [0xf0, 0x00, 0x00, 0x10]).flat();
  const delta = Uint8Array.from([...varint(piece.length), ...varint(mebibytes * piece.length), ...copies]);
  const head = new Uint8Array([0x50, 0x41, 0x43, 0x4b, 0, 0, 0, 2, 0, 0, 0, 2]);
  const pack = [
    head,
    objectHeader(3, piece.length),
    deflateSync(piece),
    objectHeader(7, delta.length),
    base,
    deflateSync(delta),
  ];
  const sum = createHash("sha1");
  for (const part of pack) sum.update(part);
  const file = join(repository.url, "objects", "pack", "pack-bomb.pack");
  await Deno.mkdir(join(repository.url, "objects", "pack"), { recursive: true });
  await Deno.writeFile(
    file,
    await new Blob([...pack, sum.digest()].map((part) => new Uint8Array(part))).bytes(),
  );
  await gitIn(repository.url, ["index-pack", file]);
  return await commitTree(
    repository,
    await writeTree(repository, [
      { mode: "100644", name: "base", id: base.toString("hex") },
      { mode: "100644", name: "bomb", id: bomb },
    ]),
  );
}

/** Seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
}

/** Three bits of type and four of size, then the rest of the size. */
function objectHeader(type: number, size: number): Uint8Array {
  const [first, rest] = [size % 16, Math.floor(size / 16)];
  if (rest === 0) return Uint8Array.from([(type << 4) | first]);
  return Uint8Array.from([0x80 | (type << 4) | first, ...varint(rest)]);
}
