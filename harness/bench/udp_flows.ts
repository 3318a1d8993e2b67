/**
 * How many UDP flows a set of ports carries, and what processes lose to each other that race for the
 * last of them: fixtures/programs/bench/udp_flows.c. Every flow must hear itself, and the destinations
 * must see as many 4-tuples as there are flows, from the ports alone.
 *
 * N ports are N flows, to however many destinations; with `udpShare`, N to each.
 */
import { join } from "node:path";
import { z } from "zod";
import { exitStatus, Failure } from "../../generator/failure.ts";
import type { PortRange } from "../../generator/ports.ts";
import { launch } from "../launch.ts";
import { dist } from "../library.ts";
import { inFreshNamespace } from "../namespace.ts";
import { counted, grouped } from "../report/page/text.ts";
import type { Benchmark, Figure } from "./benchmark.ts";
import { type Engine, variantOf } from "./occupancy.ts";
import { environmentOf, type Variants } from "./variants.ts";

/** `bare`: in a network namespace whose `ip_local_port_range` is the ports. */
type Keeper = Exclude<Engine, "search"> | "bare";

const keepers: readonly Keeper[] = ["bare", "kernel", "emulation", "shared"];

interface Reach {
  readonly keeper: Keeper;
  readonly ports: number;
  readonly destinations: number;
}

const reaches: readonly Reach[] = [
  ...keepers.map((keeper) => ({ keeper, ports: 512, destinations: 4 })),
  { keeper: "shared", ports: 512, destinations: 8 },
];

export const udpFlows: Benchmark = {
  name: "udp-flows",
  measures:
    "UDP flows open at once, by sockets that connect to each destination in turn until all " +
    "refuse. Each hears its own datagram, and no two have one 4-tuple. Shared is with udpShare; " +
    "bare is in a namespace whose ip_local_port_range is the ports.",
  unit: "flows",
  cost: "total",
  requires: [],
  connects: true,
  async run({ variants, progress }) {
    const figures = [];
    for (const reach of reaches) {
      const { keeper, ports, destinations } = reach;
      progress(keeper);
      const cost = await reachFlows(variants, reach);
      figures.push({ what: keeper, measured: { ports, destinations }, cost });
    }
    return figures;
  },
};

interface Race extends Reach {
  /** Flows that are left when the race begins. */
  readonly free: number;
  /** How often it is run. */
  readonly rounds: number;
}

const processes = 8;

const races: readonly Race[] = [
  { keeper: "kernel", ports: 512, destinations: 1, free: 64, rounds: 20 },
  { keeper: "emulation", ports: 512, destinations: 1, free: 64, rounds: 20 },
  { keeper: "shared", ports: 512, destinations: 1, free: 64, rounds: 20 },
  { keeper: "shared", ports: 512, destinations: 4, free: 64, rounds: 20 },
  { keeper: "shared", ports: 8, destinations: 3, free: 24, rounds: 60 },
  { keeper: "shared", ports: 1, destinations: 8, free: 8, rounds: 60 },
];

export const udpRaces: Benchmark = {
  name: "udp-races",
  measures:
    `${processes} processes race for the last free UDP flows, each again and again with a ` +
    "new socket until none is free. Lost: a connect that found none (EAGAIN) for certain because " +
    "of another one at the same time; it left its socket as it was, to be tried again. Late: " +
    "one that found none, perhaps because none was free any more. The number is how many are lost " +
    "for 100 flows won.",
  unit: "lost connects for 100 flows",
  cost: "total",
  requires: [],
  connects: true,
  async run({ variants, progress }) {
    const figures = [];
    for (const race of races) {
      progress(describe(race));
      const outcomes = [];
      for (let i = 0; i < race.rounds; i++) outcomes.push(await runRace(variants, race));
      figures.push(figureOf(race, outcomes));
    }
    return figures;
  },
};

function describe({ keeper, ports, destinations, free }: Race): string {
  const flows = ports * destinations;
  const which = free === flows ? "all" : `the last ${free} of`;
  return `${keeper}: ${which} ${grouped(flows)} flows, ` +
    `${counted(ports, "port")} to ${counted(destinations, "destination")}`;
}

