/**
 * System calls of one connect where a part of the ports is taken: counted by strace between two
 * marks that the program makes, one count for each connect, and of those the median. Portpin's reading
 * of `ip_local_port_range`, once a second, is three calls more: they are in the median only where
 * under strace a connect takes about a second itself, in the larger set when it is full.
 *
 * Bound: an emulated TCP connect makes at most 3 system calls a port and 64 besides. A port costs a
 * look-up by sock_diag(7), which is two, and where its 4-tuple is free a bind(2), which fails where
 * the kernel has locked the port. Before that come 32 exclusive binds at most; the rest is asking and
 * setting the socket's options, the route, and the guest's own connect.
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
import { median, middleOf } from "./statistics.ts";
import { callsBetween } from "./strace.ts";

export const occupancyCalls: Benchmark = {
  name: "occupancy-calls",
  measures:
    "System calls from socket(2) to the end of connect(2), TCP, with strace: the median of " +
    "many connects. Ports taken by the engine's own connections to the same destination, unless " +
    "it says otherwise. Added is the emulation's over the kernel engine's; the detail is its " +
    "middle 80 %.",
  ...callsOf(tcp),
};

export const udpCalls: Benchmark = {
  name: "udp-calls",
  measures:
    "System calls from socket(2) to the end of connect(2), UDP, with strace: the median of " +
    "many connects. Ports taken by the engine's own flows to the same destination, unless it says " +
    "otherwise. Shared is with udpShare, the others have a port for each flow. Added is what " +
    "shared has over the kernel engine; the detail is its middle 80 %.",
  ...callsOf(udp),
};

function callsOf(contest: Contest): Omit<Benchmark, "name" | "measures"> {
  return {
    unit: "calls per connect",
    cost: "added",
    requires: ["strace"],
    connects: true,
    async run(context) {
      const figures = [];
      for (const range of portRanges) figures.push(...await countIn(context, contest, range));
      return figures;
    },
  };
}

/** The counts of single connects: of an engine, at a place. */
type Counts = Map<Engine, Map<Place, number[]>>;

async function countIn(
  { variants, progress }: Context,
  contest: Contest,
  range: PortRange,
): Promise<Figure[]> {
  const places = placesOf(contest, range);
  const counts: Counts = new Map(contest.engines.map((engine) => [engine, new Map()]));
  for (const crowd of contest.engines) {
    progress(`${range.low}-${range.high}, taken by ${crowd}`);
    await inFreshNamespace(
      contest.settings,
      () => countAmong({ variants, contest, engine: crowd, range }, places, counts),
    );
  }
  return places.map((place) => {
    const of = (engine: Engine) => counts.get(engine)!.get(place)!;
    const all = Object.fromEntries(contest.engines.map((engine) => [engine, of(engine)]));
    return figureOf(contest, place, all);
  });
}

/** Every engine that meets this crowd, at every place where it does. */
async function countAmong(crowd: Actor, places: readonly Place[], counts: Counts): Promise<void> {
  await using holder = new Holder(crowd);
  // The fewest first: a port that is taken stays taken.
  for (const place of places.toSorted((a, b) => a.occupancy - b.occupancy)) {
    for (const engine of crowd.contest.engines) {
      if (crowdAt(place, engine) !== crowd.engine) continue;
      await holder.take(takenAt(place));
      counts.get(engine)!.set(place, await countConnects({ ...crowd, engine }, place));
    }
  }
}

/** A search finds the same port each time; and where all are taken each is looked at, every time. */
function connectsAt({ occupancy }: Place, engine: Engine): number {
  return engine === "search" || occupancy === 1 ? 3 : 101;
}

/** The system calls of each of many connects. */
export async function countConnects(actor: Actor, place: Place): Promise<number[]> {
  const trace = await Deno.makeTempFile({ prefix: "portpin-strace-" });
  try {
    const count = connectsAt(place, actor.engine);
    const watcher = ["strace", "-qq", "-e", "raw=all", "-e", "signal=none", "-o", trace];
    {
      await using prober = new Prober(actor, watcher);
      await prober.connect(place, count);
    }
    const counts = callsBetween("getppid", await Deno.readTextFile(trace));
    if (counts.length !== count) {
      throw new Error(`strace saw ${counts.length} of ${count} connects`);
    }
    return counts;
  } finally {
    await Deno.remove(trace);
  }
}

function figureOf(
  { transport, subject }: Contest,
  place: Place,
  counts: Record<string, number[]>,
): Figure {
  const measured = Object.fromEntries(
    Object.entries(counts).map(([engine, values]) => [engine, median(values)]),
  );
  const spread = Object.fromEntries(
    Object.entries(counts).map(([engine, values]) => [engine, middleOf(values)]),
  );
  const [low, high] = spread[subject].map((calls) => calls.toLocaleString("en-US"));
  return {
    what: describePlace(place),
    measured,
    cost: measured[subject] - measured.kernel,
    budget: transport === "tcp" ? budgetAt(place) : undefined,
    detail: low === high ? "" : `${subject} ${low}–${high}`,
    spread,
    at: place,
  };
}

/** The most that TCP's emulation may need over the kernel engine. */
export function budgetAt({ ports, occupancy }: Place): number | undefined {
  if (occupancy <= 0.5) return 8;
  if (occupancy <= 0.9) return 20;
  return occupancy === 1 ? 3 * ports + 64 : undefined;
}
