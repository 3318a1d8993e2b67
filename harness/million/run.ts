/**
 * One run: pairs of programs hold as many flows as they can, and what they hold is measured, counted
 * and judged while it stands. Everything is in a network namespace of its own, and gone at the end.
 */
import { join } from "node:path";
import { getSystemErrorName } from "node:util";
import { z } from "zod";
import { exitStatus, Failure } from "../../generator/failure.ts";
import type { PortRange } from "../../generator/ports.ts";
import { dist, libraryFor } from "../library.ts";
import { inFreshNamespace } from "../namespace.ts";
import { preloadPath } from "../preflight/preload_path.ts";
import { Census, censusProblems, turned } from "./census.ts";
import { type Measured, memoryReserve } from "./limits.ts";
import { conntrack, kernelMemory, loadAverage, memoryLeft } from "./machine.ts";
import { destinationPort, type Pair, planPairs, source } from "./pairs.ts";
import { Program } from "./program.ts";
import { connectedSockets } from "./sock_diag.ts";

/** How the program is run: without portpin, or with the engine of that name. */
export type Way = "bare" | "kernel" | "emulation";

/** What is to be held. */
export interface Task {
  readonly flows: number;
  /** How many of them by one pair at most. */
  readonly each: number;
  /** The namespace's ip_local_port_range, and portpin's ports. */
  readonly range: PortRange;
}

/** What came of it. */
export interface Run {
  readonly way: Way;
  readonly flows: number;
  /** What ended it early: the call and its errno, such as `bind: EADDRINUSE`. */
  readonly stop?: string;
  /** From the first connection to the last. */
  readonly seconds: number;
  readonly measured: Measured;
  readonly load: number;
  /** What is not as it must be; nothing when all is well. */
  readonly problems: readonly string[];
}

/** Hears of the flows that there are so far. */
export type Watch = (flows: number) => void;

const Listening = z.strictObject({ listens: z.literal(true) });
const Line = z.strictObject({
  flows: z.int(),
  done: z.literal(true).optional(),
  call: z.string().optional(),
  errno: z.int().optional(),
});

const programs = join(dist, "programs", "native");

/**
 * Holds flows, and lets go of them.
 *
 * @throws {Failure} when memory runs out on the way, or a program ends that should not.
 */
export async function run(way: Way, task: Task, watch: Watch): Promise<Run> {
  const { low, high } = task.range;
  const variables: Record<string, string> = way === "bare" ? {} : {
    LD_PRELOAD: preloadPath(await libraryFor()),
    PORTPIN_PORTS: `${low}-${high}`,
    PORTPIN_ENGINE: way,
  };
  const settings = { "net.ipv4.ip_local_port_range": `${low} ${high}` };
  return await inFreshNamespace(settings, async () => {
    await using pairs = new Pairs(planPairs(task.flows, task.each), variables);
    const before = kernelMemory();
    await pairs.listen();
    const begin = performance.now();
    // A bare bind(2) locks one port after the other, of nearly all: two at once only wait in turns.
    const atATime = way === "bare" ? 1 : navigator.hardwareConcurrency;
    const stop = await pairs.connect(atATime, watch);
    const seconds = (performance.now() - begin) / 1000;
    const { flows } = pairs;
    const result = { way, flows, stop, seconds, load: loadAverage() };
    const measured = measure(before, flows);
    return { ...result, measured, problems: [...endProblems(result, task), ...count(flows, task)] };
  });
}

/** The pairs of one run; the end of it ends them all. */
class Pairs implements AsyncDisposable {
  readonly #pairs: readonly Pair[];
  readonly #variables: Readonly<Record<string, string>>;
  readonly #accepting: Program<z.infer<typeof Listening>>[] = [];
  readonly #connecting: Program<z.infer<typeof Line>>[] = [];
  flows = 0;

  constructor(pairs: readonly Pair[], variables: Readonly<Record<string, string>>) {
    this.#pairs = pairs;
    this.#variables = variables;
  }

