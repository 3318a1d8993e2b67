/** Reads the limits of this machine, from proc(5) and cgroups(7). */
import { join } from "node:path";
import type { Machine } from "./limits.ts";

/** What is known of the machine before anything runs. */
export function readMachine(): Machine {
  const limits = read("/proc/self/limits")!;
  const soft = (name: string) => numberIn(limits, new RegExp(`^${name} +(\\S+)`, "m"));
  const [allocated, , most] = read("/proc/sys/fs/file-nr")!.split(/\s+/).map(Number);
  return {
    openFiles: soft("Max open files"),
    filesLeft: mayExceedFileMax() ? undefined : most - allocated,
    processes: fewest(processLimits(soft("Max processes"))),
  };
}

/** Bytes of memory that programs and the kernel can still have, here and in our cgroups. */
export function memoryLeft(): number {
  return Math.min(
    meminfo("MemAvailable"),
    ...cgroupRooms("memory", [
      ["memory.max", "memory.current"],
      ["memory.limit_in_bytes", "memory.usage_in_bytes"],
    ]),
  );
}

/** Bytes that the kernel's own objects take: sockets, files and their hash table entries. */
export function kernelMemory(): number {
  return meminfo("Slab");
}

/** Tracked connections in our namespace and the most there can be; none where nobody tracks. */
export function conntrack(): { used: number; most: number } {
  const value = (name: string) => read(`/proc/sys/net/netfilter/nf_conntrack_${name}`);
  const [used, most] = [value("count"), value("max")];
  if (used === undefined || most === undefined) return { used: 0, most: Infinity };
  return { used: Number(used), most: Number(most) };
}

/** The load average of the last minute, which explains a rate. */
export function loadAverage(): number {
  return Number(read("/proc/loadavg")!.split(" ")[0]);
}

/** fs.file-max does not bind whoever has CAP_SYS_ADMIN in the first user namespace: capable(9). */
function mayExceedFileMax(): boolean {
  const sysAdmin = 21n;
  const effective = /^CapEff:\s*(\S+)/m.exec(read("/proc/self/status")!)![1];
  const isFirst = /^\s*0\s+0\s+4294967295\s*$/.test(read("/proc/self/uid_map") ?? "");
  return isFirst && (BigInt(`0x${effective}`) >> sysAdmin & 1n) === 1n;
}

function processLimits(ofUser: number): Machine["processes"][] {
  // All threads of the machine: /proc/loadavg has them behind the slash.
  const running = numberIn(read("/proc/loadavg")!, /\/(\d+)/);
  const sysctl = (name: string) => Number(read(`/proc/sys/kernel/${name}`)) - running;
  const [cgroup] = cgroupRooms("pids", [["pids.max", "pids.current"]]).sort((a, b) => a - b);
  return [
    { left: sysctl("pid_max"), limit: "kernel.pid_max" },
    { left: sysctl("threads-max"), limit: "kernel.threads-max" },
    { left: ofUser - running, limit: "RLIMIT_NPROC" },
    ...cgroup === undefined ? [] : [{ left: cgroup, limit: "the pids limit of the cgroup" }],
  ];
}

function fewest(limits: Machine["processes"][]): Machine["processes"] {
  return limits.reduce((a, b) => b.left < a.left ? b : a);
}

/** What is left in our cgroup and each one around it, where its files of the given names say so. */
function cgroupRooms(controller: string, files: readonly [most: string, used: string][]): number[] {
  return ownCgroups(controller).flatMap((folder) =>
    files.flatMap(([most, used]) => {
      const [limit, usage] = [read(join(folder, most)), read(join(folder, used))];
      if (limit === undefined || usage === undefined || limit.trim() === "max") return [];
      return [Number(limit) - Number(usage)];
    })
  );
}

/** The folders of our cgroup and those around it, in the first hierarchy and in the unified one. */
function ownCgroups(controller: string): string[] {
  const lines = (read("/proc/self/cgroup") ?? "").trim().split("\n");
  return lines.flatMap((line) => {
    const [, controllers, ...rest] = line.split(":");
    const path = rest.join(":");
    if (controllers === "") return ["", "unified"].flatMap((root) => upwards(root, path));
    return controllers.split(",").includes(controller) ? upwards(controllers, path) : [];
  });
}

function upwards(hierarchy: string, path: string): string[] {
  const words = path.split("/").filter((word) => word !== "");
  return Array.from(
    { length: words.length + 1 },
    (_, depth) => join("/sys/fs/cgroup", hierarchy, ...words.slice(0, depth)),
  );
}

function meminfo(name: string): number {
  return numberIn(read("/proc/meminfo")!, new RegExp(`^${name}: +(\\d+) kB`, "m")) * 1024;
}

/** The number that a pattern's group finds; `unlimited` is infinite. */
function numberIn(text: string, pattern: RegExp): number {
  const word = pattern.exec(text)![1];
  return word === "unlimited" ? Infinity : Number(word);
}

/** A file's text; undefined where it is not, or not for us. */
function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
