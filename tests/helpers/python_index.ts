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
   * There is no wheel, only sources, which need nothing to be built with. The build fails, does not end, asks for
   * all the memory it gets, takes some seconds, or (`paired`) ends when that of another paired package is under way:
   * what two builds at the same time save, without a clock. Linux only.
   * One that touches a file does so as soon as anybody only asks what the sources need.
   * @default a wheel
   */
  source?: "broken" | "endless" | "greedy" | "paired" | { seconds: number } | { touches: string };
}

export interface PythonIndex extends AsyncDisposable {
  readonly directory: string;
  readonly indexUrl: string;
  /** Makes pip (and uv) ask this index and nothing else: spread it over a program's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** A file that appears when a paired build waits while no other pip with this index runs. */
  readonly stuck: string;
}

export async function createPythonIndex(packages: readonly PythonPackage[]): Promise<PythonIndex> {
  const directory = await Deno.makeTempDir({ prefix: "evenkeel-python-index-" });
  const wheels = join(directory, "wheels");
  const simple = join(directory, "simple");
  // Links found in a folder of wheels would not say which Python they need, so pip is given an empty one.
  const nothing = join(directory, "nothing");
  const meeting = join(directory, "meeting");
  await Promise.all([wheels, nothing, meeting].map((folder) => Deno.mkdir(folder)));
  const links = new Map<string, string[]>();
  for (const item of packages) {
    const base = `${moduleName(item.name)}-${item.version}`;
    const file = item.source === undefined ? `${base}-py3-none-any.whl` : `${base}.tar.gz`;
    const content = item.source === undefined
      ? await wheel(item)
      : await tgz(sources(item, await wheel(item), meeting), base);
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
    stuck: join(meeting, "stuck"),
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

/** Sources with a build backend of their own (PEP 517). @param meeting where paired ones find one another */
function sources(
  { name, version, source, requires = [] }: PythonPackage,
  built: Uint8Array<ArrayBuffer>,
  meeting: string,
): Record<string, string> {
  const info = `${moduleName(name)}-${version}.dist-info`;
  const metadata = [
    "Metadata-Version: 2.1",
    `Name: ${name}`,
    `Version: ${version}`,
    ...requires.map((line) => `Requires-Dist: ${line}`),
    "",
  ].join("\n");
  return {
    "PKG-INFO": metadata,
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    "wheel.base64": built.toBase64(),
    "backend.py": `import base64, os, time
${
      typeof source === "object" && "touches" in source
        ? `open(${JSON.stringify(source.touches)}, "w").close()`
        : ""
    }

def prepare_metadata_for_build_wheel(folder, settings=None):
    os.makedirs(os.path.join(folder, "${info}"))
    with open(os.path.join(folder, "${info}", "METADATA"), "w") as file:
        file.write(${JSON.stringify(metadata)})
    return "${info}"

def read(pid, name):
    try:
        with open("/proc/%s/%s" % (pid, name), "rb") as file:
            return file.read()
    except OSError:
        return b""

def others_run(folder):
    own, pid = set(), os.getpid()
    while pid > 1:
        own.add(str(pid))
        pid = int((read(pid, "stat").rpartition(b")")[2].split() + [b"0", b"0"])[1])
    index = os.path.dirname(folder).encode()
    return any(pid.isdigit() and pid not in own and b"pip" in read(pid, "cmdline") and index in read(pid, "environ")
        for pid in os.listdir("/proc"))

def meet(folder):
    own, alone = str(os.getpid()), 0
    open(os.path.join(folder, own), "w").close()
    while True:
        for other in os.listdir(folder):
            if other.endswith("-met-" + own):
                return
            if other.isdigit() and other != own and os.path.exists("/proc/" + other):
                open(os.path.join(folder, own + "-met-" + other), "w").close()
                return
        alone = 0 if others_run(folder) else alone + 1
        if alone == 10:
            open(os.path.join(folder, "stuck"), "w").close()
        time.sleep(0.1)

def build_wheel(folder, settings=None, metadata=None):
    ${work(source, meeting)}
    name = "${moduleName(name)}-${version}-py3-none-any.whl"
    with open("wheel.base64") as file, open(os.path.join(folder, name), "wb") as wheel:
        wheel.write(base64.b64decode(file.read()))
    return name
`,
  };
}

/** What a build does before it has a wheel, in Python. */
function work(source: PythonPackage["source"], meeting: string): string {
  switch (source) {
    case "endless":
      return "time.sleep(3600)";
    case "greedy":
      return "kept = [b'x' * (8 << 20) for _ in range(128) if time.sleep(0.02) is None]; time.sleep(3600)";
    case "paired":
      return `meet(${JSON.stringify(meeting)})`;
    case "broken":
      return 'raise SystemExit("error: no compiler for Fortran was found")';
    default:
      return `time.sleep(${source !== undefined && "seconds" in source ? source.seconds : 0})`;
  }
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
