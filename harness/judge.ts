/**
 * Judges one run: what was expected against what the program did and what its peers saw. Pure: it
 * launches nothing, reads nothing, and knows no time but that of the observations.
 *
 * Ports are in host byte order.
 */
import { countPorts, formatPorts, parsePorts, type PortSet } from "../generator/ports.ts";
import type { Case, Expectation, Observations as Expected } from "./case.ts";
import { judgeLog } from "./check/judge_log.ts";
import type { Outcome } from "./launch.ts";
import type { Observation } from "./observe.ts";
import { guestAddresses, wayOf, withZone } from "./places.ts";
import { matchLine, type Words } from "./placeholders.ts";

/** Whether one thing was as it had to be, and the reason, which names what was received. */
export interface Verdict {
  readonly good: boolean;
  /** What was judged: `status`, `standard output`, a service's name and the like. */
  readonly about: string;
  readonly reason: string;
}

/** One run of a case's program, with everything that is known about it. */
export interface Run {
  readonly outcome: Outcome;
  readonly observations: readonly Observation[];
  readonly words: Words;
  /** All that was written to `{scratch}/log`; default: nothing. */
  readonly log?: string;
}

/** All verdicts on `run`; `unnamed` is how a service is judged that the expectation leaves out. */
export function judge(
  expectation: Expectation,
  run: Run,
  ports: PortSet,
  unnamed: Readonly<Record<string, Expected>>,
): Verdict[] {
  const stdout = judgeLines("standard output", expectation.stdout, run.outcome.stdout, run, ports);
  const services = { ...unnamed, ...expectation.observations };
  return [
    judgeStatus(expectation, run.outcome),
    ...stdout.verdicts,
    ...judgeStandardError(expectation, run, ports),
    ...judgeLog(expectation.log, run, ports, stdout.ports),
    ...Object.entries(services).flatMap(([service, expected]) => {
      const seen = service === "together"
        ? run.observations
        : run.observations.filter((observation) => observation.service === service);
      return judgeObservations(service, expected, seen, ports, stdout.ports);
    }),
    judgeFourTuples(run.observations),
  ];
}

/** The services that an expectation must speak of, each judged as if by `{}`. */
export function defaultExpectations(services: Case["services"]): Record<string, Expected> {
  const expected: Expected = { ports: "inside", covers: false };
  const observing = Object.entries(services).filter(([, { kind }]) => kind !== "front");
  return Object.fromEntries(observing.map(([name]) => [name, expected]));
}

/** A case's port set; its form was checked when the case was read. */
export function portSet(text: string): PortSet {
  const parsed = parsePorts(text);
  if (!parsed.ok) throw new RangeError(`Cannot use ports ${text}: ${parsed.problems[0].reason}`);
  return parsed.value;
}

/** Whether `port` is in the set. */
export function includesPort(ports: PortSet, port: number): boolean {
  return ports.some(({ low, high }) => low <= port && port <= high);
}

/** Whether a bare run and one with the library look the same to whoever reads their output. */
export function judgeSameness(bare: Run, preloaded: Run): Verdict {
  const about = "same as bare";
  if (bare.outcome.status !== preloaded.outcome.status) {
    return bad(about, `status ${preloaded.outcome.status}, bare ${bare.outcome.status}`);
  }
  const [expected, received] = [bare, preloaded].map((run) => maskedLines(run));
  const difference = firstDifference(expected, received, (a, b) => a === b);
  if (difference === undefined) return good(about, "status and standard output are equal");
  const { line, left, right } = difference;
  return bad(about, `standard output line ${line} is ${quote(right)}, bare ${quote(left)}`);
}

/** What the witness is given as PORTPIN_PORTS; see run_case.ts. */
export const witnessPorts = "witness";

/** Whether a line of standard error is the library's objection to {@linkcode witnessPorts}. */
export function isTestimony(line: string): boolean {
  return line.startsWith(`portpin: Cannot use PORTPIN_PORTS=${witnessPorts}: `);
}

/** Whether the library was really loaded, by what the witness wrote to standard error. */
export function judgeWitness(stderr: string): Verdict {
  const about = "library";
  if (splitLines(stderr).some(isTestimony)) return good(about, "was loaded into the program");
  return bad(about, `was not loaded: it did not object to PORTPIN_PORTS=${witnessPorts}`);
}