/** Sums up races of one kind. */
export function figureOf(race: Race, outcomes: readonly RaceOutcome[]): Figure {
  const sum = (name: keyof RaceOutcome) => outcomes.reduce((all, each) => all + each[name], 0);
  const [won, lost] = [outcomes.length * race.free, sum("lost")];
  // After each race every process is refused by each destination once.
  const after = outcomes.length * processes * race.destinations;
  const [attempts, late] = [sum("attempts") - after, sum("exhausted") - after];
  return {
    what: describe(race),
    measured: { races: outcomes.length, attempts, won, lost, late },
    cost: lost / won * 100,
  };
}

const Flows = z.object({
  /** Those that heard themselves. */
  flows: z.number(),
  /** Different 4-tuples that the destinations saw. */
  distinct: z.number(),
  /** Source ports, in host byte order, that the destinations saw. */
  lowestPort: z.number(),
  highestPort: z.number(),
});

const Raced = Flows.extend({ attempts: z.number(), lost: z.number(), exhausted: z.number() });

/** What became of one race. */
export type RaceOutcome = z.infer<typeof Raced>;

/**
 * Opens as many flows as there can be; how many.
 *
 * @throws {Failure} when they are not as many as there must be, or not from the ports.
 */
export async function reachFlows(variants: Variants, reach: Reach): Promise<number> {
  const { keeper, ports, destinations } = reach;
  const words = ["reach", `${ports}`, `${destinations}`];
  const { flows } = await run(variants, reach, words, Flows);
  expectFlows(flows, keeper === "shared" ? ports * destinations : ports, keeper);
  return flows;
}

/**
 * Runs one race.
 *
 * @throws {Failure} when not all flows are open in the end, or not from the ports.
 */
export async function runRace(
  variants: Variants,
  race: Omit<Race, "rounds">,
): Promise<RaceOutcome> {
  const { keeper, ports, destinations, free } = race;
  const words = ["race", `${ports}`, `${destinations}`, `${processes}`, `${free}`];
  const outcome = await run(variants, race, words, Raced);
  expectFlows(outcome.flows, ports * destinations, keeper);
  return outcome;
}

const low = 60_000;

async function run<T extends typeof Flows>(
  variants: Variants,
  { keeper, ports }: Reach,
  words: readonly string[],
  schema: T,
): Promise<z.infer<T>> {
  const range = { low, high: low + ports - 1 };
  const { environment, settings } = keeping(variants, keeper, range);
  const argv = [join(dist, "programs", "native", "udp_flows"), ...words];
  const { status, stdout, stderr } = await inFreshNamespace(
    settings,
    () => launch({ argv, environment, cwd: "/" }).outcome,
  );
  // The dynamic linker goes on without a library that it cannot load, and says so.
  if (status !== 0 || stderr !== "") throw unmeasurable(stderr.trimEnd() || `got ${status}`);
  const outcome = schema.parse(JSON.parse(stdout));
  const { flows, distinct, lowestPort, highestPort } = outcome;
  if (distinct !== flows) throw unmeasurable(`${flows} flows had ${distinct} different 4-tuples`);
  if (lowestPort < range.low || highestPort > range.high) {
    const expected = `${range.low}-${range.high}`;
    throw unmeasurable(`the source ports were ${lowestPort}-${highestPort}, not ${expected}`);
  }
  return outcome;
}

function keeping(variants: Variants, keeper: Keeper, range: PortRange) {
  if (keeper !== "bare") {
    return { environment: environmentOf(variantOf(keeper, range, variants)), settings: {} };
  }
  const settings = { "net.ipv4.ip_local_port_range": `${range.low} ${range.high}` };
  return { environment: environmentOf(variants.bare), settings };
}

function expectFlows(flows: number, expected: number, keeper: Keeper): void {
  if (flows !== expected) throw unmeasurable(`${keeper} had ${flows} flows, not ${expected}`);
}

function unmeasurable(reason: string): Failure {
  return new Failure(`portpin: Cannot measure UDP flows: ${reason}`, exitStatus.failed);
}
