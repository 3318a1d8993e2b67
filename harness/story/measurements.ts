/**
 * What the acts measure. Each is measured once for an approach, when it is first asked for: an act
 * alone measures what it needs, and the last one takes what those before it have found. All of it
 * is counted, nothing timed.
 */
import { inFreshNamespace } from "../namespace.ts";
import { callsBetween } from "../bench/strace.ts";
import { type Approach, isOurs, portCount } from "./approaches.ts";
import { addresses, destinationPort, neighbourAddresses, Peers } from "./peers.ts";
import { Program } from "./python.ts";

export type Transport = "tcp" | "udp";

/** What a program printed, after the command that it was started with. */
export interface Output {
  readonly command: readonly string[];
  readonly lines: readonly string[];
}

/** How far a program came that connects to three destinations until no port is left. */
export interface Sample extends Output {
  /** The source ports that each destination saw, in their order. */
  readonly ports: readonly (readonly number[])[];
  /** The errno that ended it, by destination; undefined where it was not refused. */
  readonly errnos: readonly (string | undefined)[];
}

/** What another program meets, one that wants nothing of our ports. */
export interface Neighbour {
  /** Whether its own connections have our ports although it did not ask. */
  readonly isBound: boolean;
  /** On how many different ports the approach held a connection. */
  readonly held: number;
  /** How many of them the neighbour could not be given, for a destination that nobody else has. */
  readonly lost: number;
}

/** One more than there are ports, so that running out shows. */
const attempts = portCount + 1;

/** Takes all privileges from what it runs, also from root. */
const withoutPrivilege = [
  "setpriv",
  ...["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"],
];

export class Measurements {
  readonly #known = new Map<string, Promise<unknown>>();

  /** As many connections as there are ports, and one more, to each of three destinations. */
  sample(approach: Approach, transport: Transport): Promise<Sample> {
    return this.#once(
      ["sample", transport, approach.name],
      () => sampleOf(approach, transport, []),
    );
  }

  /** Whether it does as well without any privilege; its set-up included. */
  needsPrivilege(approach: Approach): Promise<boolean> {
    return this.#once(["privilege", approach.name], async () => {
      if (approach.portRange !== undefined) return !await canMakeNamespace();
      const alone = await sampleOf(approach, "tcp", withoutPrivilege);
      return !isAlike(alone, await this.sample(approach, "tcp"));
    });
  }

  /** What the approach's connections, one for each port, mean for another program. */
  neighbour(approach: Approach): Promise<Neighbour> {
    return this.#once(["neighbour", approach.name], () => neighbourOf(approach));
  }

  /** The system calls of each connect to one destination, until as many are made as there are ports. */
  calls(approach: Approach): Promise<readonly number[]> {
    return this.#once(["calls", approach.name], () => callsOf(approach));
  }

  /** What a file of programs/ prints that needs no arguments. */
  output(approach: Approach, file: string): Promise<Output> {
    return this.#once(["output", file, approach.name], () => {
      const command = [file];
      return among(approach, async () => ({ command, lines: await linesOf(approach, command) }));
    });
  }

  /** The names of the network interfaces where the approach's programs run. */
  interfaces(approach: Approach): Promise<readonly string[]> {
    return this.#once(["interfaces", approach.name], () => {
      // By this thread itself: another one may be in another namespace.
      const read = () => Promise.resolve(Deno.readTextFileSync("/proc/thread-self/net/dev"));
      return among(
        approach,
        async () => Array.from((await read()).matchAll(/^ *(\S+):/gm), ([_, name]) => name),
      );
    });
  }

  #once<T>(what: readonly string[], measure: () => Promise<T>): Promise<T> {
    const key = what.join(": ");
    if (!this.#known.has(key)) this.#known.set(key, measure());
    return this.#known.get(key) as Promise<T>;
  }
}

