/**
 * A cell: a program in it sees the system's programs and libraries, read only, one folder that it may write in, its own
 * processes and no others. Nobody's home, no data folder, no environment of another process. Made of Linux namespaces by
 * util-linux; where they are not to be had there is no cell, and the reason. The network is the machine's own.
 */
import { basename, dirname, join } from "@std/path";
import { toolEnvironment } from "./environment.ts";
import { run } from "./run.ts";

export interface CellOptions {
  /** An empty folder of the caller's, absolute, gone from sight in the cell but for `yard` below it, which is made here. */
  folder: string;
  /** Folders that must stay out of sight wherever they lie, absolute. The user's home is one of them. */
  hidden: readonly string[];
  /** What the caller's programs will get: its tools, certificates and package folders are shown. */
  env: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

export interface Cell {
  /**
   * The folder that programs in the cell may write in, under the same name inside and outside. Once a program that is
   * not trusted has run there, any folder below it may be a link to anywhere: outside of the cell no path below it is
   * to be used any more, but for removing all of it by a way that follows no link.
   */
  readonly yard: string;
  /** The command that runs another one in the cell, ended with everything that it started. */
  command(argv: readonly [string, ...string[]], cwd: string): [string, ...string[]];
}

export type CellAnswer = { kind: "open"; cell: Cell } | { kind: "none"; why: string };

/** Exit code of a command whose cell could not be made. */
export const NO_CELL = 125;
/** Bytes of the largest file that a program in a cell may write. */
export const CELL_FILE_BYTES_MAX = 2 * 1024 ** 3;
export const CELL_PROCESSES_MAX = 2048;
export const CELL_OPEN_FILES_MAX = 4096;
const TRY_TIMEOUT_MS = 20_000;
/** Where the kernel's own tools are, whatever the caller's PATH says. */
const SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
/** The user without rights that a cell made by root runs as. */
const NOBODY = "65534";

/** What every cell sees. Of /etc only what programs need to find names, certificates and libraries. */
const SYSTEM = [
  ...["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"],
  ...["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf"],
  ...["/etc/services", "/etc/protocols", "/etc/mime.types", "/etc/localtime", "/etc/timezone"],
  ...["/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives"],
  ...["/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/crypto-policies"],
  ...["/etc/pki/ca-trust", "/etc/pki/tls/certs"],
];
/** Programs' own settings on this machine, which may hold credentials for a registry. */
const MACHINE_SETTINGS = ["/usr/etc", "/usr/local/etc"];
/** Programs that may lie outside of the system's folders, with what belongs to them. */
const TOOLS = ["node", "npm", "yarn", "pnpm", "python3", "uv"];
/** What belongs to a program in `bin`, of all that may lie beside that folder. */
const PREFIX_PARTS = ["bin", "include", "lib", "lib64", "libexec", "package.json", "share", "ssl"];

/**
 * Runs as the first process of new namespaces, with the rights to mount there, and gives them up for the command.
 * The old root is taken away, not covered; /proc shows this cell and cannot be written; no open file of ours is handed on.
 * It may run again after a program that is not trusted: before the old root is gone, it uses no path below the yard.
 * What is mounted below a folder is left out; a namespace of users lets nothing be left out, so there it is read only.
 */
const SETUP = `set -eu
trap 'exit ${NO_CELL}' EXIT
umask 022
for fd in /proc/self/fd/*; do
  fd=\${fd##*/}
  if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi
done
path=$PATH
PATH=${SYSTEM_PATH}
root=$1 yard=$2 user=$3
shift 3
setpriv=$(command -v setpriv)
prlimit=$(command -v prlimit)
show() {
  if [ -L "$1" ] && [ -d "$1" ]; then
    mkdir -p "$root\${1%/*}"
    ln -s "$(readlink "$1")" "$root$1"
  elif [ -d "$1" ]; then
    mkdir -p "$root$1"
    mount --bind "$1" "$root$1" 2> /dev/null || mount --rbind "$1" "$root$1"
  elif [ -f "$1" ]; then
    mkdir -p "$root\${1%/*}"
    : > "$root$1"
    mount --bind "$1" "$root$1"
  fi
}
read_only() {
  local options=remount,bind,ro,nosuid,nodev
  mount -o $options "$1" 2> /dev/null || mount -o $options,noexec "$1"
}
mount -t tmpfs -o mode=755,size=1m,nosuid,nodev cell "$root"
mkdir "$root/proc" "$root/dev" "$root/dev/shm" "$root/tmp" "$root/old"
mount -t proc -o ro,nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=1777,size=64m,nosuid,nodev,noexec cell "$root/dev/shm"
for name in null zero full random urandom; do
  : > "$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
ln -s /proc/self/fd "$root/dev/fd"
for name in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/\${name#*:}" "$root/dev/\${name%:*}"; done
while [ "$1" != -- ]; do show "$1"; shift; done
shift
while [ "$1" != -- ]; do
  if [ -d "$root$1" ]; then mount -t tmpfs -o mode=755,size=1m,nosuid,nodev cell "$root$1"; fi
  shift
done
shift
tmp=$(mktemp -d "\${root%/*}/tmp.XXXXXX")
chmod 1777 "$tmp"
mount --bind "$tmp" "$root/tmp"
mount -o remount,bind,nosuid,nodev "$root/tmp"
while [ "$1" != -- ]; do show "$1"; shift; done
shift
mkdir -p "$root$yard"
mount --bind "$yard" "$root$yard"
mount -o remount,bind,nosuid,nodev "$root$yard"
cd "$root"
pivot_root . old
umount -l /old
rmdir /old
mapfile -t mounts < /proc/self/mountinfo
for place in "\${mounts[@]}"; do
  place=\${place#* * * * }
  printf -v place %b "\${place%% *}"
  case $place in
    /proc | /tmp | "$yard" | /dev/shm | /dev/null | /dev/zero | /dev/full | /dev/random | /dev/urandom) ;;
    *) if [ -e "$place" ]; then read_only "$place"; fi ;;
  esac
done
who=
if [ "$user" != - ]; then
  chown -R -h "$user:$user" "$yard"
  who="--reuid $user --regid $user --clear-groups"
fi
cd "$1"
shift
trap - EXIT
PATH=$path
code=0
"$setpriv" $who --no-new-privs --inh-caps=-all --bounding-set=-all \\
  "$prlimit" --core=0 --fsize=${CELL_FILE_BYTES_MAX} --nproc=${CELL_PROCESSES_MAX} --nofile=${CELL_OPEN_FILES_MAX} \\
  "$@" || code=$?
exit $code
`;

/**
 * Makes a cell and tries it.
 * @returns `none` with the reason where this machine does not let it be made
 */
export async function openCell({ folder, hidden, env, signal }: CellOptions): Promise<CellAnswer> {
  if (Deno.build.os !== "linux") return { kind: "none", why: `there are no namespaces on ${Deno.build.os}` };
  const home = Deno.env.get("HOME");
  const kept = [...hidden, ...(home === undefined ? [] : [home])].filter((path) => path !== "/");
  const [root, yard] = [join(folder, "root"), join(folder, "yard")];
  await Deno.mkdir(root);
  await Deno.mkdir(yard);
  const isRoot = Deno.uid() === 0;
  const shown = await toolFolders(env, kept, home);
  const begin: [string, ...string[]] = [
    "unshare",
    // Root needs no namespace of users, and runs the command as a user without rights.
    ...(isRoot ? [] : ["--user", "--map-root-user"]),
    ...["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--propagation", "private"],
    ...["--", "/bin/bash", "--norc", "-c", SETUP, "evenkeel-cell", root, yard, isRoot ? NOBODY : "-"],
    ...SYSTEM,
    "--",
    ...[...MACHINE_SETTINGS, ...kept.filter((path) => !SYSTEM.some((one) => isIn(one, path)))],
    "--",
    ...shown,
    "--",
  ];
  const cell: Cell = { yard, command: (argv, cwd) => [...begin, cwd, ...argv] };
  const word = crypto.randomUUID();
  const tried = await run({
    command: cell.command(["/bin/sh", "-c", `echo ${word}`], yard),
    cwd: "/",
    env: { PATH: SYSTEM_PATH },
    timeoutMs: TRY_TIMEOUT_MS,
    signal,
  }).catch((error) => ({ kind: "absent", stdout: "", stderr: String(error) }) as const);
  if (tried.kind === "exited" && tried.code === 0 && tried.stdout.trim() === word) {
    return { kind: "open", cell };
  }
  const said = tried.stderr.trim().split("\n")[0] ?? "";
  return { kind: "none", why: `this machine lets no namespaces be made: ${said === "" ? tried.kind : said}` };
}

/** Whether a path is a folder or lies in it. */
function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/**
 * Folders of tools outside of the system's, and the paths that the environment names. Never one that holds what is kept
 * out of sight, and no folder right in a home: it may hold anything.
 */
async function toolFolders(
  env: Readonly<Record<string, string>>,
  kept: readonly string[],
  home: string | undefined,
): Promise<string[]> {
  const mayShow = (path: string) =>
    path !== "/" && dirname(path) !== home &&
    !kept.some((each) => isIn(each, path) || (each !== home && isIn(path, each)));
  const wanted: string[] = [];
  for (const folder of (env["PATH"] ?? "").split(":").filter((path) => path.startsWith("/"))) {
    for (const tool of TOOLS) {
      const real = await Deno.realPath(join(folder, tool)).catch(() => undefined);
      // Shims are scripts that lead elsewhere by a folder that is not there.
      if (real !== undefined && !folder.endsWith("/shims")) wanted.push(...belongingsOf(real, mayShow));
    }
  }
  if (env["PYENV_ROOT"] !== undefined) wanted.push(join(env["PYENV_ROOT"], "versions"));
  for (const [name, value] of Object.entries(env)) {
    if (/CERT|_CA_|cafile|CAINFO|FIND_LINKS/.test(name) && value.startsWith("/")) wanted.push(value);
  }
  const shown = new Set<string>();
  for (const path of wanted) {
    const real = await Deno.realPath(path).catch(() => undefined);
    if (real === undefined || real !== path || SYSTEM.some((one) => isIn(real, one))) continue;
    if (mayShow(real)) shown.add(real);
  }
  return [...shown].sort();
}

/** What a program needs of the folders that it lies in: its package, or the parts of its prefix, or no more than itself. */
function belongingsOf(program: string, mayShow: (folder: string) => boolean): string[] {
  const inPackage = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(program);
  if (inPackage !== null) return [inPackage[0]];
  const folder = dirname(program);
  if (basename(folder) !== "bin") return [program];
  const prefix = dirname(folder);
  return mayShow(prefix) ? PREFIX_PARTS.map((part) => join(prefix, part)) : [];
}

/** The environment of programs in a cell: what tools need, and no address with a credential in it. */
export function cellEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(toolEnvironment()).filter(([, value]) => !/:\/\/[^/\s]*@/.test(value)),
  );
}
