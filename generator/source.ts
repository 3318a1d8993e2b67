// The source: the address to send from, one for each family at most.

import {
  type Address,
  familyNames,
  familyOf,
  formatAddress,
  isBroadcast,
  isMulticast,
  isUnspecified,
  parseAddress,
  zoneProblem,
} from "./address.ts";
import type { Parsed, TextProblem } from "./ports.ts";

/** At most one address of each family; where there is none the kernel chooses. */
export interface Source {
  readonly ipv4?: Address;
  readonly ipv6?: Address;
}

/** The form of a source, for the JSON schema. */
export const sourcePattern = "^[0-9A-Fa-f.:]+(,[0-9A-Fa-f.:]+)?$";

/** Parses one IPv4 and/or one IPv6 address, separated by a comma. */
export function parseSource(text: string): Parsed<Source> {
  const source: { ipv4?: Address; ipv6?: Address } = {};
  const problems: TextProblem[] = [];
  let offset = 0;
  for (const part of text.split(",")) {
    const address = parseAddress(part);
    if (address === undefined) {
      const found = part === text ? "" : `, not ${JSON.stringify(part)}`;
      const reason = zoneProblem(part) ?? `expected an IPv4 or IPv6 address${found}`;
      problems.push({ offset, reason });
    } else {
      const family = familyOf(address);
      const reason = sourceProblem(part, address) ??
        (source[family] === undefined ? undefined : secondProblem(part, address));
      if (reason !== undefined) problems.push({ offset, reason });
      source[family] ??= address;
    }
    offset += part.length + 1;
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: source };
}

/** Why nothing can be sent from `address`, which `text` spells; undefined when it can. */
function sourceProblem(text: string, address: Address): string | undefined {
  if (isUnspecified(address)) {
    return `${text} is unspecified: without a source the kernel chooses the address`;
  }
  if (isMulticast(address)) return `${text} is multicast: nothing is sent from a group`;
  if (isBroadcast(address)) return `${text} is everybody: nothing is sent from there`;
  return mappedProblem(text, address);
}

/** Why an IPv4 address cannot be written as IPv6. */
function mappedProblem(text: string, address: Address): string | undefined {
  if (familyOf(address) === "ipv6" || !text.includes(":")) return undefined;
  return `${text} is IPv4, write it as ${formatAddress(address)}`;
}

function secondProblem(text: string, address: Address): string {
  const family = familyOf(address);
  const other = familyNames[family === "ipv4" ? "ipv6" : "ipv4"];
  return `${text} is a second ${familyNames[family]} address, expected ${other}`;
}

/** The text that {@linkcode parseSource} reads back as the same source. */
export function formatSource(source: Source): string {
  return addressesOf(source).map(formatAddress).join(",");
}

/** What it has, IPv4 first. */
export function addressesOf({ ipv4, ipv6 }: Source): Address[] {
  return [ipv4, ipv6].filter((address) => address !== undefined);
}

/** Whether there is no address: the kernel chooses for both families. */
export function isEmpty(source: Source): boolean {
  return addressesOf(source).length === 0;
}
