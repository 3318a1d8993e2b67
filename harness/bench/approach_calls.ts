/**
 * System calls of one short connection under each approach, counted by strace: those of whoever keeps
 * the ports for the program, too.
 */
import {
  type Approach,
  bareName,
  makeApproaches,
  makeConnections,
  usableOf,
} from "./approaches.ts";
import type { Benchmark } from "./benchmark.ts";
import { addedCalls, type Calls, callsPerCycle, total } from "./strace.ts";
import { countedBy, socketLengths } from "./system_calls.ts";

export const approachCalls: Benchmark = {
  name: "approach-calls",
  measures:
    "System calls of one short connection (connect, accept, close), both ends and whoever " +
    "keeps the ports included: the slope between a short and a long run under strace -f -c. The " +
    "search finds its first port free, which is its best case.",
  unit: "calls per connection",
  cost: "added",
  requires: ["strace"],
  connects: true,
  async run({ variants, progress, leaveOut }) {
    const counted = new Map<string, Calls>();
    for (const approach of await usableOf(makeApproaches(variants), leaveOut)) {
      progress(approach.name);
      counted.set(approach.name, await countConnection(approach));
    }
    const bare = counted.get(bareName)!;
    return Array.from(counted, ([name, calls]) => ({
      what: name,
      measured: { bare: total(bare), approach: total(calls) },
      ...addedCalls(bare, calls),
      approach: { name, threads: 1 },
    }));
  },
};

/** The system calls of one connection. */
export async function countConnection(approach: Approach): Promise<Calls> {
  const { few, many } = socketLengths;
  const countRun = (count: number) =>
    countedBy((watcher) => makeConnections(approach, 1, count, watcher));
  return callsPerCycle(await countRun(few), await countRun(many), many - few);
}
