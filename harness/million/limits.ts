/**
 * What this machine allows, looked at before it would say so itself, late and in other words. Which
 * limit is the narrowest is pure; machine.ts reads them. Two that could matter do not:
 * net.ipv4.tcp_mem is about buffers, and a connection that is idle has none; and where
 * net.core.somaxconn are waiting for accept(2), connect(2) waits a second and tries again.
 */
import { exitStatus, Failure } from "../../generator/failure.ts";
import { flowsOfPair, pairsWithin } from "./pairs.ts";

/** The limits that are known before anything runs; undefined where there is none for us. */
export interface Machine {
  /** RLIMIT_NOFILE: of each process. */
  readonly openFiles: number;
  /** How many more files the whole machine may have open: fs.file-max less what it has. */
  readonly filesLeft: number | undefined;
  /** How many more processes there may be, and what says so. */
  readonly processes: { readonly left: number; readonly limit: string };
}

/** What a flow was measured to take, and what is left of it. */
export interface Measured {
  /** Bytes of kernel memory; a flow is both of its sockets. */
  readonly memory: { readonly perFlow: number; readonly left: number };
  /** Entries of the connection tracking in our namespace (net.netfilter.nf_conntrack_max). */
  readonly conntrack: { readonly perFlow: number; readonly left: number };
}

/** A limit, and how many flows it leaves. */
export interface Limit {
  readonly flows: number;
  readonly reason: string;
}

/** What stays free: for the programs themselves, and for whoever else is here. */
export const memoryReserve = 1 << 30;

/** The limits that hold for flows with source ports out of so many. */
export function machineLimits(machine: Machine, ports: number): Limit[] {
  const { openFiles, filesLeft, processes } = machine;
  const each = flowsOfPair(openFiles, ports);
  const pairs = (count: number) => Math.max(0, count) * each;
  return [
    {
      flows: pairs(pairsWithin(openFiles)),
      reason: `${openFiles} open files in a process (RLIMIT_NOFILE)`,
    },
    {
      flows: pairs(Math.floor(processes.left / 2)),
      reason: `${processes.left} more processes (${processes.limit})`,
    },
    ...filesLeft === undefined ? [] : [{
      flows: Math.max(0, Math.floor((filesLeft - reservedFiles) / 2)),
      reason: `${filesLeft} more open files on this machine (fs.file-max)`,
    }],
  ];
}

/** For the programs' own files, and for everybody else on the machine. */
const reservedFiles = 10_000;

/**
 * What two sockets and their files take at the least (Linux 6.18, x86_64: 7.5 to 7.9 kB measured).
 * The kernel gives other memory back meanwhile, so that on a busy machine less is measured.
 */
const leastMemoryPerFlow = 7500;

/** The limits that hold for so many flows, of which each takes so much. */
export function measuredLimits(flows: number, measured: Measured): Limit[] {
  const { conntrack } = measured;
  const perFlow = Math.max(measured.memory.perFlow, leastMemoryPerFlow);
  const memory = { ...measured.memory, perFlow };
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(0);
  const kilobytes = (memory.perFlow / 1e3).toFixed(1);
  const limit = ({ perFlow, left }: { perFlow: number; left: number }, reason: string): Limit => ({
    flows: perFlow <= 0 ? Infinity : Math.max(0, Math.floor(left / perFlow)),
    reason,
  });
  return [
    limit(
      { perFlow: memory.perFlow, left: memory.left - memoryReserve },
      `${megabytes(memory.left)} MB of memory, and ` +
        `${megabytes(flows * memory.perFlow + memoryReserve)} MB are needed: ${kilobytes} kB ` +
        `for each, and ${megabytes(memoryReserve)} MB that stay free`,
    ),
    limit(conntrack, `${conntrack.left} more tracked connections (net.netfilter.nf_conntrack_max)`),
  ];
}

/**
 * Goes on only where every limit leaves room.
 *
 * @throws {Failure} naming the narrowest, and how many flows it allows.
 */
export function requireRoom(flows: number, limits: readonly Limit[]): void {
  const narrowest = limits.reduce((a, b) => b.flows < a.flows ? b : a);
  if (flows <= narrowest.flows) return;
  throw new Failure(
    `portpin: Cannot hold ${flows} flows: there are ${narrowest.reason}; ` +
      `the largest --flows here is ${narrowest.flows}`,
    exitStatus.failed,
  );
}
