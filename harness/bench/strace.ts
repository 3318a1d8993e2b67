/** What strace counted, as numbers: its summary, and what two summaries say of one cycle. Pure. */

/** How many system calls of each name. */
export type Calls = ReadonlyMap<string, number>;

/** Reads what `strace -c --summary-columns=calls,name` writes. */
export function parseSummary(text: string): Calls {
  const lines = text.matchAll(/^ *(\d+) (\w+)$/gm);
  const calls = Array.from(lines, ([, count, name]) => [name, Number(count)] as const);
  const counted = new Map(calls.filter(([name]) => name !== "total"));
  const expected = calls.find(([name]) => name === "total")?.[1];
  if (expected !== total(counted)) throw new Error(`Cannot read strace's summary:\n${text}`);
  return counted;
}

/**
 * The calls of one cycle, from a run that made `cycles` cycles more than another. Rounded to two
 * decimals; a name that comes to nothing is left out.
 */
export function callsPerCycle(few: Calls, many: Calls, cycles: number): Calls {
  const names = new Set([...few.keys(), ...many.keys()]);
  const slopes = Array.from(names, (name) => {
    const more = (many.get(name) ?? 0) - (few.get(name) ?? 0);
    return [name, rounded(more / cycles)] as const;
  });
  return new Map(slopes.filter(([, calls]) => calls !== 0));
}

/**
 * Counts the calls between each first and second call of `mark` in what `strace -qq` wrote of one
 * process without threads: a number for each pair, in their order.
 */
export function callsBetween(mark: string, trace: string): number[] {
  const counts: number[] = [];
  let count: number | undefined;
  for (const [, name] of trace.matchAll(/^(\w+)\(/gm)) {
    if (name !== mark) {
      if (count !== undefined) count++;
    } else if (count === undefined) count = 0;
    else {
      counts.push(count);
      count = undefined;
    }
  }
  if (count !== undefined) {
    throw new Error(`Cannot read strace's output: a ${mark} lacks its other`);
  }
  return counts;
}

/** How many calls `to` has more than `from`, and which: `+1 getsockopt, +1 setsockopt`. */
export function addedCalls(from: Calls, to: Calls): { cost: number; detail: string } {
  const names = [...new Set([...from.keys(), ...to.keys()])].sort();
  const added = names
    .map((name) => [name, rounded((to.get(name) ?? 0) - (from.get(name) ?? 0))] as const)
    .filter(([, calls]) => calls !== 0);
  return {
    cost: total(new Map(added)),
    detail: added.map(([name, calls]) => `${calls > 0 ? "+" : "−"}${Math.abs(calls)} ${name}`)
      .join(", "),
  };
}

export function total(calls: Calls): number {
  return rounded(calls.values().reduce((sum, count) => sum + count, 0));
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
