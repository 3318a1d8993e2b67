/**
 * Time, portpin against bare, interleaved in one run: rounds of four short blocks, each a process
 * of its own that times its cycles itself, so that start-up is in none. A block is worth its median
 * cycle, and a cost is the median of the rounds' ratios; so a neighbour that takes the processor
 * now and then is heard in neither. CPU time, of all cycles together, is told beside it.
 */
import type { Benchmark, Context, Figure } from "./benchmark.ts";
import { type Kind, timeCycles, type Times } from "./cycles.ts";
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

const connect = { kind: "tcp-connect", count: 300 } as const;

const rows: readonly Row[] = [
  {
    what: "TCP connect, accept, close",
    variant: "portpin",
    rounds: 300,
    budget: 1.03,
    ...connect,
  },
  // Bare too, a connect is quicker with 512 ports than with 28,232 (by 1.7 %, measured with
  // ip_local_port_range), which hides a part of what portpin costs. Here both choose among as many.
  { what: "the same, ports 32768-60999", variant: "portpinWhole", rounds: 150, ...connect },
  {
    what: "TCP bind(ip, 0), connect, accept, close",
    kind: "tcp-bind-connect",
    variant: "portpin",
    count: 300,
    rounds: 100,
  },
  {
    what: "UDP sendto, bound, and receive",
    kind: "udp-bound-sendto",
    variant: "portpin",
    count: 4_000,
    rounds: 100,
  },
  { what: "start of /bin/true", kind: "start", variant: "portpin", count: 20, rounds: 100 },
];

export const times: Benchmark = {
  name: "time",
  measures: "Time of the median cycle, both ends in one process, on loopback; bare and portpin " +
    "interleaved (A B B A). The ratio is the median over all rounds, with the 95 % confidence " +
    "interval of that median; the detail is the same of CPU time.",
  unit: "µs per cycle",
  cost: "ratio",
  requires: [],
  connects: true,
  async run(context) {
    const figures = [];
    for (const row of rows) figures.push(await timeRow(context, row));
    return figures;
  },
};

async function timeRow({ variants, progress }: Context, row: Row): Promise<Figure> {
  const { kind, count } = row;
  const block = (variant: Variant) => timeCycles({ kind, count, variant });
  const [a, b] = [variants.bare, variants[row.variant]];
  const rounds: Round<Times>[] = [];
  for (let round = 1; round <= row.rounds; round++) {
    progress(`${row.what}: round ${round} of ${row.rounds}`);
    rounds.push([await block(a), await block(b), await block(b), await block(a)]);
  }
  return summarize(row, rounds);
}

function summarize(row: Row, rounds: readonly Round<Times>[]): Figure {
  const wall = rounds.map((round) => ratioOf(round, (times) => times.median));
  const cpu = rounds.map((round) => ratioOf(round, (times) => times.cpu));
  const microseconds = (blocks: Times[]) => median(blocks.map((block) => block.median)) / 1_000;
  return {
    what: row.what,
    measured: {
      bare: microseconds(rounds.flatMap(([a1, _b1, _b2, a2]) => [a1, a2])),
      portpin: microseconds(rounds.flatMap(([_a1, b1, b2]) => [b1, b2])),
    },
    cost: median(wall),
    interval: medianInterval(wall),
    budget: row.budget,
    // The process that starts another has no share in what that start costs.
    detail: row.kind === "start" ? undefined : `CPU time ${described(cpu)}`,
  };
}

function described(ratios: readonly number[]): string {
  const [low, high] = medianInterval(ratios);
  return `${median(ratios).toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
}
