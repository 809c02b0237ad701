/**
 * A package registry of tiny packages on a free port, so that Node cases pass with no registry and whatever the
 * machine's npm is told. Tarballs are real: `npm install` and `npm ci` work.
 */
import { join } from "@std/path";

export interface NodePackage {
  name: string;
  version: string;
  /** Name to range. @default none */
  dependencies?: Readonly<Record<string, string>>;
  peerDependencies?: Readonly<Record<string, string>>;
  /** What it consists of beside its package.json. @default an `index.js` that exports the version */
  files?: Readonly<Record<string, string>>;
}

export interface NpmRegistry extends AsyncDisposable {
  readonly url: string;
  /** Makes npm ask this registry with a cache of its own: spread it over a program's environment. */
  readonly env: Readonly<Record<string, string>>;
}

export async function createNpmRegistry(packages: readonly NodePackage[]): Promise<NpmRegistry> {
  const folder = await Deno.makeTempDir({ prefix: "evenkeel-npm-registry-" });
  const tarballs = new Map<string, Uint8Array<ArrayBuffer>>();
  const documents = new Map<string, Record<string, { version: string; dist: { tarball: string } }>>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const path = decodeURIComponent(new URL(request.url).pathname).slice(1);
    const tarball = tarballs.get(path);
    if (tarball !== undefined) return new Response(tarball);
    const versions = documents.get(path);
    if (versions === undefined) return Response.json({ error: "Not found" }, { status: 404 });
    const latest = Object.keys(versions).at(-1);
    return Response.json({ name: path, "dist-tags": { latest }, versions });
  });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  for (const item of packages) {
    const { files = { "index.js": `module.exports = "${item.version}";\n` }, ...manifest } = item;
    const tarball = await tgz({
      "package.json": JSON.stringify({ main: "index.js", ...manifest }),
      ...files,
    });
    const path = `${item.name}/-/${item.version}.tgz`;
    tarballs.set(path, tarball);
    const integrity = `sha512-${new Uint8Array(await crypto.subtle.digest("SHA-512", tarball)).toBase64()}`;
    const versions = documents.get(item.name) ?? {};
    versions[item.version] = { ...manifest, dist: { tarball: `${url}${path}`, ...{ integrity } } };
    documents.set(item.name, versions);
  }
  return {
    url,
    env: { npm_config_registry: url, NPM_CONFIG_REGISTRY: url, npm_config_cache: join(folder, "cache") },
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const BLOCK = 512;

/** A compressed tar archive with every file under one folder. */
export async function tgz(
  files: Readonly<Record<string, string>>,
  folder = "package",
): Promise<Uint8Array<ArrayBuffer>> {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for (const [path, text] of Object.entries(files)) {
    const data = new TextEncoder().encode(text);
    const header = new Uint8Array(BLOCK);
    const put = (at: number, value: string) => header.set(new TextEncoder().encode(value), at);
    const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
    put(0, `${folder}/${path}`);
    put(100, octal(0o644, 7));
    put(124, octal(data.length, 11));
    put(136, octal(0, 11));
    put(148, " ".repeat(8)); // the checksum counts itself as blanks
    put(156, "0");
    put(257, "ustar\x0000");
    put(148, `${octal(header.reduce((sum, byte) => sum + byte, 0), 6)} `);
    const padded = new Uint8Array(Math.ceil(data.length / BLOCK) * BLOCK);
    padded.set(data);
    blocks.push(header, padded);
  }
  blocks.push(new Uint8Array(2 * BLOCK));
  const stream = new Blob(blocks).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}