  async listen(): Promise<void> {
    for (const { destination, flows } of this.#pairs) {
      const argv = [join(programs, "accepts"), destination, `${destinationPort}`, `${flows}`];
      this.#accepting.push(new Program(argv, {}, Listening));
    }
    await Promise.all(this.#accepting.map((program) => program.next()));
  }

  /** Starts the programs that connect, so many at a time, until one is stopped; gives by what. */
  async connect(atATime: number, watch: Watch): Promise<string | undefined> {
    const waiting = [...this.#pairs];
    let stop: string | undefined;
    const work = async () => {
      for (let pair = waiting.shift(); pair !== undefined; pair = waiting.shift()) {
        const stopped = await this.#connectOne(pair, watch);
        if (stopped === undefined) continue;
        stop = stopped;
        waiting.length = 0;
      }
    };
    await Promise.all(Array.from({ length: atATime }, work));
    return stop;
  }

  async #connectOne({ destination, flows }: Pair, watch: Watch): Promise<string | undefined> {
    const argv = [join(programs, "flows"), source, destination, `${destinationPort}`, `${flows}`];
    const program = new Program(argv, this.#variables, Line);
    this.#connecting.push(program);
    for (let own = 0;;) {
      const line = await program.next();
      this.flows += line.flows - own;
      own = line.flows;
      watch(this.flows);
      requireMemory(this.flows);
      if (line.done) return undefined;
      if (line.errno !== undefined) return `${line.call}: ${getSystemErrorName(-line.errno)}`;
    }
  }

  /** Those that accept first: what they close is reset, so that nothing stays in TIME_WAIT. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#accepting.map((program) => program.end()));
    await Promise.all(this.#connecting.map((program) => program.end()));
  }
}

/** Stops before the kernel looks for somebody to kill. */
function requireMemory(flows: number): void {
  const left = memoryLeft();
  if (left >= memoryReserve * 0.75) return;
  const reason = `at ${flows} flows there are only ${(left / 1e6).toFixed(0)} MB of memory left`;
  throw new Failure(`portpin: Cannot go on: ${reason}`, exitStatus.failed);
}

/** What a flow takes, with so many of them where the kernel's memory was `before`. */
function measure(before: number, flows: number): Measured {
  const now = kernelMemory();
  const tracked = conntrack();
  const each = (used: number) => flows === 0 ? 0 : Math.max(0, used / flows);
  return {
    memory: { perFlow: each(now - before), left: memoryLeft() },
    // The namespace is new: nobody else's are counted.
    conntrack: { perFlow: each(tracked.used), left: tracked.most - tracked.used },
  };
}

/** Whether it ended where it must: bare, when each port is taken once; else, with all flows. */
export function endProblems(
  { way, flows, stop }: Pick<Run, "way" | "flows" | "stop">,
  task: Pick<Task, "flows" | "range">,
): string[] {
  const ports = task.range.high - task.range.low + 1;
  const ends = way === "bare" && task.flows > ports;
  const expected = ends ? ports : task.flows;
  return [
    ...flows === expected ? [] : [`it has ${flows} flows, not ${expected}`],
    ...stop === undefined || ends && stop === bareStop ? [] : [`it was stopped by ${stop}`],
    ...stop === undefined && ends
      ? [`it was not stopped, but should have been by ${bareStop}`]
      : [],
  ];
}

/** bind(2) on EADDRINUSE: "all port numbers in the ephemeral port range are currently in use". */
const bareStop = "bind: EADDRINUSE";

/** Asks the kernel for both ends of each flow, and judges them. */
function count(flows: number, { range }: Task): string[] {
  const [connected, accepted] = [new Census(), new Census()];
  for (const socket of connectedSockets("remote", destinationPort)) connected.add(socket);
  for (const socket of connectedSockets("local", destinationPort)) accepted.add(turned(socket));
  return censusProblems(connected, accepted, { flows, source: 0x7f000002, ports: [range] });
}
