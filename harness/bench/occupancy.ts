/**
 * One connect where a part of the ports is taken, by fixtures/programs/bench/occupancy.c.
 *
 * For TCP three engines are compared: the kernel's, the emulation, and the search that programs made before
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
 * UDP ports are exclusive in all three, so another destination is no help. With `udpShare` they are not:
 * that is the fourth, *shared*, and meets its own connected sockets, which it can join for another
 * destination.
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
import { noTimeWait } from "./cycles.ts";
import { environmentOf, type Variant, type Variants } from "./variants.ts";

export type Engine = "kernel" | "emulation" | "search" | "shared";

/** What is compared with what. */
export interface Contest {
  readonly transport: "tcp" | "udp";
  /** The kernel's is what the others are compared with. */
  readonly engines: readonly Engine[];
  /** The one whose cost is told. */
  readonly subject: Engine;
  /** Those of whom one port carries connections to several destinations. */
  readonly sharing: readonly Engine[];
  /** Whose connections take ports. */
  readonly crowds: readonly Place["crowd"][];
  /** Settings of every crowd's network namespace, by full name. */
  readonly settings: Readonly<Record<string, string>>;
}

export const tcp: Contest = {
  transport: "tcp",
  engines: ["kernel", "emulation", "search"],
  subject: "emulation",
  sharing: ["kernel", "emulation"],
  crowds: ["own", "kernel's"],
  settings: noTimeWait,
};

/**
 * The kernel's own range is a little wider than any of ours: who shares asks for its route by a socket
 * that needs a port of the kernel's choice for a moment, and without one shares no more.
 */
export const udp: Contest = {
  transport: "udp",
  engines: ["kernel", "shared", "emulation", "search"],
  subject: "shared",
  sharing: ["shared"],
  crowds: ["own"],
  settings: { "net.ipv4.ip_local_port_range": "32704 60999" },
};

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

/** Those of {@linkcode placesIn} that the contest has. */
export function placesOf({ crowds }: Contest, range: PortRange): Place[] {
  return placesIn(range).filter(({ crowd }) => crowds.includes(crowd));
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
 * Whether a connect must find no port. A full set still serves another destination where its ports can
 * be shared: of TCP by the kernel those of its choice, by the emulation its own.
 */
export function mustFail(place: Place, engine: Engine, { sharing }: Contest): boolean {
  if (takenAt(place) < place.ports) return false;
  const shares = sharing.includes(engine) && crowdAt(place, engine) === engine;
  return place.destination === "same" || !shares;
}

const Held = z.strictObject({ lowestPort: z.number(), highestPort: z.number() });

const Probed = z.strictObject({
  nanoseconds: z.array(z.number().positive()),
  /** Source ports as the other end saw them; 0: none was left. */
  ports: z.array(z.number()),
});

/** Who takes ports, or connects. */
export interface Actor {
  readonly variants: Variants;
  readonly contest: Contest;
  readonly engine: Engine;
  readonly range: PortRange;
}

/** Takes ports: so many, and keeps them until it is disposed of. */
export class Holder implements AsyncDisposable {
  readonly #range: PortRange;
  readonly #conversation: Conversation;
  #held = 0;

  constructor(actor: Actor) {
    this.#range = actor.range;
    this.#conversation = converse(actor, "hold", []);
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
  readonly #actor: Actor;
  readonly #conversation: Conversation;

  /** With a `watcher`, a command that runs and watches the program it is given. */
  constructor(actor: Actor, watcher: readonly string[] = []) {
    this.#actor = actor;
    this.#conversation = converse(actor, "probe", watcher);
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
    const { contest, engine, range } = this.#actor;
    const expected = mustFail(place, engine, contest) ? count : 0;
    if (failed !== expected) {
      throw unmeasurable(`${failed} of ${count} connects failed, not ${expected}`);
    }
    checkPorts(range, ports.filter((port) => port !== 0));
    return nanoseconds;
  }

  /** The ports of so many connects, to one destination or to as many as there are connects. */
  async choose(count: number, destinations: "one" | "many"): Promise<number[]> {
    const step = destinations === "one" ? 0 : 1;
    const { ports } = await this.#conversation.ask(Probed, `${count} 0 ${step}`);
    checkPorts(this.#actor.range, ports);
    return ports;
  }

  [Symbol.asyncDispose]() {
    return this.#conversation[Symbol.asyncDispose]();
  }
}

const program = join(dist, "programs", "native", "occupancy");

function converse(
  actor: Actor,
  role: "hold" | "probe",
  watcher: readonly string[],
): Conversation {
  const { engine, range, contest } = actor;
  const search = engine === "search" ? [`${range.low}`, `${range.high}`] : [];
  const argv = [...watcher, program, role, contest.transport, ...search];
  return new Conversation(
    "occupancy",
    argv,
    environmentOf(variantOf(engine, range, actor.variants)),
  );
}

/** What keeps a program to a range. The search is the program's own: it runs bare. */
export function variantOf(engine: Engine, { low, high }: PortRange, variants: Variants): Variant {
  if (engine === "search") return variants.bare;
  const { variables } = engine === "shared" ? variants.portpinShared : variants.portpin;
  const own = { PORTPIN_PORTS: `${low}-${high}`, PORTPIN_ENGINE: realEngines[engine] };
  return { name: engine, variables: { ...variables, ...own } };
}

const realEngines = { kernel: "kernel", emulation: "emulation", shared: "kernel" } as const;

function checkPorts({ low, high }: PortRange, ports: readonly number[]): void {
  const stray = ports.find((port) => port < low || port > high);
  if (stray !== undefined) throw unmeasurable(`its source port was ${stray}, not ${low}-${high}`);
}

function unmeasurable(reason: string): Failure {
  return new Failure(`portpin: Cannot measure occupancy: ${reason}`, exitStatus.failed);
}
