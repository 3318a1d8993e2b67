/**
 * System calls added, counted by strace and not timed.
 *
 * Two runs of different length give a slope, so that start-up is in neither. What happens less than
 * once in two hundred cycles is rounded away: portpin reads `ip_local_port_range` again at most
 * once a second (three system calls), which over these cycles is far less.
 */
import type { Benchmark, Context, Figure } from "./benchmark.ts";
import { type Kind, watchCycles } from "./cycles.ts";
import { addedCalls, type Calls, callsPerCycle, parseSummary, total } from "./strace.ts";
import type { Variant } from "./variants.ts";

interface Row {
  readonly what: string;
  readonly kind: Kind;
  /** Default: `portpin`. */
  readonly under?: "portpinSource" | "portpinRules";
  readonly budget?: number;
}

const rows: readonly Row[] = [
  { what: "TCP connect", kind: "tcp-connect", budget: 2 },
  { what: "TCP bind(ip, 0) and connect", kind: "tcp-bind-connect" },
  { what: "TCP bind(ip, port) and connect", kind: "tcp-explicit-bind-connect" },
  // The same process has bound its listener: so whether this socket is bound is asked, and the address read, which
  // are two more than the four of the case source-system-calls.
  { what: "TCP connect, with a source", kind: "tcp-connect", under: "portpinSource", budget: 6 },
  { what: "UDP connect, with a source", kind: "udp-connect", under: "portpinSource" },
  { what: "UDP sendto, bound, with a source", kind: "udp-bound-sendto", under: "portpinSource" },
  { what: "TCP connect, with 64 rules", kind: "tcp-connect", under: "portpinRules" },
  { what: "TCP listen without bind", kind: "tcp-listen" },
  { what: "UDP connect", kind: "udp-connect", budget: 2 },
  { what: "UDP bind(ip, 0)", kind: "udp-bind", budget: 2 },
  { what: "UDP sendto on a new socket", kind: "udp-sendto", budget: 2 },
  { what: "UDP sendmsg on a new socket", kind: "udp-sendmsg", budget: 2 },
  { what: "UDP sendmmsg on a new socket", kind: "udp-sendmmsg", budget: 2 },
  { what: "UDP send, connected", kind: "udp-connected-send", budget: 0 },
  { what: "UDP sendto, bound", kind: "udp-bound-sendto", budget: 0 },
  { what: "UDP sendmsg, bound", kind: "udp-bound-sendmsg", budget: 0 },
  { what: "UDP sendmmsg, bound", kind: "udp-bound-sendmmsg", budget: 0 },
  { what: "start of /bin/true", kind: "start" },
];

/** How many cycles the two runs make. */
export interface Lengths {
  readonly few: number;
  readonly many: number;
}

export const socketLengths: Lengths = { few: 100, many: 4_100 };
/** A start is a whole program, and reads the range at most once itself. */
const startLengths: Lengths = { few: 5, many: 55 };

export const systemCalls: Benchmark = {
  name: "system-calls",
  measures: "System calls of one cycle, both ends included: the slope between a short and a long " +
    "run under strace -f -c, rounded to two decimals for each call.",
  unit: "calls per cycle",
  cost: "added",
  requires: ["strace"],
  connects: true,
  async run(context) {
    const figures = [];
    for (const row of rows) {
      context.progress(row.what);
      const lengths = row.kind === "start" ? startLengths : socketLengths;
      figures.push(await countRow(context, row, lengths));
    }
    return figures;
  },
};

async function countRow({ variants }: Context, row: Row, lengths: Lengths): Promise<Figure> {
  const bare = await countCalls(row.kind, variants.bare, lengths);
  const portpin = await countCalls(row.kind, variants[row.under ?? "portpin"], lengths);
  const { cost, detail } = addedCalls(bare, portpin);
  return {
    what: row.what,
    measured: { bare: total(bare), portpin: total(portpin) },
    cost,
    budget: row.budget,
    detail,
  };
}

/** The system calls of one cycle of `kind`. */
export async function countCalls(kind: Kind, variant: Variant, lengths: Lengths): Promise<Calls> {
  const few = await countRun(kind, variant, lengths.few);
  const many = await countRun(kind, variant, lengths.many);
  return callsPerCycle(few, many, lengths.many - lengths.few);
}

function countRun(kind: Kind, variant: Variant, count: number): Promise<Calls> {
  return countedBy((watcher) => watchCycles({ kind, count, variant }, watcher));
}

/** All system calls of what `action` runs by the command that it is given, its children included. */
export async function countedBy(
  action: (watcher: readonly string[]) => Promise<unknown>,
): Promise<Calls> {
  const summary = await Deno.makeTempFile({ prefix: "portpin-strace-" });
  try {
    await action(["strace", "-f", "-c", "--summary-columns=calls,name", "-o", summary]);
    return parseSummary(await Deno.readTextFile(summary));
  } finally {
    await Deno.remove(summary);
  }
}
