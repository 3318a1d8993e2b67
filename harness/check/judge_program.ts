/**
 * Judges where a program's connections left from: what its peers, the kernel and the library's log saw of
 * them, put together. Pure.
 *
 * Each witness misses something: a peer is only asked where it is ours, the kernel is looked at now and
 * then, and the log has what passed the library. So a connection counts when any of them has it.
 */
import { parseAddress } from "../../generator/address.ts";
import type { Policy } from "../../generator/policy.ts";
import { type PortSet, slicePorts } from "../../generator/ports.ts";
import { findRule } from "../../generator/rules.ts";
import { includesPort } from "../judge.ts";
import type { Endpoint, Observation } from "../observe.ts";
import { type Log, type LogLine, parseEnd } from "./log_line.ts";
import { plainAddress } from "./socket_table.ts";
import type { Process, Sighting } from "./watch.ts";

/** All that is known of one run. */
export interface Evidence {
  /** Undefined where the policy allows none. */
  readonly log: Log | undefined;
  readonly observations: readonly Observation[];
  readonly sightings: readonly Sighting[];
  /** Of processes, by their ids. */
  readonly names: ReadonlyMap<number, string>;
  /** The namespace's ip_local_port_range: where the kernel chooses ports. */
  readonly ephemeral: PortSet;
}

export type Witness = "log" | "peer" | "kernel";

/** inside the ports; outside; left: a rule leaves the destination alone; failed: nothing left. */
export type Verdict = "inside" | "outside" | "left" | "failed";

/** One connection of the program's own making, or one UDP socket that sends. */
export interface Connection {
  readonly transport: LogLine["transport"];
  /** Port 0: it failed before it had one. */
  readonly source: Endpoint;
  /** Null for a UDP socket of which only the kernel knows. */
  readonly destination: Endpoint | null;
  readonly process: { readonly pid: number; readonly name: string | null } | null;
  readonly witnesses: readonly Witness[];
  readonly verdict: Verdict;
  /** Why it is so, where that is not plain. */
  readonly reason: string | null;
}

/** A connection while its witnesses are gathered. */
interface Gathered {
  readonly transport: LogLine["transport"];
  source: Endpoint;
  destination: Endpoint | null;
  readonly witnesses: Set<Witness>;
  line?: LogLine;
  process?: Process;
}

/** Every connection, in the order of the log, then as they were seen. */
export function judgeProgram(policy: Policy, evidence: Evidence): Connection[] {
  const gathered: Gathered[] = [];
  const { log, observations, sightings, names, ephemeral } = evidence;
  for (const line of log?.lines ?? []) {
    if (line.call === "connect" || line.call === "send") gather(gathered, ofLine(line));
  }
  for (const { transport, source, destination } of observations) {
    const ends = { source: plain(source), destination: plain(destination) };
    gather(gathered, { transport, ...ends, witnesses: new Set(["peer"]) });
  }
  const served = servedPorts(evidence);
  for (const sighting of sightings) {
    const { transport, source, destination, process } = sighting;
    if (transport === "tcp" && (destination === null || served.has(source.port))) continue;
    // A port that nobody else speaks of and the kernel did not choose is the program's own: a server's.
    const isChosen = bindOf(log, sighting) !== undefined || includesPort(ephemeral, source.port);
    if (destination === null && !isChosen && !gathered.some((each) => isSame(each, sighting))) {
      continue;
    }
    gather(gathered, { transport, source, destination, process, witnesses: new Set(["kernel"]) });
  }
  return gathered.map((each) => judgeOne(policy, log !== undefined, names, withBind(log, each)));
}

/** The ports that connections come in at. */
function servedPorts({ log, sightings }: Evidence): ReadonlySet<number> {
  const listened = (log?.lines ?? []).filter(({ call, source }) => call === "listen" && source);
  return new Set([
    ...listened.map(({ source }) => parseEnd(source!).port),
    ...sightings.filter(({ isListening }) => isListening).map(({ source }) => source.port),
  ]);
}

function ofLine(line: LogLine): Gathered {
  const { transport, source, destination } = line;
  return {
    transport,
    source: plain(source === null ? { address: "0.0.0.0", port: 0 } : parseEnd(source)),
    destination: destination === null ? null : plain(parseEnd(destination)),
    witnesses: new Set(["log"]),
    line,
  };
}

