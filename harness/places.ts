/**
 * Where everything is: the addresses that a guest has, and those of its peers.
 *
 * On plain loopback a guest and its peers share one network namespace. In a pair each side has its
 * own, and the two are joined by a cable: so sources are not loopback, and the guest has one address
 * that the kernel chooses by itself, the natural one, and one that it never chooses, the source.
 */
import type { Family, Network } from "./case.ts";

/**
 * The pair's interface, by name and index the same on both sides. Zones are told by index: Deno looks
 * names up on a thread that may be in another namespace.
 */
export const cable = { name: "eth0", index: 77 } as const;

/** An address in each of the ways a flow can go. */
export type Addresses = Readonly<Record<Exclude<Family, "mapped">, string>>;

/** What a guest in a pair has on its side. */
export const guestAddresses: Readonly<Record<"natural" | "source", Addresses>> = {
  natural: { "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "link-local": "fe80::1" },
  source: { "ipv4": "192.0.2.7", "ipv6": "2001:db8::7", "link-local": "fe80::7" },
};

/** What its peers have on theirs, by the number of the host; the last lies behind a router. */
export const peerAddresses: readonly Addresses[] = [
  { "ipv4": "192.0.2.129", "ipv6": "2001:db8::129", "link-local": "fe80::129" },
  { "ipv4": "192.0.2.130", "ipv6": "2001:db8::130", "link-local": "fe80::130" },
  { "ipv4": "198.51.100.131", "ipv6": "2001:db8:1::131", "link-local": "fe80::131" },
];

/** The networks that a guest reaches through the first peer. */
export const routedNetworks = ["198.51.100.0/24", "2001:db8:1::/64"];

/** The two ends of what a service observes. */
export interface Place {
  /** Where the service itself is. */
  readonly address: string;
  /** Where a service that comes to the guest finds it. */
  readonly guest: string;
}

/** The place number `host`, from 1; see {@linkcode Service} of case.ts. */
export function placeOf(network: Network, family: Family, host: number): Place {
  if (network === "loopback") {
    const address = loopbackAddress(family, host);
    return { address, guest: address };
  }
  const way = family === "mapped" ? "ipv4" : family;
  const { natural, source } = guestAddresses;
  return {
    address: withZone(peerAddresses[host - 1][way]),
    guest: withZone((host === 1 ? natural : source)[way]),
  };
}

/** 127.0.0.HOST, or ::1 and then fd00::HOST. */
export function loopbackAddress(family: Family, host: number): string {
  if (family !== "ipv6") return `127.0.0.${host}`;
  return host === 1 ? "::1" : `fd00::${host}`;
}

/** How a flow went, by one of its addresses; a mapped one is IPv4 to whoever sees it. */
export function wayOf(address: string): keyof Addresses {
  if (isLinkLocal(address)) return "link-local";
  return address.includes(":") ? "ipv6" : "ipv4";
}

/** A link-local address means nothing without its interface, and Deno tells it without. */
export function withZone(address: string): string {
  return isLinkLocal(address) && !address.includes("%") ? `${address}%${cable.index}` : address;
}

function isLinkLocal(address: string): boolean {
  return address.startsWith("fe80:");
}
