/**
 * A package index of tiny wheels in a temp folder, so that Python cases pass with no registry and whatever the
 * machine's pip is told. A wheel is a zip of stored entries; the index is PEP 503 pages read through `file://`.
 */
import { crc32 } from "node:zlib";
import { join, toFileUrl } from "@std/path";
import { tgz } from "./npm_registry.ts";

export interface PythonPackage {
  name: string;
  version: string;
  /** Requirement lines, such as `lib-b<2`. @default none */
  requires?: readonly string[];
  /** Such as `<3.12`. @default any Python */
  requiresPython?: string;
  /** What is installed, path to text. @default a module of the package's name with `__version__` */
  files?: Readonly<Record<string, string>>;
  /** Programs it installs, name to `module:function`. @default none */
  scripts?: Readonly<Record<string, string>>;
  /**
   * There is no wheel, only sources whose build fails or does not end. They need nothing to be built with.
   * @default a wheel
   */
  source?: "broken" | "endless";
}

export interface PythonIndex extends AsyncDisposable {
  readonly directory: string;
  readonly indexUrl: string;
  /** Makes pip (and uv) ask this index and nothing else: spread it over a program's environment. */
  readonly env: Readonly<Record<string, string>>;
}

export async function createPythonIndex(packages: readonly PythonPackage[]): Promise<PythonIndex> {
  const directory = await Deno.makeTempDir({ prefix: "evenkeel-python-index-" });
  const wheels = join(directory, "wheels");
  const simple = join(directory, "simple");
  // Links found in a folder of wheels would not say which Python they need, so pip is given an empty one.
  const nothing = join(directory, "nothing");
  await Promise.all([wheels, nothing].map((folder) => Deno.mkdir(folder)));
  const links = new Map<string, string[]>();
  for (const item of packages) {
    const base = `${moduleName(item.name)}-${item.version}`;
    const file = item.source === undefined ? `${base}-py3-none-any.whl` : `${base}.tar.gz`;
    const content = item.source === undefined ? await wheel(item) : await tgz(sources(item), base);
    await Deno.writeFile(join(wheels, file), content);
    const python = item.requiresPython === undefined
      ? ""
      : ` data-requires-python="${item.requiresPython.replaceAll("<", "&lt;").replaceAll(">", "&gt;")}"`;
    const project = item.name.toLowerCase().replaceAll(/[-_.]+/g, "-");
    const lines = links.get(project) ?? [];
    lines.push(`<a href="../../wheels/${file}"${python}>${file}</a><br>`);
    links.set(project, lines);
  }
  await Deno.mkdir(simple);
  for (const [project, lines] of links) {
    await Deno.mkdir(join(simple, project));
    await Deno.writeTextFile(
      join(simple, project, "index.html"),
      `<!DOCTYPE html><html><body>${lines.join("\n")}`,
    );
  }
  const indexUrl = toFileUrl(simple).href;
  return {
    directory,
    indexUrl,
    env: {
      PIP_INDEX_URL: indexUrl,
      PIP_EXTRA_INDEX_URL: indexUrl,
      PIP_FIND_LINKS: nothing,
      PIP_NO_INDEX: "0",
      PIP_CONFIG_FILE: "/dev/null",
      PIP_DISABLE_PIP_VERSION_CHECK: "1",
      UV_INDEX_URL: indexUrl,
    },
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

/** Sources with a build backend of their own (PEP 517). */
function sources({ name, version, source }: PythonPackage): Record<string, string> {
  const info = `${moduleName(name)}-${version}.dist-info`;
  return {
    "PKG-INFO": `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    "backend.py": `import os, time

def prepare_metadata_for_build_wheel(folder, settings=None):
    os.makedirs(os.path.join(folder, "${info}"))
    with open(os.path.join(folder, "${info}", "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: ${name}\\nVersion: ${version}\\n")
    return "${info}"

def build_wheel(folder, settings=None, metadata=None):
    ${source === "endless" ? "time.sleep(3600)" : ""}
    raise SystemExit("error: no compiler for Fortran was found")
`,
  };
}

const moduleName = (name: string) => name.replaceAll(/[-.]+/g, "_");

async function wheel(item: PythonPackage): Promise<Uint8Array<ArrayBuffer>> {
  const module = moduleName(item.name);
  const info = `${module}-${item.version}.dist-info`;
  const entries: Record<string, string> = {
    ...(item.files ?? { [`${module}/__init__.py`]: `__version__ = "${item.version}"\n` }),
    [`${info}/METADATA`]: [
      "Metadata-Version: 2.1",
      `Name: ${item.name}`,
      `Version: ${item.version}`,
      ...(item.requiresPython === undefined ? [] : [`Requires-Python: ${item.requiresPython}`]),
      ...(item.requires ?? []).map((line) => `Requires-Dist: ${line}`),
      "",
    ].join("\n"),
    [`${info}/WHEEL`]:
      "Wheel-Version: 1.0\nGenerator: evenkeel-tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
  };
  if (item.scripts !== undefined) {
    const lines = Object.entries(item.scripts).map(([name, target]) => `${name} = ${target}\n`);
    entries[`${info}/entry_points.txt`] = `[console_scripts]\n${lines.join("")}`;
  }
  const record: string[] = [];
  for (const [path, text] of Object.entries(entries)) {
    const bytes = new TextEncoder().encode(text);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
    record.push(`${path},sha256=${hash},${bytes.length}`);
  }
  entries[`${info}/RECORD`] = [...record, `${info}/RECORD,,`, ""].join("\n");
  return zip(entries);
}

/** The first instant a zip can tell: 1980-01-01. */
const ZIP_DATE = 0x21;
const ZIP_VERSION = 20;

/** A zip archive without compression. */
function zip(entries: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const encoder = new TextEncoder();
  for (const [path, text] of Object.entries(entries)) {
    const name = encoder.encode(path);
    const data = encoder.encode(text);
    // Version, flags, method, time, date, checksum, both sizes, name length, extra length.
    const common = fields(
      [2, ZIP_VERSION],
      [2, 0],
      [2, 0],
      [2, 0],
      [2, ZIP_DATE],
      [4, crc32(data)],
      [
        4,
        data.length,
      ],
      [4, data.length],
      [2, name.length],
      [2, 0],
    );
    const local = concatenate([fields([4, 0x04034b50]), common, name, data]);
    // Comment length, disk, internal and external attributes (a plain file, rw-r--r--), offset.
    const tail = fields([2, 0], [2, 0], [2, 0], [4, 0o100644 * 0x10000], [4, at]);
    directory.push(concatenate([fields([4, 0x02014b50], [2, 0x0300 | ZIP_VERSION]), common, tail, name]));
    parts.push(local);
    at += local.length;
  }
  const central = concatenate(directory);
  const count = directory.length;
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, central.length], [4, at], [
    2,
    0,
  ]);
  return concatenate([...parts, central, end]);
}

/** Little-endian numbers of the given widths in bytes. */
function fields(...values: readonly (readonly [width: 2 | 4, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(values.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of values) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return bytes;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