/** The bind that gave a UDP socket its port: what it sends afterwards is no decision any more. */
function bindOf(log: Log | undefined, { transport, source }: Ends): LogLine | undefined {
  if (transport !== "udp") return undefined;
  return log?.lines.find((line) =>
    line.call === "bind" && line.transport === "udp" && line.source !== null &&
    parseEnd(line.source).port === source.port
  );
}

function withBind(log: Log | undefined, gathered: Gathered): Gathered {
  const line = gathered.line ?? bindOf(log, gathered);
  if (line === undefined) return gathered;
  return { ...gathered, line, witnesses: new Set<Witness>(["log", ...gathered.witnesses]) };
}

/** Adds what a witness saw to the connection that it is of, or as a new one. */
function gather(all: Gathered[], seen: Gathered) {
  const known = seen.source.port === 0 ? undefined : all.find((each) => isSame(each, seen));
  if (known === undefined) return all.push(seen);
  seen.witnesses.forEach((witness) => known.witnesses.add(witness));
  known.destination ??= seen.destination;
  if (isWildcard(known.source)) known.source = seen.source;
  known.process ??= seen.process;
}

type Ends = Pick<Gathered, "transport" | "source" | "destination">;

/** An unconnected UDP socket has a port and no destination, and an address in its messages alone. */
function isSame(one: Ends, other: Ends): boolean {
  if (one.transport !== other.transport || one.source.port !== other.source.port) return false;
  const [a, b] = [one.destination, other.destination];
  return a === null || b === null || (a.port === b.port && a.address === b.address);
}

function isWildcard({ address }: Endpoint): boolean {
  return address === "0.0.0.0" || address === "::";
}

function plain({ address, port }: Endpoint): Endpoint {
  return { address: plainAddress(address), port };
}

function judgeOne(
  policy: Policy,
  hasLog: boolean,
  names: ReadonlyMap<number, string>,
  gathered: Gathered,
): Connection {
  const { transport, source, destination, line, witnesses } = gathered;
  const pid = gathered.process?.pid ?? line?.pid;
  return {
    ...{ transport, source, destination },
    process: pid === undefined ? null : { pid, name: names.get(pid) || null },
    witnesses: [...witnesses],
    ...decide(policy, hasLog, gathered),
  };
}

function decide(
  policy: Policy,
  hasLog: boolean,
  gathered: Gathered,
): Pick<Connection, "verdict" | "reason"> {
  const { line, source, witnesses } = gathered;
  const errno = line?.errno ?? null;
  if (errno !== null && errno !== "EINPROGRESS" && witnesses.size === 1) {
    return { verdict: "failed", reason: `${line!.call} failed with ${errno}` };
  }
  const ports = portsFor(policy, gathered);
  if (ports === "leave") return { verdict: "left", reason: "a rule leaves it alone" };
  const isInside = ports.length === 0 || includesPort(ports, source.port);
  return {
    verdict: isInside ? "inside" : "outside",
    reason: reasonFor(isInside, hasLog, gathered),
  };
}

function reasonFor(isInside: boolean, hasLog: boolean, gathered: Gathered): string | null {
  const { line, process, destination } = gathered;
  if (line !== undefined) return isInside ? null : whyLogged(line);
  if (!hasLog) return isInside ? null : "unknown: the policy allows no log";
  const guess = process === undefined ? guessWithout(destination) : guessFor(destination);
  return `not through the library: ${process?.problem ?? guess}`;
}

/** The ports that a connection may leave from; empty: any. */
function portsFor(policy: Policy, { line, destination, transport }: Gathered): PortSet | "leave" {
  const address = destination && parseAddress(destination.address);
  const index = line?.rule ??
    (destination !== null && address !== undefined && address !== null
      ? findRule(policy.rules, { address, port: destination.port, transport })
      : undefined);
  const then = index === undefined || index === null ? undefined : policy.rules[index].then;
  if (then === "leave") return "leave";
  const ports = then === undefined || then.ports.length === 0 ? policy.ports : then.ports;
  return policy.slice === null || ports.length === 0 ? ports : slicePorts(ports, policy.slice);
}

function whyLogged({ engine }: LogLine): string {
  return engine === "leave"
    ? "the ports could not be kept, and the policy leaves it then"
    : "the program has bound this port itself";
}

/** The process was gone before anybody looked. */
function guessWithout(destination: Endpoint | null): string {
  return `a process without it, or ${guessFor(destination)}`;
}

/** What can pass a library that is there. */
function guessFor(destination: Endpoint | null): string {
  return destination?.port === 53
    ? "a DNS query inside libc (getaddrinfo), or a raw system call"
    : "a raw system call, io_uring, or a call inside libc";
}
