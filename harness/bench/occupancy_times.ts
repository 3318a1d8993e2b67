/**
 * Time of one connect where a part of the ports is taken, as a ratio to the kernel engine. The
 * crowds stay up side by side, and their probers take turns in rounds (K E S S E K), each with
 * a short block of connects; a block is worth its median connect, and a cost is the median of the
 * rounds' ratios.
 */
import type { PortRange } from "../../generator/ports.ts";
import { inFreshNamespace } from "../namespace.ts";
import type { Benchmark, Context, Figure, Place } from "./benchmark.ts";
import {
  type Actor,
  type Contest,
  crowdAt,
  describePlace,
  type Engine,
  Holder,
  placesOf,
  portRanges,
  Prober,
  takenAt,
  tcp,
  udp,
} from "./occupancy.ts";
import { median, medianInterval, middleOf, ratiosOf } from "./statistics.ts";

const rounds = 25;

export const occupancyTimes: Benchmark = {
  name: "occupancy-time",
  measures: "Time from socket(2) to the end of connect(2), TCP, on loopback, the three engines " +
    "interleaved (K E S S E K). The ratio is the emulation to the kernel engine, the median over " +
    "all rounds, with the 95 % confidence interval of that median; the detail is the same of the " +
    "search, and the middle 80 % of all single connects.",
  ...timesOf(tcp),
};

export const udpTimes: Benchmark = {
  name: "udp-time",
  measures: "Time from socket(2) to the end of connect(2), UDP, on loopback, the four engines " +
    "interleaved (K U E S S E U K). The ratio is shared (udpShare) to the kernel engine, the median " +
    "over all rounds, with the 95 % confidence interval of that median; the detail is the same of " +
    "the others, and the middle 80 % of all single connects.",
  ...timesOf(udp),
};

function timesOf(contest: Contest): Omit<Benchmark, "name" | "measures"> {
  return {
    unit: "µs per connect",
    cost: "ratio",
    requires: [],
    connects: true,
    async run(context) {
      const figures = [];
      for (const range of portRanges) figures.push(...await timeIn(context, contest, range));
      return figures;
    },
  };
}

/** A crowd, and the engines that probe in it. */
interface Stage {
  readonly holder: Holder;
  readonly probers: ReadonlyMap<Engine, Prober>;
}

/** Whoever probes in this crowd at any place. */
function startStage(crowd: Actor, places: readonly Place[]): Promise<Stage> {
  const probing = crowd.contest.engines.filter((engine) =>
    places.some((place) => crowdAt(place, engine) === crowd.engine)
  );
  return inFreshNamespace(crowd.contest.settings, () =>
    Promise.resolve({
      holder: new Holder(crowd),
      probers: new Map(probing.map((engine) => [engine, new Prober({ ...crowd, engine })])),
    }));
}

async function timeIn(
  { variants, progress }: Context,
  contest: Contest,
  range: PortRange,
): Promise<Figure[]> {
  await using running = new AsyncDisposableStack();
  const places = placesOf(contest, range);
  const stages = new Map<Engine, Stage>();
  for (const engine of contest.engines) {
    const stage = await startStage({ variants, contest, engine, range }, places);
    for (const each of [stage.holder, ...stage.probers.values()]) running.use(each);
    stages.set(engine, stage);
  }
  const figures = new Map<Place, Figure>();
  // The fewest first: a port that is taken stays taken.
  for (const place of places.toSorted((a, b) => a.occupancy - b.occupancy)) {
    progress(describePlace(place));
    for (const { holder } of stages.values()) await holder.take(takenAt(place));
    figures.set(place, await timeAt(contest, place, stages));
  }
  return places.map((place) => figures.get(place)!);
}

/**
 * Connects of a block: so many that it looks at some two thousand ports, but no more than 40. The
 * first one after a turn of the others is slow; where a block has only one, that one is so long that
 * this does not matter.
 */
function connectsAt(place: Place, engine: Engine): number {
  return Math.min(40, Math.max(1, Math.round(2_000 / portsLookedAt(place, engine))));
}

/** How many ports a connect is expected to look at. */
function portsLookedAt(place: Place, engine: Engine): number {
  const { ports, occupancy, crowd } = place;
  if (occupancy === 1) return ports;
  return engine === "search" && crowd === "own" ? takenAt(place) + 1 : 1 / (1 - occupancy);
}

async function timeAt(
  contest: Contest,
  place: Place,
  stages: ReadonlyMap<Engine, Stage>,
): Promise<Figure> {
  const block = (engine: Engine) =>
    stages.get(crowdAt(place, engine))!.probers.get(engine)!
      .connect(place, connectsAt(place, engine));
  const blocks = new Map<Engine, number[][]>(contest.engines.map((engine) => [engine, []]));
  for (let round = 0; round < rounds; round++) {
    for (const engine of [...contest.engines, ...contest.engines.toReversed()]) {
      blocks.get(engine)!.push(await block(engine));
    }
  }
  return figureOf(contest, place, blocks);
}

function figureOf(
  { engines, subject }: Contest,
  place: Place,
  blocks: ReadonlyMap<Engine, number[][]>,
): Figure {
  const ratiosTo = (engine: Engine) => ratiosOf(blocks.get("kernel")!, blocks.get(engine)!, median);
  const others = engines.filter((engine) => engine !== "kernel" && engine !== subject).map((
    engine,
  ) =>
    `${engine} ${number(median(ratiosTo(engine)), 2)} ` +
    `(${described(medianInterval(ratiosTo(engine)), 2)})`
  );
  const connects = (engine: Engine) => blocks.get(engine)!.flat().map((taken) => taken / 1_000);
  const spread = Object.fromEntries(engines.map((engine) => [engine, middleOf(connects(engine))]));
  const middles = engines.map((engine) => `${engine} ${described(spread[engine], 1)} µs`);
  return {
    what: describePlace(place),
    measured: Object.fromEntries(engines.map((engine) => [engine, median(connects(engine))])),
    cost: median(ratiosTo(subject)),
    interval: medianInterval(ratiosTo(subject)),
    detail: `${others.join(", ")}; ${middles.join(", ")}`,
    spread,
    at: place,
  };
}

function described(interval: readonly number[], digits: number): string {
  return interval.map((end) => number(end, digits)).join("–");
}

function number(value: number, digits: number): string {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
