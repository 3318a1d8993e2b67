// Foretells whether the kernel will set AT_SECURE for a program: then the loader drops LD_PRELOAD
// (ld.so(8), "Secure-execution mode"), and musl does too.
//
// The rule is the kernel's own: mnt_may_suid() and bprm_fill_uid() in fs/exec.c for the set-id bits,
// get_vfs_caps_from_disk() and cap_bprm_creds_from_file() in security/commoncap.c for file
// capabilities; execve(2) and capabilities(7) say it in words. Not foreseen: a Linux security module
// that asks for secure execution, and a tracer, under which set-id bits may not count.

import { extendedAttribute, isNosuid } from "../libc.ts";

/** What the kernel looks at in the file. Capability sets are bit sets. */
export interface FilePrivilege {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The file system is mounted nosuid. */
  readonly nosuid: boolean;
  readonly capabilities: FileCapabilities | undefined;
}

/** The extended attribute `security.capability`. */
export interface FileCapabilities {
  readonly effective: boolean;
  readonly permitted: bigint;
  readonly inheritable: bigint;
}

/** What the kernel looks at in the process that executes. */
export interface ProcessPrivilege {
  readonly realUid: number;
  readonly effectiveUid: number;
  readonly realGid: number;
  readonly effectiveGid: number;
  readonly permitted: bigint;
  readonly inheritable: bigint;
  readonly bounding: bigint;
  readonly noNewPrivileges: boolean;
  /** Whether an id of the file's owner means something in the process's user namespace. */
  readonly mapsUid: (uid: number) => boolean;
  readonly mapsGid: (gid: number) => boolean;
}

/**
 * Why AT_SECURE will be set when `process` executes `file`; undefined when it will not be.
 *
 * The first reason is a little too strict: before Linux 6.17 a file that is set-id back to the real
 * id was an exception.
 */
export function secureReason(file: FilePrivilege, process: ProcessPrivilege): string | undefined {
  if (process.effectiveUid !== process.realUid) return "portpin itself runs set-user-ID";
  if (process.effectiveGid !== process.realGid) return "portpin itself runs set-group-ID";
  const setId = !file.nosuid && !process.noNewPrivileges && process.mapsUid(file.uid) &&
    process.mapsGid(file.gid);
  const [setuid, setgid, groupExecutes] = [0o4000, 0o2000, 0o010];
  if (setId && (file.mode & setuid) !== 0 && file.uid !== process.realUid) {
    return `it is set-user-ID to user ${file.uid}`;
  }
  const setsGroup = (file.mode & setgid) !== 0 && (file.mode & groupExecutes) !== 0;
  if (setId && setsGroup && file.gid !== process.realGid) {
    return `it is set-group-ID to group ${file.gid}`;
  }
  return gainsCapabilities(file, process) ? "it has file capabilities" : undefined;
}

/** The last term of cap_bprm_creds_from_file(); file capabilities clear the ambient set. */
function gainsCapabilities(file: FilePrivilege, process: ProcessPrivilege): boolean {
  if (file.capabilities === undefined || file.nosuid || process.realUid === 0) return false;
  const { effective, permitted, inheritable } = file.capabilities;
  if (effective) return true;
  const granted = (process.bounding & permitted) | (process.inheritable & inheritable);
  return (process.noNewPrivileges ? granted & process.permitted : granted) !== 0n;
}

/** Asks the file system. @throws {Error} of Deno.errors or SystemError when it cannot be asked. */
export function filePrivilege(path: string): FilePrivilege {
  const { mode, uid, gid } = Deno.statSync(path);
  const attribute = extendedAttribute(path, "security.capability");
  return {
    mode: mode!,
    uid: uid!,
    gid: gid!,
    nosuid: isNosuid(path),
    capabilities: attribute && parseFileCapabilities(attribute),
  };
}

/**
 * Reads a `struct vfs_cap_data` (linux/capability.h), little-endian on every machine.
 *
 * Undefined for what the kernel does not apply to this process: for us it translates a namespaced
 * attribute (revision 3) to revision 2 exactly when that belongs to our namespace or to one above.
 */
export function parseFileCapabilities(value: Uint8Array): FileCapabilities | undefined {
  if (value.length < 12) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const magic = view.getUint32(0, true);
  const revision = magic >>> 24;
  const words = revision === 1 ? 1 : revision === 2 && value.length === 20 ? 2 : 0;
  if (words === 0) return undefined;
  const set = (first: number) =>
    BigInt(view.getUint32(first, true)) |
    (words === 2 ? BigInt(view.getUint32(first + 8, true)) << 32n : 0n);
  return { effective: (magic & 1) !== 0, permitted: set(4), inheritable: set(8) };
}

/** Asks /proc about this process. */
export function ownPrivilege(): ProcessPrivilege {
  return parseProcessPrivilege({
    status: Deno.readTextFileSync("/proc/self/status"),
    uidMap: Deno.readTextFileSync("/proc/self/uid_map"),
    gidMap: Deno.readTextFileSync("/proc/self/gid_map"),
  });
}

/** Reads the three files of /proc/PID that say it (proc_pid_status(5), user_namespaces(7)). */
export function parseProcessPrivilege(
  { status, uidMap, gidMap }: { status: string; uidMap: string; gidMap: string },
): ProcessPrivilege {
  const field = (name: string) => {
    const match = new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status);
    if (match === null) throw new Error(`Cannot read ${name} in /proc/self/status`);
    return match[1].split(/\s+/);
  };
  const capabilities = (name: string) => BigInt(`0x${field(name)[0]}`);
  const [realUid, effectiveUid] = field("Uid").map(Number);
  const [realGid, effectiveGid] = field("Gid").map(Number);
  return {
    realUid,
    effectiveUid,
    realGid,
    effectiveGid,
    permitted: capabilities("CapPrm"),
    inheritable: capabilities("CapInh"),
    bounding: capabilities("CapBnd"),
    noNewPrivileges: field("NoNewPrivs")[0] === "1",
    mapsUid: parseIdMap(uidMap),
    mapsGid: parseIdMap(gidMap),
  };
}

/** An id that is not mapped is shown as the overflow id, which itself is seldom mapped. */
function parseIdMap(map: string): (id: number) => boolean {
  const ranges = map.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return (id) => ranges.some(([inside, , count]) => id >= inside && id < inside + count);
}
