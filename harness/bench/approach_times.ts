/**
 * Time of many short connections under each approach, in one thread and in eight at once: rounds that
 * run every approach once forwards and once backwards, so that whatever drifts evenly weighs the same
 * on all. A block is a process of its own that times itself.
 *
 * With one thread a block is worth its median connection: a neighbour that takes the processor now
 * and then is not heard. With eight it is worth the time of all together for each connection, because
 * what threads wait for one another is in no median where processors are fewer. That hears every
 * neighbour, so CPU time is told beside it: who waits for a lock sleeps and wakes, which costs it, too.
 */
import {
  type Approach,
  bareName,
  type Connections,
  makeApproaches,
  makeConnections,
  usableOf,
} from "./approaches.ts";
import type { Benchmark, Context, Figure } from "./benchmark.ts";
import { counted } from "../report/page/text.ts";
import { median, medianInterval, middleOf, ratiosOf } from "./statistics.ts";

interface Size {
  readonly threads: number;
  /** Connections of each thread in a block, which takes some ten milliseconds. */
  readonly count: number;
  readonly rounds: number;
}

const sizes: readonly Size[] = [
  { threads: 1, count: 500, rounds: 60 },
  { threads: 8, count: 250, rounds: 40 },
];

export const approaches: Benchmark = {
  name: "approaches",
  measures: "Time of one short connection (connect, accept, close), both ends in one thread, on " +
    "loopback, all approaches interleaved (A B C … C B A): the median of one thread's; of " +
    "8 threads at once what all took, divided by how many they were. The ratio is that to bare, " +
    "the median over all rounds, with the 95 % confidence interval of that median, and the " +
    "middle 80 % of the rounds; the detail is the same of the program's CPU time. All but " +
    "bare have 512 ports instead of 28,232: what that does by itself is the namespace's ratio.",
  unit: "µs per connection",
  cost: "ratio",
  requires: [],
  connects: true,
  async run(context) {
    const usable = await usableOf(makeApproaches(context.variants), context.leaveOut);
    const figures = [];
    for (const size of sizes) figures.push(...await timeAll(context, usable, size));
    return figures;
  },
};

async function timeAll(
  { progress }: Context,
  approaches: readonly Approach[],
  size: Size,
): Promise<Figure[]> {
  const blocks = new Map<Approach, Connections[]>(approaches.map((approach) => [approach, []]));
  for (let round = 1; round <= size.rounds; round++) {
    progress(`${threadsOf(size)}: round ${round} of ${size.rounds}`);
    for (const approach of [...approaches, ...approaches.toReversed()]) {
      blocks.get(approach)!.push(await makeConnections(approach, size.threads, size.count));
    }
  }
  const bare = blocks.get(approaches.find(({ name }) => name === bareName)!)!;
  return approaches.filter(({ name }) => name !== bareName).map((approach) =>
    figureOf(approach, size, bare, blocks.get(approach)!)
  );
}

function figureOf(
  { name, launcher }: Approach,
  size: Size,
  bare: readonly Connections[],
  blocks: readonly Connections[],
): Figure {
  const microseconds = (block: Connections) => worthOf(block, size);
  const ratios = ratiosOf(bare, blocks, microseconds);
  const cpu = ratiosOf(bare, blocks, ({ cpuNanoseconds }) => cpuNanoseconds);
  const [low, high] = medianInterval(cpu).map((end) => end.toFixed(3));
  const whose = launcher.length === 0 ? "" : ", without the supervisor's";
  return {
    what: `${name}, ${threadsOf(size)}`,
    measured: {
      bare: median(bare.map(microseconds)),
      approach: median(blocks.map(microseconds)),
    },
    cost: median(ratios),
    interval: medianInterval(ratios),
    middle: middleOf(ratios),
    detail: `CPU time ${median(cpu).toFixed(3)} (${low}–${high})${whose}`,
    spread: {
      bare: middleOf(bare.map(microseconds)),
      approach: middleOf(blocks.map(microseconds)),
    },
    approach: { name, threads: size.threads },
  };
}

/** Microseconds for each connection. */
function worthOf(
  { medianNanoseconds, allNanoseconds }: Connections,
  { threads, count }: Size,
): number {
  return (threads === 1 ? medianNanoseconds : allNanoseconds / (threads * count)) / 1_000;
}

function threadsOf({ threads }: Size): string {
  return counted(threads, "thread");
}
