/**
 * One TCP connect where a part of the ports is taken, by fixtures/programs/bench/occupancy.c.
 *
 * Three engines are compared: the kernel's, the emulation, and the search that programs made before
 * either, bind(2) from the low port upwards. Whose connections take the ports matters:
 *
 * - The kernel engine meets ports that the kernel chose, by it or for programs that nobody pins.
 *   They carry a connection to each destination.
 * - The emulation meets ports of its own: where it is needed the kernel lacks the option, so all
 *   guests have it. They too carry a connection to each destination, because it leaves them
 *   joinable; with the same destination it must pass them by. Where programs that nobody pins choose
 *   from the same ports it meets those of the kernel's choice as well: the kernel locks them, so it
 *   cannot join them for any destination. That is its worst case.
 * - The search meets its own: the lowest ones, without a gap, since it always takes the lowest that
 *   is free. Among those of the kernel's choice it finds a gap sooner or later, always the same: its
 *   number there is one draw of a lottery.
 *
 * A *crowd* is a network namespace where connections to one destination, of one engine's making, take
 * ports; every engine has its own, so that none meets another's. Who connects there is a *prober*.
 */
import { join } from "node:path";
import { z } from "zod";
import { exitStatus, Failure } from "../../generator/failure.ts";
import type { PortRange } from "../../generator/ports.ts";
import { dist } from "../library.ts";
import type { Place } from "./benchmark.ts";
import { Conversation } from "./conversation.ts";
import { environmentOf, type Variant, type Variants } from "./variants.ts";

export const engines = ["kernel", "emulation", "search"] as const;
export type Engine = typeof engines[number];

/** A slice as the documentation uses it, and all that the kernel would choose from anyway. */
export const portRanges: readonly PortRange[] = [
  { low: 60000, high: 60511 },
  { low: 32768, high: 60999 },
];

const occupancies = [0, 0.5, 0.9, 0.99, 1];

/** Every place in `ports`, from few taken ports to all. Where none is taken all crowds are alike. */
export function placesIn({ low, high }: PortRange): Place[] {
  const ports = high - low + 1;
  const crowds = ["own", "kernel's"] as const;
  const destinations = ["same", "another"] as const;
  const places = crowds.flatMap((crowd) =>
    destinations.flatMap((destination) =>
      occupancies.map((occupancy) => ({ ports, occupancy, crowd, destination }))
    )
  );
  return places.filter(({ occupancy, crowd, destination }) =>
    occupancy > 0 || crowd === "own" && destination === "same"
  );
}

/** `50 % of 512 ports taken, by the kernel's choice, for another destination` */
export function describePlace({ ports, occupancy, crowd, destination }: Place): string {
  return [
    `${Math.round(occupancy * 100)} % of ${ports.toLocaleString("en-US")} ports taken`,
    crowd === "own" ? "" : ", by the kernel's choice",
    destination === "same" ? "" : ", for another destination",
  ].join("");
}

/** Whose crowd an engine meets at a place. */
export function crowdAt({ crowd }: Place, engine: Engine): Engine {
  return crowd === "own" ? engine : "kernel";
}

/** How many connections are at a place. */
export function takenAt({ ports, occupancy }: Place): number {
  return Math.round(ports * occupancy);
}

/**
 * Whether a connect must fail with EADDRNOTAVAIL. A full set still serves another destination where
 * its ports can be shared: by the kernel those of its choice, by the emulation its own.
 */
export function mustFail(place: Place, engine: Engine): boolean {
  if (takenAt(place) < place.ports) return false;
  const shares = engine !== "search" && crowdAt(place, engine) === engine;
  return place.destination === "same" || !shares;
}

const Held = z.strictObject({ lowestPort: z.number(), highestPort: z.number() });

const Probed = z.strictObject({
  nanoseconds: z.array(z.number().positive()),
  /** Source ports as the other end saw them; 0: none was left. */
  ports: z.array(z.number()),
});

/** Takes ports: so many, and keeps them until it is disposed of. */
export class Holder implements AsyncDisposable {
  readonly #range: PortRange;
  readonly #conversation: Conversation;
  #held = 0;

  constructor(variants: Variants, engine: Engine, range: PortRange) {
    this.#range = range;
    this.#conversation = converse(variants, engine, range, "hold", []);
  }

  /** @throws {Failure} when the ports are not taken, or others are. */
  async take(count: number): Promise<void> {
    if (count <= this.#held) return;
    const span = await this.#conversation.ask(Held, `${count - this.#held}`);
    this.#held = count;
    checkPorts(this.#range, [span.lowestPort, span.highestPort]);
  }

  [Symbol.asyncDispose]() {
    return this.#conversation[Symbol.asyncDispose]();
  }
}

/** Connects, and closes at once. */
export class Prober implements AsyncDisposable {
  readonly #range: PortRange;
  readonly #engine: Engine;
  readonly #conversation: Conversation;

  /** With a `watcher`, a command that runs and watches the program it is given. */
  constructor(
    variants: Variants,
    engine: Engine,
    range: PortRange,
    watcher: readonly string[] = [],
  ) {
    this.#range = range;
    this.#engine = engine;
    this.#conversation = converse(variants, engine, range, "probe", watcher);
  }

  /**
   * Connects so often at a place; what each took, in nanoseconds.
   *
   * @throws {Failure} when the connects did not end as they must there.
   */
  async connect(place: Place, count: number): Promise<number[]> {
    const host = place.destination === "same" ? 0 : 1;
    const { nanoseconds, ports } = await this.#conversation.ask(Probed, `${count} ${host} 0`);
    const failed = ports.filter((port) => port === 0).length;
    const expected = mustFail(place, this.#engine) ? count : 0;
    if (failed !== expected) {
      throw unmeasurable(`${failed} of ${count} connects failed, not ${expected}`);
    }
    checkPorts(this.#range, ports.filter((port) => port !== 0));
    return nanoseconds;
  }

  /** The ports of so many connects, to one destination or to as many as there are connects. */
  async choose(count: number, destinations: "one" | "many"): Promise<number[]> {
    const step = destinations === "one" ? 0 : 1;
    const { ports } = await this.#conversation.ask(Probed, `${count} 0 ${step}`);
    checkPorts(this.#range, ports);
    return ports;
  }

  [Symbol.asyncDispose]() {
    return this.#conversation[Symbol.asyncDispose]();
  }
}

const program = join(dist, "programs", "native", "occupancy");

function converse(
  variants: Variants,
  engine: Engine,
  range: PortRange,
  role: "hold" | "probe",
  watcher: readonly string[],
): Conversation {
  const search = engine === "search" ? [`${range.low}`, `${range.high}`] : [];
  const argv = [...watcher, program, role, ...search];
  return new Conversation("occupancy", argv, environmentOf(variantOf(variants, engine, range)));
}

/** The search is the program's own: it runs bare. */
function variantOf({ bare, portpin }: Variants, engine: Engine, range: PortRange): Variant {
  if (engine === "search") return bare;
  const { variables } = portpin;
  const ports = `${range.low}-${range.high}`;
  return {
    name: engine,
    variables: { ...variables, PORTPIN_PORTS: ports, PORTPIN_ENGINE: engine },
  };
}

function checkPorts({ low, high }: PortRange, ports: readonly number[]): void {
  const stray = ports.find((port) => port < low || port > high);
  if (stray !== undefined) throw unmeasurable(`its source port was ${stray}, not ${low}-${high}`);
}

function unmeasurable(reason: string): Failure {
  return new Failure(`portpin: Cannot measure occupancy: ${reason}`, exitStatus.failed);
}
