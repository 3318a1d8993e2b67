/**
 * Which ports the engines choose where none is taken: how evenly, by a chi-squared test, and in which
 * order.
 *
 * The emulation starts anywhere, each time. The kernel does not: it starts at a secret number for
 * the pair of addresses and the destination port, and goes up from there by a random step of 1 to 8
 * ports each time (`__inet_hash_connect()`; every port is used from Linux 6.8 on, 207184853dbd). So
 * to one destination it goes round the set: more evenly than chance would, but for the round that is
 * not complete, and each port is close to the one before.
 */
import type { PortRange } from "../../generator/ports.ts";
import { inFreshNamespace } from "../namespace.ts";
import type { Benchmark, Choice, Context, Figure } from "./benchmark.ts";
import { noTimeWait } from "./cycles.ts";
import { type Engine, portRanges, Prober, tcp } from "./occupancy.ts";
import { chiSquaredOf } from "./statistics.ts";

const connects = 65_536;
const firstOnes = 128;

/** As many as the smaller set has ports, so that even and odd ones are told apart there. */
const binCount = 512;

/**
 * With 511 degrees of freedom a chi-squared of more than 1.326 for each has a probability of one in
 * a million (the quantile is 677.6).
 */
const budget = 1.326;

export const portChoice: Benchmark = {
  name: "port-choice",
  measures: `The ports of ${connects.toLocaleString("en-US")} connects, closed at once, in ` +
    `${binCount} bins. The number is chi-squared against equal chances for each degree of ` +
    "freedom: 1 is what chance does, less is more even; p is how probable as much or more is by " +
    "chance.",
  unit: "chi-squared per degree of freedom",
  cost: "total",
  requires: [],
  connects: true,
  async run(context) {
    const figures = [];
    for (const range of portRanges) {
      for (const destinations of ["one", "many"] as const) {
        for (const engine of ["kernel", "emulation"] as const) {
          figures.push(await figureOf(context, engine, range, destinations));
        }
      }
    }
    return figures;
  },
};

async function figureOf(
  { variants, progress }: Context,
  engine: Engine,
  range: PortRange,
  destinations: Choice["destinations"],
): Promise<Figure> {
  const size = (range.high - range.low + 1).toLocaleString("en-US");
  const what = `${engine}, ${size} ports, ${destinations} destination${
    destinations === "one" ? "" : "s"
  }`;
  progress(what);
  const ports = await inFreshNamespace(noTimeWait, async () => {
    await using prober = new Prober({ variants, contest: tcp, engine, range });
    return await prober.choose(connects, destinations);
  });
  const choice = choiceOf(engine, range, destinations, ports);
  const { chiSquared, degreesOfFreedom, probability } = choice;
  return {
    what,
    measured: {},
    cost: chiSquared / degreesOfFreedom,
    budget: engine === "emulation" ? budget : undefined,
    detail: `chi-squared ${chiSquared.toFixed(1)}, ${degreesOfFreedom} degrees of freedom, ` +
      `p ${probability.toPrecision(2)}`,
    choice,
  };
}

/** Counts ports in bins, and tests the counts. */
export function choiceOf(
  engine: Engine,
  { low, high }: PortRange,
  destinations: Choice["destinations"],
  ports: readonly number[],
): Choice {
  const size = high - low + 1;
  const binOf = (port: number) => Math.floor((port - low) * binCount / size);
  const [counts, widths] = [new Array(binCount).fill(0), new Array(binCount).fill(0)];
  for (let port = low; port <= high; port++) widths[binOf(port)]++;
  for (const port of ports) counts[binOf(port)]++;
  const expected = widths.map((width) => width / size * ports.length);
  return {
    engine,
    low,
    high,
    destinations,
    counts,
    first: ports.slice(0, firstOnes),
    ...chiSquaredOf(counts, expected),
  };
}
