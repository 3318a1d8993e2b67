// Addresses as text and as the numbers that networks are compared by.
//
// As in shim/Policy.zig an IPv4 address is ::ffff:a.b.c.d there, so one comparison serves both
// families; it counts as IPv4 in whichever form a socket spells it.

import ipaddr from "ipaddr.js";

/** The 128 bits of an address, as one number; IPv4's are those of ::ffff:a.b.c.d. */
export type Address = bigint;

export type Family = "ipv4" | "ipv6";

export const familyNames = { ipv4: "IPv4", ipv6: "IPv6" } as const;

/** ::ffff:0.0.0.0, the first of the IPv4 addresses. */
export const ipv4First: Address = 0xffff_0000_0000n;

/** ::ffff:255.255.255.255, the last of them. */
export const ipv4Last: Address = 0xffff_ffff_ffffn;

/** ::1 as what `::` stands for, and 127.0.0.1 as what `0.0.0.0` does. */
const [ipv6Loopback, ipv4Loopback] = [1n, 0xffff_7f00_0001n];

/**
 * The address that `text` spells, without a zone; undefined when it is none.
 *
 * Only dotted quads for IPv4: ipaddr.js alone would take `127.1` and `0x7f`.
 */
export function parseAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipv4First + numberOf(ipaddr.parse(text));
  const hexadecimal = withoutQuad(text);
  if (text.includes("%") || !ipaddr.IPv6.isValid(hexadecimal)) return undefined;
  return numberOf(ipaddr.IPv6.parse(hexadecimal));
}

/** Why an address with a zone (`fe80::1%eth0`) cannot be used; undefined when `text` is none. */
export function zoneProblem(text: string): string | undefined {
  const [bare, zone] = text.split("%", 2);
  if (zone === undefined || parseAddress(bare) === undefined) return undefined;
  return `%${zone} names an interface, and a policy holds for all of them`;
}

/** The address in its canonical spelling; IPv4's is the dotted quad. */
export function formatAddress(address: Address): string {
  return ipaddr.fromByteArray(bytesOf(address)).toString();
}

/** Four bytes for IPv4, else sixteen, the first that is sent first. */
export function bytesOf(address: Address): number[] {
  const bytes = sixteenBytes(address);
  return familyOf(address) === "ipv4" ? bytes.slice(12) : bytes;
}

/** Sixteen bytes for IPv4 as well. */
export function sixteenBytes(address: Address): number[] {
  return [...Uint8Array.fromHex(address.toString(16).padStart(32, "0"))];
}

export function familyOf(address: Address): Family {
  return ipv4First <= address && address <= ipv4Last ? "ipv4" : "ipv6";
}

/** Where a connection to `address` goes: 0.0.0.0 and :: stand for loopback (ip(7), ipv6(7)). */
export function reached(address: Address): Address {
  return address === 0n ? ipv6Loopback : address === ipv4First ? ipv4Loopback : address;
}

/** Whether it is of 127.0.0.0/8, or ::1. */
export function isLoopback(address: Address): boolean {
  return isKind(address, "loopback");
}

/** Whether it is 0.0.0.0 or ::. */
export function isUnspecified(address: Address): boolean {
  return address === 0n || address === ipv4First;
}

export function isMulticast(address: Address): boolean {
  return isKind(address, "multicast");
}

/** Whether it is 255.255.255.255. */
export function isBroadcast(address: Address): boolean {
  return address === ipv4Last;
}

function isKind(address: Address, kind: "loopback" | "multicast"): boolean {
  return ipaddr.fromByteArray(bytesOf(address)).range() === kind;
}

/** `::ffff:192.0.2.7` as `::ffff:c000:207`: ipaddr.js reads `::192.0.2.7` as a mapped address. */
function withoutQuad(text: string): string {
  const quad = text.slice(text.lastIndexOf(":") + 1);
  if (!ipaddr.IPv4.isValidFourPartDecimal(quad)) return text;
  const hexadecimal = new Uint8Array(ipaddr.IPv4.parse(quad).toByteArray()).toHex();
  return `${text.slice(0, -quad.length)}${hexadecimal.slice(0, 4)}:${hexadecimal.slice(4)}`;
}

function numberOf(address: ipaddr.IPv4 | ipaddr.IPv6): bigint {
  return BigInt(`0x${new Uint8Array(address.toByteArray()).toHex()}`);
}
