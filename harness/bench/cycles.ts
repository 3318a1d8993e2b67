/**
 * The program that is measured, fixtures/programs/bench/cycles.c: builds it, runs it in one
 * variant, and makes sure that what was measured is what the row will say.
 */
import { join } from "node:path";
import { z } from "zod";
import { runZigBuild } from "../../generator/build.ts";
import { exitStatus, Failure } from "../../generator/failure.ts";
import { formatPorts } from "../../generator/ports.ts";
import { includesPort } from "../judge.ts";
import { launch } from "../launch.ts";
import { dist } from "../library.ts";
import { inFreshNamespace } from "../namespace.ts";
import { environmentOf, type Variant } from "./variants.ts";

/** The program's own names; `start` starts /bin/true, all others use sockets. */
export type Kind =
  | "tcp-connect"
  | "tcp-bind-connect"
  | "tcp-explicit-bind-connect"
  | "tcp-listen"
  | "udp-connect"
  | "udp-bind"
  | "udp-sendto"
  | "udp-sendmsg"
  | "udp-sendmmsg"
  | "udp-connected-send"
  | "udp-bound-sendto"
  | "udp-bound-sendmsg"
  | "udp-bound-sendmmsg"
  | "start";

/** The cycles whose ports portpin leaves alone: the program names one itself, or has no socket. */
const unpinned: ReadonlySet<Kind> = new Set(["tcp-explicit-bind-connect", "start"]);

/** What the program says of its cycles. */
const Report = z.strictObject({
  /** Source ports, in host byte order, that the other end saw. */
  lowestPort: z.number(),
  highestPort: z.number(),
  /** What the median cycle took, on the monotonic clock. */
  medianNanoseconds: z.number().positive().optional(),
  /** What all of them took of the process's CPU time, without that of children. */
  cpuNanoseconds: z.number().positive().optional(),
});

/** In nanoseconds: the median cycle on the monotonic clock; all of them in CPU time. */
export interface Times {
  readonly median: number;
  readonly cpu: number;
}

/** So many cycles of a kind, in one variant. */
export interface CycleRun {
  readonly kind: Kind;
  readonly count: number;
  readonly variant: Variant;
}

const program = join(dist, "programs", "native", "cycles");

/**
 * Builds all programs that are measured.
 *
 * @throws {Failure} when they cannot be built.
 */
export async function buildCycles(): Promise<void> {
  await runZigBuild("the programs", ["programs", "--prefix", dist]);
}

/**
 * Runs cycles under `watcher`, a command that runs and watches the program it is given. The library
 * is loaded into the watcher too, which does not matter: it has no sockets.
 *
 * @throws {Failure} as {@linkcode timeCycles}.
 */
export async function watchCycles(run: CycleRun, watcher: readonly string[]): Promise<void> {
  await perform(run, [...watcher, program, run.kind, `${run.count}`]);
}

/**
 * Runs cycles and times them.
 *
 * @throws {Failure} when the program did not do them all, or its ports show that it did not run in
 * the variant: a measurement of something else would look as good as any.
 */
export async function timeCycles(run: CycleRun): Promise<Times> {
  const report = await perform(run, [program, run.kind, `${run.count}`, "timed"]);
  return { median: report.medianNanoseconds!, cpu: report.cpuNanoseconds! };
}

/** Thousands of cycles would leave no port of a few hundred free for a minute. */
export const noTimeWait = { "net.ipv4.tcp_max_tw_buckets": "0" };

async function perform({ kind, variant }: CycleRun, argv: readonly string[]) {
  const environment = environmentOf(variant);
  const { status, stdout, stderr } = await inFreshNamespace(
    noTimeWait,
    () => launch({ argv, environment, cwd: "/" }).outcome,
  );
  // The dynamic linker goes on without a library that it cannot load, and says so.
  if (status !== 0 || stderr !== "") throw unmeasurable(kind, variant, stderr || `got ${status}`);
  const report = Report.parse(JSON.parse(stdout));
  const problem = unpinned.has(kind) ? undefined : portProblem(report, variant);
  if (problem !== undefined) throw unmeasurable(kind, variant, problem);
  return report;
}

function portProblem(
  { lowestPort, highestPort }: z.infer<typeof Report>,
  { ports }: Variant,
): string | undefined {
  if (ports === undefined) return undefined;
  if ([lowestPort, highestPort].every((port) => includesPort(ports, port))) return undefined;
  return `its source ports were ${lowestPort}-${highestPort}, not within ${formatPorts(ports)}`;
}

function unmeasurable(kind: Kind, variant: Variant, reason: string): Failure {
  return new Failure(
    `portpin: Cannot measure ${kind} (${variant.name}): ${reason.trimEnd()}`,
    exitStatus.failed,
  );
}
