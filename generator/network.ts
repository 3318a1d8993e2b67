// Networks: the sets of addresses that rules are for, in one notation and as intervals.
//
// A network belongs to one family. `::/0` is all of IPv6 and nothing of IPv4, although the numbers
// of the IPv4 addresses lie inside it.

import {
  type Address,
  type Family,
  familyOf,
  formatAddress,
  ipv4First,
  ipv4Last,
  isUnspecified,
  parseAddress,
  reached,
  zoneProblem,
} from "./address.ts";
import type { Parsed } from "./ports.ts";

/** The addresses whose first `prefix` bits are those of `address`; the rest of it is 0. */
export interface Network {
  readonly address: Address;
  /** 0 to 128; IPv4's /n is 96 + n. */
  readonly prefix: number;
}

/** As `networks_max` in shim/Policy.zig: the most that one rule may have. */
export const networksMax = 16;

/** The form of a network, for the JSON schema; {@linkcode parseNetwork} checks much more. */
export const networkPattern = "^[0-9A-Fa-f.:]+(/(0|[1-9]\\d*))?$";

const bits = 128;

/** Parses `ADDRESS/PREFIX`, or an address alone. */
export function parseNetwork(text: string): Parsed<Network> {
  const [spelled, length, ...rest] = text.split("/");
  const address = parseAddress(spelled);
  if (address === undefined || rest.length > 0 || !/^(0|[1-9]\d*)$/.test(length ?? "0")) {
    return refuse(zoneProblem(spelled) ?? "expected an IPv4 or IPv6 network, ADDRESS/PREFIX");
  }
  const longest = spelled.includes(":") ? bits : 32;
  if (Number(length ?? 0) > longest) {
    const reason = `/${length} is not within /0-/${longest}`;
    return { ok: false, problems: [{ offset: spelled.length, reason }] };
  }
  const prefix = bits - longest + Number(length ?? longest);
  const network = networkAround(address, prefix);
  if (spelled.includes(":") && networkFamily(network) === "ipv4") {
    return refuse(`it is IPv4, write it as ${formatNetwork(network)}`);
  }
  if (network.address !== address) {
    return refuse(`it has host bits set, did you mean ${formatNetwork(network)}?`);
  }
  if (isUnspecified(address) && prefix === bits) {
    const meaning = formatAddress(reached(address));
    return refuse(`as a destination it means ${meaning}, did you mean ${spelled}/0?`);
  }
  return { ok: true, value: network };
}

/** The network of `prefix` (IPv4's is 96 + n) that has `address`. */
export function networkAround(address: Address, prefix: number): Network {
  return { address: withoutHostBits(address, prefix), prefix };
}

/** The text that {@linkcode parseNetwork} reads back as the same network. */
export function formatNetwork(network: Network): string {
  const length = networkFamily(network) === "ipv4" ? network.prefix - 96 : network.prefix;
  return `${formatAddress(network.address)}/${length}`;
}

export function networkFamily({ address, prefix }: Network): Family {
  return prefix >= 96 ? familyOf(address) : "ipv6";
}

/** Whether `address` is one of the network's. */
export function contains(network: Network, address: Address): boolean {
  return networkFamily(network) === familyOf(address) &&
    withoutHostBits(address, network.prefix) === network.address;
}

/** A closed interval of addresses. */
export interface Interval {
  readonly low: Address;
  readonly high: Address;
}

/** Every address, of both families. */
export const everyAddress: readonly Interval[] = [{ low: 0n, high: (1n << BigInt(bits)) - 1n }];

/** Exactly the addresses of `networks`: sorted, without overlap or adjacency. */
export function intervalsOf(networks: readonly Network[]): Interval[] {
  const sorted = networks.flatMap(networkIntervals)
    .sort((a, b) => a.low < b.low ? -1 : a.low > b.low ? 1 : 0);
  const merged: Interval[] = [];
  for (const { low, high } of sorted) {
    const last = merged.at(-1);
    if (last === undefined || last.high + 1n < low) merged.push({ low, high });
    else if (high > last.high) merged[merged.length - 1] = { low: last.low, high };
  }
  return merged;
}

/** Two where IPv4 lies in the middle of an IPv6 network, which does not hold it. */
function networkIntervals(network: Network): Interval[] {
  const { address: low, prefix } = network;
  const high = low | hostBits(prefix);
  if (networkFamily(network) === "ipv4" || low > ipv4First || high < ipv4Last) {
    return [{ low, high }];
  }
  return [{ low, high: ipv4First - 1n }, { low: ipv4Last + 1n, high }]
    .filter(({ low, high }) => low <= high);
}

/** Whether each of `inner` lies in one of `outer`; `outer` must not have neighbours. */
export function liesWithin(inner: readonly Interval[], outer: readonly Interval[]): boolean {
  return inner.every(({ low, high }) =>
    outer.some((interval) => interval.low <= low && high <= interval.high)
  );
}

function withoutHostBits(address: Address, prefix: number): Address {
  return address & ~hostBits(prefix);
}

function hostBits(prefix: number): bigint {
  return (1n << BigInt(bits - prefix)) - 1n;
}

function refuse(reason: string): { ok: false; problems: { offset: number; reason: string }[] } {
  return { ok: false, problems: [{ offset: 0, reason }] };
}
