/**
 * Time, portpin against bare, interleaved in one run: rounds of four short blocks, each a process
 * of its own that times its cycles itself, so that start-up is in none. A cost is the median of the rounds'
 * ratios; CPU time, which leaves out what the machine does for others, is told beside it.
 */
import type { Benchmark, Context, Figure } from "./benchmark.ts";
import { type Kind, type Report, runCycles } from "./cycles.ts";
import { median, medianInterval, ratioOf, type Round } from "./statistics.ts";
import type { Variant, Variants } from "./variants.ts";

interface Row {
  readonly what: string;
  readonly kind: Kind;
  /** What is compared with bare. */
  readonly variant: keyof Variants;
  /** Cycles of a block, which takes a few milliseconds. */
  readonly count: number;
  readonly rounds: number;
  readonly budget?: number;
}

const connect = { kind: "tcp-connect", count: 300, rounds: 400 } as const;

const rows: readonly Row[] = [
  { what: "TCP connect, accept, close", variant: "portpin", budget: 1.03, ...connect },
  // The kernel itself is quicker with few ports (its tables stay in the processor's cache), which hides a part of
  // what portpin costs. Here it chooses among as many as it does bare.
  { what: "the same, ports 32768-60999", variant: "portpinWhole", ...connect },
  {
    what: "TCP bind(ip, 0), connect, accept, close",
    kind: "tcp-bind-connect",
    variant: "portpin",
    count: 300,
    rounds: 150,
  },
  {
    what: "UDP sendto, bound, and receive",
    kind: "udp-bound-sendto",
    variant: "portpin",
    count: 4_000,
    rounds: 150,
  },
  { what: "start of /bin/true", kind: "start", variant: "portpin", count: 20, rounds: 150 },
];

export const times: Benchmark = {
  name: "time",
  measures:
    "Time of one cycle, both ends in one process, on loopback; bare and portpin interleaved " +
    "(A B B A). The ratio is the median over all rounds, with the 95 % confidence interval of " +
    "that median.",
  unit: "µs per cycle",
  cost: "ratio",
  requires: [],
  async run(context) {
    const figures = [];
    for (const row of rows) figures.push(await timeRow(context, row));
    return figures;
  },
};

async function timeRow({ variants, progress }: Context, row: Row): Promise<Figure> {
  const rounds: (readonly [Report, Report, Report, Report])[] = [];
  for (let round = 1; round <= row.rounds; round++) {
    progress(`${row.what}: round ${round} of ${row.rounds}`);
    rounds.push(await runRound(row, variants.bare, variants[row.variant]));
  }
  return summarize(row, rounds);
}

async function runRound({ kind, count }: Row, a: Variant, b: Variant) {
  const block = (variant: Variant) => runCycles({ kind, count, variant });
  return [await block(a), await block(b), await block(b), await block(a)] as const;
}

function summarize(row: Row, reports: readonly (readonly [Report, Report, Report, Report])[]) {
  const clock = (name: "nanoseconds" | "cpuNanoseconds") =>
    reports.map((round) => round.map((report) => report[name]) as unknown as Round);
  const wall = clock("nanoseconds");
  const ratios = wall.map(ratioOf);
  const microseconds = (values: number[]) => median(values) / row.count / 1_000;
  return {
    what: row.what,
    measured: {
      bare: microseconds(wall.flatMap(([a1, _1, _2, a2]) => [a1, a2])),
      portpin: microseconds(wall.flatMap(([_1, b1, b2, _2]) => [b1, b2])),
    },
    cost: median(ratios),
    interval: medianInterval(ratios),
    budget: row.budget,
    // Of a start, the process that starts has no share in what it costs.
    detail: row.kind === "start" ? undefined : `CPU time ${described(clock("cpuNanoseconds"))}`,
  };
}

function described(rounds: readonly Round[]): string {
  const ratios = rounds.map(ratioOf);
  const [low, high] = medianInterval(ratios);
  return `${median(ratios).toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
}