function judgeStatus({ status }: Expectation, outcome: Outcome): Verdict {
  const about = "status";
  if (outcome.hung) return bad(about, "the program had to be killed: it did not end");
  if (outcome.status === status) return good(about, `${status}`);
  const said = (outcome.driverError || outcome.stderr).trim().split("\n").slice(-5).join("\n");
  return bad(about, `expected ${status}, got ${outcome.status}${said === "" ? "" : `\n${said}`}`);
}

/** Portpin says nothing unless it must; a case that wants it to speak says what. */
function judgeStandardError(expectation: Expectation, run: Run, ports: PortSet): Verdict[] {
  const about = "standard error";
  if (expectation.stderr !== undefined) {
    return judgeLines(about, expectation.stderr, run.outcome.stderr, run, ports).verdicts;
  }
  const ours = splitLines(run.outcome.stderr).filter((line) => line.startsWith("portpin: "));
  return ours.length === 0
    ? []
    : [bad(about, `expected nothing of portpin, got ${quote(ours[0])}`)];
}

/** Compares output line by line; `ports` are those that `{port}` matched. */
function judgeLines(
  about: string,
  expected: readonly string[] | undefined,
  text: string,
  { words }: Run,
  ports: PortSet,
): { verdicts: Verdict[]; ports: number[] } {
  if (expected === undefined) return { verdicts: [], ports: [] };
  const named: number[] = [];
  const equal = (line: string, received: string) => {
    const match = matchLine(line, words, received);
    named.push(...match.ports);
    return match.matches;
  };
  const difference = firstDifference(expected, splitLines(text), equal);
  const outside = named.find((port) => !includesPort(ports, port));
  return { verdicts: [verdict()], ports: named };

  function verdict(): Verdict {
    if (difference !== undefined) {
      const { line, left, right } = difference;
      return bad(about, `line ${line}: expected ${quote(left)}, got ${quote(right)}`);
    }
    if (outside !== undefined) {
      return bad(about, `names port ${outside}, which is outside ${formatPorts(ports)}`);
    }
    return good(about, `${expected!.length} lines as expected`);
  }
}

function judgeObservations(
  about: string,
  expected: Expected,
  seen: readonly Observation[],
  ports: PortSet,
  named: readonly number[],
): Verdict[] {
  const reasons = [
    countProblem(expected.count, seen.length),
    transportProblem(expected.transport, seen),
    placeProblem(expected, seen, ports, named),
    addressProblem(expected.address, seen),
    spreadProblem(expected.spread, seen),
    coverProblem(expected, seen, ports),
  ].filter((reason) => reason !== undefined);
  if (reasons.length > 0) return reasons.map((reason) => bad(about, reason));
  return [good(about, `${seen.length} seen, source ports as expected`)];
}

function countProblem(expected: Expected["count"], count: number): string | undefined {
  if (expected === undefined) return count > 0 ? undefined : "expected an observation, got none";
  const { min, max } = typeof expected === "number" ? { min: expected, max: expected } : expected;
  if (min <= count && count <= max) return undefined;
  return `expected ${min === max ? min : `${min} to ${max}`} observations, got ${count}`;
}

function transportProblem(
  expected: Expected["transport"],
  seen: readonly Observation[],
): string | undefined {
  const other = seen.find(({ transport }) => expected !== undefined && transport !== expected);
  return other && `expected ${expected}, got ${other.transport} from port ${other.source.port}`;
}

/** Where the source ports had to lie. */
function placeProblem(
  expected: Expected,
  seen: readonly Observation[],
  ports: PortSet,
  named: readonly number[],
): string | undefined {
  const observed = new Set(seen.map(({ source }) => source.port));
  switch (expected.ports) {
    case "any":
      return undefined;
    case "stdout": {
      const said = new Set(named);
      if (observed.symmetricDifference(said).size === 0) return undefined;
      return `the program said ${listPorts(said)}, its peers saw ${listPorts(observed)}`;
    }
    case "outside": {
      const inside = [...observed].filter((port) => includesPort(ports, port));
      if (inside.length === 0) return undefined;
      return `expected ports outside ${formatPorts(ports)}, got ${listPorts(inside)}`;
    }
    default: {
      const set = wantedSet(expected, ports);
      const outside = [...observed].filter((port) => !includesPort(set, port));
      if (outside.length === 0) return undefined;
      return `expected ports inside ${formatPorts(set)}, got ${listPorts(outside)}`;
    }
  }
}

