// What becomes of a source here: which addresses can be sent from, and what servers are bound to.

import { type Address, familyNames, familyOf, formatAddress, isLoopback } from "./address.ts";
import type { KernelView } from "./kernel_view.ts";
import { contains } from "./network.ts";
import type { Policy } from "./policy.ts";
import { addressesOf, formatSource, isEmpty, type Source } from "./source.ts";
import { fact, type Statement, warning } from "./statement.ts";

const kernelsChoice = "where the kernel chooses";

/** `IPv4 from 192.0.2.7, IPv6 from where the kernel chooses` */
export function describeSource(source: Source): string {
  return (["ipv4", "ipv6"] as const).map((family) => {
    const address = source[family];
    const from = address === undefined ? kernelsChoice : formatAddress(address);
    return `${familyNames[family]} from ${from}`;
  }).join(", ");
}

/** What the policy's own source does, and what servers are bound to. */
export function explainSource({ source, listen, rules }: Policy): Statement[] {
  if (isEmpty(source)) {
    const some = rules.some(({ then }) => then !== "leave" && !isEmpty(then.source));
    return [fact(`The kernel chooses the source${some ? " where no rule does" : ""}.`)];
  }
  return [
    fact(
      `Source: ${describeSource(source)}; to loopback destinations guests keep their natural ` +
        `source${
          addressesOf(source).some(isLoopback) ? ", unless this one is loopback, too" : ""
        }.`,
    ),
    listen === "keep"
      ? fact("A server that binds the wildcard is left there (listen: keep).")
      : explainListen(source),
  ];
}

/** An IPv6 wildcard takes IPv4 peers as well, unless its socket is IPV6_V6ONLY; see ipv6(7). */
function explainListen({ ipv4, ipv6 }: Source): Statement {
  const plain = ipv4 === undefined
    ? "one that binds 0.0.0.0 is left there, for want of an IPv4 source"
    : `0.0.0.0 becomes ${formatAddress(ipv4)}`;
  const dual = ipv6 === undefined
    ? `:: becomes ::ffff:${formatAddress(ipv4!)}, to which only a socket that is not IPV6_V6ONLY ` +
      `can be bound; one that is is left alone`
    : `:: becomes ${formatAddress(ipv6)}, where IPv4 peers do not reach it`;
  return fact(
    `A server that binds the wildcard is bound to the source instead (listen: source): ${plain}; ` +
      `${dual}.`,
  );
}

/** Warnings of `addresses` that cannot serve as a source here, or not for all. */
export function explainAddresses(
  { whenUnkept }: Policy,
  addresses: readonly Address[],
  { local }: KernelView,
): Statement[] {
  const consequence = whenUnkept === "refuse"
    ? "calls that need it fail with EADDRNOTAVAIL (whenUnkept: refuse)"
    : "calls that need it go on as if portpin were not there (whenUnkept: leave)";
  return [...new Set(addresses)].flatMap((address) => {
    const text = formatAddress(address);
    const statements: Statement[] = [];
    if (!local.some((network) => contains(network, address))) {
      statements.push(warning(
        `${text} is on no interface of this host: unless a local route or ip_nonlocal_bind lets ` +
          `it be bound all the same, ${consequence}.`,
      ));
    }
    if (isLoopback(address)) {
      statements.push(warning(`${text} is loopback: nothing beyond this host is reached from it.`));
    }
    return statements;
  });
}

/** The address that `destination` is sent to from; undefined where the kernel chooses. */
export function sourceTo(source: Source, destination: Address): Address | undefined {
  const address = source[familyOf(destination)];
  if (address === undefined) return undefined;
  return isLoopback(destination) && !isLoopback(address) ? undefined : address;
}

/** That address in words, or why there is none. */
export function describeSourceTo(source: Source, destination: Address): string {
  const address = sourceTo(source, destination);
  if (address !== undefined) return formatAddress(address);
  if (isLoopback(destination)) return "natural, because the destination is loopback";
  if (isEmpty(source)) return "the kernel's choice";
  return `the kernel's choice, for want of an ${familyNames[familyOf(destination)]} address in ` +
    formatSource(source);
}
