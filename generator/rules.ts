// Rules: what applies to which destinations; the first that matches counts.
//
// shim/ has a matcher of its own, and fixtures/rules.jsonc is what the two have to agree on.
// Everything here is pure.

import { type Address, reached } from "./address.ts";
import {
  contains,
  everyAddress,
  formatNetwork,
  intervalsOf,
  liesWithin,
  type Network,
} from "./network.ts";
import { formatPorts, type PortRange, type PortSet } from "./ports.ts";
import type { Source } from "./source.ts";

/** MPTCP counts as tcp, UDP-Lite as udp. */
export const transports = ["tcp", "udp", "sctp"] as const;

export type Transport = typeof transports[number];

/** As `rules_max` in shim/Policy.zig. */
export const rulesMax = 64;

/** Where a connection, a flow or a datagram goes. */
export interface Destination {
  readonly address: Address;
  readonly port: number;
  readonly transport: Transport;
}

/** Which destinations a rule is for: those that satisfy all three. */
export interface Matcher {
  /** Empty: every destination. */
  readonly networks: readonly Network[];
  /** Of the destination; empty: every. */
  readonly ports: PortSet;
  /** Null: every. */
  readonly transport: Transport | null;
}

/** What a rule has of its own. */
export interface Choice {
  /** Of which the policy's slice is taken, too; empty: the policy's. */
  readonly ports: PortSet;
  /** Empty: the policy's. Else it is all there is: a family that it lacks is the kernel's choice. */
  readonly source: Source;
}

/** As in shim/Policy.zig. */
export interface Rule extends Matcher {
  /** `leave`: as if portpin were not there. */
  readonly then: "leave" | Choice;
}

/** The index of the rule that counts for `destination`; undefined when none matches. */
export function findRule(rules: readonly Rule[], destination: Destination): number | undefined {
  const index = rules.findIndex((rule) => mismatch(rule, destination) === undefined);
  return index < 0 ? undefined : index;
}

/** The first part that `destination` does not satisfy; undefined when the rule matches. */
export function mismatch(matcher: Matcher, destination: Destination): keyof Matcher | undefined {
  const { networks, ports, transport } = matcher;
  if (networks.length > 0 && networkWith(networks, destination) === undefined) return "networks";
  if (ports.length > 0 && rangeWith(ports, destination) === undefined) return "ports";
  return transport === null || transport === destination.transport ? undefined : "transport";
}

/** The first of `networks` that has the destination's address. */
export function networkWith(
  networks: readonly Network[],
  { address }: Destination,
): Network | undefined {
  return networks.find((network) => contains(network, reached(address)));
}

/** The range of `ports` that has the destination's port. */
export function rangeWith(ports: PortSet, { port }: Destination): PortRange | undefined {
  return ports.find(({ low, high }) => low <= port && port <= high);
}

/** Whether `earlier` matches every destination that `later` matches. Exact. */
export function covers(earlier: Matcher, later: Matcher): boolean {
  return liesWithin(addressesOf(later), addressesOf(earlier)) &&
    portsOrEvery(later).every(({ low, high }) =>
      portsOrEvery(earlier).some((range) => range.low <= low && high <= range.high)
    ) &&
    (earlier.transport === null || earlier.transport === later.transport);
}

function addressesOf({ networks }: Matcher) {
  return networks.length === 0 ? everyAddress : intervalsOf(networks);
}

function portsOrEvery({ ports }: Matcher): PortSet {
  return ports.length === 0 ? [{ low: 1, high: 65535 }] : ports;
}

/** Whether the two match the same destinations, and have the same follow. */
export function areAlike(one: Rule, other: Rule): boolean {
  return covers(one, other) && covers(other, one) && follow(one) === follow(other);
}

function follow({ then }: Rule): string {
  if (then === "leave") return then;
  return [formatPorts(then.ports), then.source.ipv4, then.source.ipv6].join();
}

/** `192.0.2.0/24 port 443 over tcp`: the destinations in words. */
export function formatMatcher({ networks, ports, transport }: Matcher): string {
  return [
    networks.length === 0 ? "every address" : networks.map(formatNetwork).join(", "),
    ports.length === 0 ? "" : ` port ${formatPorts(ports)}`,
    transport === null ? "" : ` over ${transport}`,
  ].join("");
}
