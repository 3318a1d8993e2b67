/**
 * Instructions in user space, counted by callgrind: what portpin costs outside the kernel. Valgrind
 * counts where the processor's own counters cannot be read, as in most virtual machines, and always
 * alike.
 */
import { exitStatus, Failure } from "../../generator/failure.ts";
import { launch } from "../launch.ts";
import type { Benchmark, Context, Figure } from "./benchmark.ts";
import { type Kind, watchCycles } from "./cycles.ts";
import { environmentOf, type Variant } from "./variants.ts";

interface Row {
  readonly what: string;
  readonly kind: Kind;
  /** Default: `portpin`. */
  readonly under?: "portpinNoLog" | "portpinSource" | "portpinRules";
}

const rows: readonly Row[] = [
  { what: "TCP connect", kind: "tcp-connect" },
  { what: "TCP connect, without a log", kind: "tcp-connect", under: "portpinNoLog" },
  { what: "TCP bind(ip, 0) and connect", kind: "tcp-bind-connect" },
  { what: "TCP connect, with a source", kind: "tcp-connect", under: "portpinSource" },
  { what: "TCP connect, with 64 rules", kind: "tcp-connect", under: "portpinRules" },
  { what: "UDP sendto on a new socket", kind: "udp-sendto" },
  { what: "UDP send, connected", kind: "udp-connected-send" },
  { what: "UDP sendto, bound", kind: "udp-bound-sendto" },
];

const lengths = { few: 100, many: 1_100 };

export const instructions: Benchmark = {
  name: "instructions",
  measures:
    "Instructions in user space of one cycle, both ends included: the slope between a short " +
    "and a long run under valgrind --tool=callgrind. Of a start: the whole program.",
  unit: "instructions per cycle",
  cost: "added",
  requires: ["valgrind"],
  connects: true,
  async run(context) {
    const figures = [];
    for (const { what, kind, under } of rows) {
      context.progress(what);
      figures.push(await compare(context, what, (variant) => countCycle(kind, variant), under));
    }
    context.progress("start of /bin/true");
    figures.push(await compare(context, "start of /bin/true", countStart));
    return figures;
  },
};

async function compare(
  { variants }: Context,
  what: string,
  count: (variant: Variant) => Promise<number>,
  under: keyof typeof variants = "portpin",
): Promise<Figure> {
  const bare = await count(variants.bare);
  const portpin = await count(variants[under]);
  return { what, measured: { bare, portpin }, cost: portpin - bare };
}

async function countCycle(kind: Kind, variant: Variant): Promise<number> {
  const countRun = (count: number) =>
    withCallgrind((watcher) => watchCycles({ kind, count, variant }, watcher));
  const [few, many] = [await countRun(lengths.few), await countRun(lengths.many)];
  return Math.round((many - few) / (lengths.many - lengths.few));
}

function countStart(variant: Variant): Promise<number> {
  return withCallgrind(async (watcher) => {
    const argv = [...watcher, "/bin/true"];
    const { status, stderr } = await launch({ argv, environment: environmentOf(variant), cwd: "/" })
      .outcome;
    if (status === 0 && stderr === "") return;
    const reason = stderr.trimEnd() || `got ${status}`;
    throw new Failure(`portpin: Cannot measure /bin/true: ${reason}`, exitStatus.failed);
  });
}

/** Runs `action` with the command that counts; gives what it counted. */
async function withCallgrind(
  action: (watcher: readonly string[]) => Promise<unknown>,
): Promise<number> {
  const log = await Deno.makeTempFile({ prefix: "portpin-callgrind-" });
  try {
    const outputs = ["--callgrind-out-file=/dev/null", `--log-file=${log}`];
    await action(["valgrind", "--tool=callgrind", ...outputs]);
    return parseLog(await Deno.readTextFile(log));
  } finally {
    await Deno.remove(log);
  }
}

/** The number in callgrind's `Collected : 261804`. */
export function parseLog(text: string): number {
  const collected = /^==\d+== Collected : (\d+)$/m.exec(text)?.[1];
  if (collected === undefined) throw new Error(`Cannot read callgrind's log:\n${text}`);
  return Number(collected);
}