/** Runs `action` with peers, in a new namespace as `approach` wants it. */
function among<T>({ portRange }: Approach, action: () => Promise<T>): Promise<T> {
  const settings: Record<string, string> = {};
  if (portRange !== undefined) settings[rangeName] = portRange.replace("-", " ");
  return inFreshNamespace(settings, async () => {
    await using _ = new Peers();
    return await action();
  });
}

const rangeName = "net.ipv4.ip_local_port_range";
const rangeFile = `/proc/sys/${rangeName.replaceAll(".", "/")}`;

async function linesOf(approach: Approach, words: readonly string[], watcher?: readonly string[]) {
  await using program = await Program.start(approach, words, watcher);
  return await program.lines();
}

function clientCommand({ program }: Approach, transport: Transport, count: number, to: string[]) {
  return ["client.py", program, transport, `${count}`, ...to];
}

async function sampleOf(
  approach: Approach,
  transport: Transport,
  watcher: readonly string[],
): Promise<Sample> {
  const command = clientCommand(approach, transport, attempts, [...addresses]);
  const lines = await among(approach, () => linesOf(approach, command, watcher));
  return {
    command,
    lines,
    ports: lines.map(portsIn),
    errnos: lines.map((line) => /E[A-Z]+$/.exec(line)?.[0]),
  };
}

/** The ports that client.py says the other end saw. */
function portsIn(line: string): number[] {
  return Array.from(line.matchAll(/(?<= )\d{5}(?= |$)/g), Number);
}

/** Whether as many connections were made, and all from our ports or not. */
function isAlike(one: Sample, other: Sample): boolean {
  const [a, b] = [one, other].map(({ ports }) => [
    ports.flat().every(isOurs),
    ...ports.map(({ length }) => length),
  ]);
  return String(a) === String(b);
}

async function neighbourOf(approach: Approach): Promise<Neighbour> {
  const command = clientCommand(approach, "tcp", portCount, [addresses[0]]);
  const [before, meanwhile] = neighbourAddresses;
  return await among(approach, async () => {
    const own = [];
    for (let count = 0; count < 3; count++) own.push(await connectAsNeighbour(before));
    await using program = await Program.start(approach, command);
    const held = portsIn((await program.lines())[0]);
    let lost = 0;
    for (const port of held) {
      // Where nothing else is left, a program that does not choose is given this port or none.
      // By this thread itself: another one may be in another namespace.
      Deno.writeTextFileSync(rangeFile, `${port} ${port}`);
      if (await connectAsNeighbour(meanwhile) === undefined) lost++;
    }
    return { isBound: own.every((port) => isOurs(port!)), held: held.length, lost };
  });
}

/** The source port that the kernel gives a plain program, which is us; undefined when there is none. */
async function connectAsNeighbour(hostname: string): Promise<number | undefined> {
  try {
    using connection = await Deno.connect({ hostname, port: destinationPort });
    return (connection.localAddr as Deno.NetAddr).port;
  } catch (error) {
    if (error instanceof Deno.errors.AddrNotAvailable) return undefined;
    throw error;
  }
}

/** The calls that the interpreter makes for its memory are not the approach's. */
const traced = ["-e", "trace=!brk,mmap,munmap", "-e", "raw=all", "-e", "signal=none"];

async function callsOf(approach: Approach): Promise<number[]> {
  const command = clientCommand(approach, "tcp", portCount, [addresses[0]]);
  const trace = await Deno.makeTempFile({ prefix: "portpin-strace-" });
  try {
    const watcher = ["strace", "-qq", ...traced, "-o", trace];
    await among(approach, () => linesOf(approach, command, watcher));
    return callsBetween("getppid", await Deno.readTextFile(trace));
  } finally {
    await Deno.remove(trace);
  }
}

/** Whether somebody without privileges can make what the approach needs. */
async function canMakeNamespace(): Promise<boolean> {
  const [program, ...args] = [...withoutPrivilege, "unshare", "--net", "true"];
  const { success } = await new Deno.Command(program, { args, stderr: "null" }).output();
  return success;
}
