/**
 * Puts together what the witnesses of a run saw: its peers, the kernel, and the library's log. Pure.
 *
 * Each misses something: a peer is only asked where it is ours, the kernel is looked at now and then, and
 * the log has what passed the library. So a connection counts when any of them has it.
 */
import type { PortSet } from "../../generator/ports.ts";
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

/** One connection of the program's own making, or one UDP socket that sends. */
export interface Gathered {
  readonly transport: LogLine["transport"];
  /** Port 0: it failed before it had one. The wildcard: nobody saw what an unconnected UDP socket sent. */
  source: Endpoint;
  /** Null for a UDP socket of which only the kernel knows. */
  destination: Endpoint | null;
  readonly witnesses: Set<Witness>;
  line?: LogLine;
  process?: Process;
}

/** Every connection, in the order of the log, then as they were seen. */
export function gatherConnections(evidence: Evidence): Gathered[] {
  const gathered: Gathered[] = [];
  const { log, observations, sightings, ephemeral } = evidence;
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
  return gathered.map((each) => withBind(log, each));
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
  const same = seen.source.port === 0 ? [] : all.filter((each) => isSame(each, seen));
  // Each message may say its source itself, which nobody but the peer sees.
  const isPeers = seen.witnesses.has("peer");
  const known = same.find(({ source, witnesses }) =>
    !isPeers || !witnesses.has("peer") || source.address === seen.source.address
  );
  if (known === undefined) {
    return all.push({ line: same[0]?.line, process: same[0]?.process, ...seen });
  }
  seen.witnesses.forEach((witness) => known.witnesses.add(witness));
  known.destination ??= seen.destination;
  if (isPeers || isWildcard(known.source)) known.source = seen.source;
  known.process ??= seen.process;
}

type Ends = Pick<Gathered, "transport" | "source" | "destination">;

/** An unconnected UDP socket has a port and no destination, and an address in its messages alone. */
function isSame(one: Ends, other: Ends): boolean {
  if (one.transport !== other.transport || one.source.port !== other.source.port) return false;
  const [a, b] = [one.destination, other.destination];
  return a === null || b === null || (a.port === b.port && a.address === b.address);
}

/** Whether the address says nothing. */
export function isWildcard({ address }: Endpoint): boolean {
  return address === "0.0.0.0" || address === "::";
}

function plain({ address, port }: Endpoint): Endpoint {
  return { address: plainAddress(address), port };
}
