/**
 * The ways to keep the source ports of a program that makes many short connections, as
 * fixtures/programs/bench/connections.c does: runs it in each of them, and makes sure that the ports
 * were kept.
 *
 * All but bare keep to the documentation's ports, which are 512 instead of the kernel's 28,232. What that
 * does by itself, with no call added, shows in the namespace whose `ip_local_port_range` they are.
 */
import { join } from "node:path";
import { z } from "zod";
import { exitStatus, Failure } from "../../generator/failure.ts";
import { formatPorts, type PortSet } from "../../generator/ports.ts";
import { includesPort } from "../judge.ts";
import { launch } from "../launch.ts";
import { dist } from "../library.ts";
import { inFreshNamespace } from "../namespace.ts";
import { noTimeWait } from "./cycles.ts";
import { portRanges } from "./occupancy.ts";
import { environmentOf, type Variants } from "./variants.ts";

/** One way. */
export interface Approach {
  readonly name: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Settings of its network namespace, by full name. */
  readonly settings: Readonly<Record<string, string>>;
  /** A command that runs the program it is given. */
  readonly launcher: readonly string[];
  /** What the program is told besides. */
  readonly words: readonly string[];
  /** Where its source ports must lie; undefined: anywhere. */
  readonly ports?: PortSet;
}

const [range] = portRanges;
const native = join(dist, "programs", "native");
const interceptor = [join(native, "intercept"), `${range.low}`, `${range.high}`];

/** The name of what everything is compared with. */
export const bareName = "bare";

/**
 * All of them, bare first. A second bare one shows what chance makes of a ratio.
 */
export function makeApproaches({ portpin }: Variants): Approach[] {
  const plain = { variables: {}, settings: {}, launcher: [], words: [] };
  const kept = { ...plain, ports: [range] };
  const engine = (name: string) => ({ ...portpin.variables, PORTPIN_ENGINE: name });
  const settings = { "net.ipv4.ip_local_port_range": `${range.low} ${range.high}` };
  return [
    { ...plain, name: bareName },
    { ...plain, name: "bare again" },
    { ...kept, name: "portpin, kernel engine", variables: engine("kernel") },
    { ...kept, name: "portpin, emulation", variables: engine("emulation") },
    { ...kept, name: "namespace with the sysctl", settings },
    { ...kept, name: "search by bind(2)", words: [`${range.low}`, `${range.high}`] },
    { ...kept, name: "seccomp user notification", launcher: interceptor },
  ];
}

/**
 * Those that work here; each of the others is told to `leaveOut`. What may be forbidden is the seccomp
 * notification, and taking a descriptor out of another process.
 */
export async function usableOf(
  approaches: readonly Approach[],
  leaveOut: (what: string, reason: string) => void,
): Promise<Approach[]> {
  const usable = [];
  for (const approach of approaches) {
    const problem = approach.launcher.length === 0 ? undefined : await problemOf(approach.launcher);
    if (problem === undefined) usable.push(approach);
    else leaveOut(approach.name, problem);
  }
  return usable;
}

/** The launcher's own words where it cannot launch a program that connects. */
async function problemOf(launcher: readonly string[]): Promise<string | undefined> {
  const argv = [...launcher, join(native, "connections"), "1", "1"];
  const { status, stderr } = await inFreshNamespace(
    {},
    () => launch({ argv, environment: {}, cwd: "/" }).outcome,
  );
  return status === 0 ? undefined : stderr.trimEnd().split("\n")[0] || `got ${status}`;
}

const Report = z.strictObject({
  /** Source ports, in host byte order, that the accepting ends saw. */
  lowestPort: z.number(),
  highestPort: z.number(),
  /** What the median connection took. */
  medianNanoseconds: z.number().positive(),
  /** What all of them took together, from the first thread's start to the last one's end. */
  allNanoseconds: z.number().positive(),
  /** The process's CPU time in the meantime; that of a launcher is not in it. */
  cpuNanoseconds: z.number().positive(),
});

/** What one run of the program says. */
export type Connections = z.infer<typeof Report>;

/**
 * Makes `count` connections in each of so many threads of one process. With a `watcher`, a command that
 * runs and watches the program it is given: the approach's own launcher is watched, too.
 *
 * @throws {Failure} when they were not all made, or left from other ports than they had to.
 */
export async function makeConnections(
  { name, variables, settings, launcher, words, ports }: Approach,
  threads: number,
  count: number,
  watcher: readonly string[] = [],
): Promise<Connections> {
  const program = [join(native, "connections"), `${threads}`, `${count}`, ...words];
  const argv = [...watcher, ...launcher, ...program];
  const environment = environmentOf({ name, variables });
  const { status, stdout, stderr } = await inFreshNamespace(
    { ...noTimeWait, ...settings },
    () => launch({ argv, environment, cwd: "/" }).outcome,
  );
  // The dynamic linker goes on without a library that it cannot load, and says so.
  if (status !== 0 || stderr !== "") throw unmeasurable(name, stderr.trimEnd() || `got ${status}`);
  const report = Report.parse(JSON.parse(stdout));
  const { lowestPort, highestPort } = report;
  if (ports && ![lowestPort, highestPort].every((port) => includesPort(ports, port))) {
    const found = `its source ports were ${lowestPort}-${highestPort}`;
    throw unmeasurable(name, `${found}, not within ${formatPorts(ports)}`);
  }
  return report;
}

function unmeasurable(name: string, reason: string): Failure {
  return new Failure(`portpin: Cannot measure ${name}: ${reason}`, exitStatus.failed);
}