/** Which source addresses had to be seen; a name means one in the family of each observation. */
function addressProblem(
  expected: Expected["address"],
  seen: readonly Observation[],
): string | undefined {
  if (expected === undefined || seen.length === 0) return undefined;
  const ways = new Set(seen.map(({ destination }) => wayOf(destination.address)));
  const wanted = new Set(
    [expected].flat().flatMap((name) =>
      name === "natural" || name === "source"
        ? Array.from(ways, (way) => withZone(guestAddresses[name][way]))
        : [name]
    ),
  );
  const observed = new Set(seen.map(({ source }) => source.address));
  if (observed.symmetricDifference(wanted).size === 0) return undefined;
  return `expected source address ${[...wanted].join(", ")}, got ${[...observed].join(", ")}`;
}

function spreadProblem(
  expected: Expected["spread"],
  seen: readonly Observation[],
): string | undefined {
  const distinct = new Set(seen.map(({ source }) => source.port));
  if (expected === "distinct" && distinct.size < seen.length) {
    return `expected distinct ports, got ${distinct.size} for ${seen.length} observations`;
  }
  if (expected === "same" && distinct.size > 1) {
    return `expected one port for all, got ${listPorts(distinct)}`;
  }
}

function coverProblem(
  expected: Expected,
  seen: readonly Observation[],
  ports: PortSet,
): string | undefined {
  if (!expected.covers) return undefined;
  const set = wantedSet(expected, ports);
  const used = new Set(seen.map(({ source }) => source.port).filter((p) => includesPort(set, p)));
  if (used.size === countPorts(set)) return undefined;
  return `expected every port of ${formatPorts(set)}, got ${listPorts(used)}`;
}

/** The set that an expectation means: its own, or the case's. */
function wantedSet({ ports: wanted }: Expected, ports: PortSet): PortSet {
  return /^\d/.test(wanted) ? portSet(wanted) : ports;
}

/** No two TCP connections that were open at one time may have had the same four numbers. */
function judgeFourTuples(observations: readonly Observation[]): Verdict {
  const about = "4-tuples";
  const last = new Map<string, Observation>();
  for (const observation of observations.filter(({ transport }) => transport === "tcp")) {
    const { source, destination } = observation;
    const tuple = `${source.address} ${source.port} to ${destination.address} ${destination.port}`;
    const before = last.get(tuple);
    if (before !== undefined && (before.until ?? Infinity) > observation.at) {
      return bad(about, `two open connections from ${tuple}`);
    }
    last.set(tuple, observation);
  }
  return good(about, "no two open connections share one");
}

/** The first line in which two outputs differ, from 1; a missing line is undefined. */
function firstDifference(
  left: readonly string[],
  right: readonly string[],
  equal: (left: string, right: string) => boolean,
) {
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [a, b] = [left[index], right[index]];
    if (a === undefined || b === undefined || !equal(a, b)) {
      return { line: index + 1, left: a, right: b };
    }
  }
}

/** The lines of standard output without what two right runs may differ in. */
function maskedLines({ outcome, words }: Run): string[] {
  const text = outcome.stdout.replaceAll(words.scratch, "{scratch}");
  const isPort = (digits: string) => Number(digits) >= 1024 && Number(digits) <= 65535;
  return splitLines(text.replace(/\b\d{4,5}\b/g, (digits) => isPort(digits) ? "{port}" : digits));
}

function splitLines(text: string): string[] {
  if (text === "") return [];
  return text.replace(/\n$/, "").split("\n");
}

function listPorts(ports: Iterable<number>): string {
  const sorted = [...ports].sort((a, b) => a - b);
  if (sorted.length === 0) return "none";
  const shown = sorted.slice(0, 8).join(", ");
  return sorted.length > 8 ? `${shown} and ${sorted.length - 8} more` : shown;
}

function quote(line: string | undefined): string {
  return line === undefined ? "no line" : JSON.stringify(line);
}

function good(about: string, reason: string): Verdict {
  return { good: true, about, reason };
}

function bad(about: string, reason: string): Verdict {
  return { good: false, about, reason };
}
