/**
 * Which TCP ports a process group listens on, and whether others can reach them or only this machine. Linux
 * tells by /proc; elsewhere a connection attempt to the expected port has to do.
 */

export interface OpenPorts {
  /** Reachable from outside: bound to 0.0.0.0, :: or an address that is not loopback. */
  open: number[];
  /** Bound to loopback only. */
  localhost: number[];
}

const LISTEN = "0A";

/**
 * @param groupId the process group, which is also its session
 * @param expected the port to try where there is no /proc
 */
export async function listeningPorts(groupId: number, expected: number): Promise<OpenPorts> {
  if (Deno.build.os !== "linux") return await portsByConnecting(expected);
  const inodes = socketsOf(groupId);
  const found: OpenPorts = { open: [], localhost: [] };
  if (inodes.size === 0) return found;
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readText(table).split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [address = "", port = ""] = (fields[1] ?? "").split(":");
      if (fields[3] !== LISTEN || !inodes.has(fields[9] ?? "")) continue;
      (isLoopback(address) ? found.localhost : found.open).push(parseInt(port, 16));
    }
  }
  const open = [...new Set(found.open)].sort((a, b) => a - b);
  return { open, localhost: [...new Set(found.localhost)].filter((port) => !open.includes(port)) };
}

/** The kernel prints addresses as words in memory order: 127.x.y.z ends in 7F, ::1 in 01000000. */
function isLoopback(hex: string): boolean {
  if (hex.length === 8) return hex.endsWith("7F");
  if (hex.startsWith("0000000000000000FFFF0000")) return hex.endsWith("7F");
  return hex === "00000000000000000000000001000000";
}

function socketsOf(groupId: number): Set<string> {
  const inodes = new Set<string>();
  for (const pid of membersOf(groupId)) {
    try {
      for (const entry of Deno.readDirSync(`/proc/${pid}/fd`)) {
        const target = readLink(`/proc/${pid}/fd/${entry.name}`);
        if (target?.startsWith("socket:[")) inodes.add(target.slice("socket:[".length, -1));
      }
    } catch {
      // The process has ended in between.
    }
  }
  return inodes;
}

/** The processes of a group or session, on Linux. */
export function membersOf(groupId: number): number[] {
  return processes().filter(isMember(groupId)).map(({ pid }) => pid);
}

/** The same with all that descend from them: in a cell nothing loses its ancestors, whatever session it makes. */
export function familyOf(groupId: number): number[] {
  const all = processes();
  const family = new Set(all.filter(isMember(groupId)).map(({ pid }) => pid));
  for (let before = -1; before !== family.size;) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return [...family];
}

interface Process {
  pid: number;
  parent: number;
  group: number;
  session: number;
}

const isMember = (groupId: number) => ({ group, session }: Process) =>
  group === groupId || session === groupId;

function processes(): Process[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => {
    const stat = readText(`/proc/${name}/stat`);
    // The program's name is in parentheses and may hold anything; the fields follow the last one.
    const [, parent = NaN, group = NaN, session = NaN] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      .map(Number);
    return { pid: Number(name), parent, group, session };
  });
}

/** The program that a process runs, where /proc says. */
export function programOf(pid: number): string | undefined {
  return readLink(`/proc/${pid}/exe`);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function readLink(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined;
  }
}

/** The same for a program whose processes are not ours to look at: is the port it should open reachable? */
export async function portsByConnecting(port: number): Promise<OpenPorts> {
  const outside = Deno.networkInterfaces().find((each) =>
    each.family === "IPv4" && each.address !== "127.0.0.1"
  );
  if (outside !== undefined && await connects(outside.address, port)) return { open: [port], localhost: [] };
  return await connects("127.0.0.1", port) ? { open: [], localhost: [port] } : { open: [], localhost: [] };
}

async function connects(hostname: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch {
    return false;
  }
}

/** Asks the system for a port nobody listens on. Another program could take it before it is used. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** True when nobody listens on the port, on any address. */
export function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "0.0.0.0", port }).close();
    return true;
  } catch {
    return false;
  }
}
