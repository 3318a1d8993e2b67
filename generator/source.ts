// The source: the address to send from, one for each family at most.

import ipaddr from "ipaddr.js";
import type { Parsed, TextProblem } from "./ports.ts";

/** At least one of the two, in the address's canonical text. */
export interface Source {
  readonly ipv4?: string;
  readonly ipv6?: string;
}

/** Parses one IPv4 and/or one IPv6 address, separated by a comma. */
export function parseSource(text: string): Parsed<Source> {
  const source: { ipv4?: string; ipv6?: string } = {};
  const problems: TextProblem[] = [];
  let offset = 0;
  for (const part of text.split(",")) {
    const address = parseAddress(part);
    if (address === undefined) {
      const found = part === text ? "" : `, not ${JSON.stringify(part)}`;
      problems.push({ offset, reason: `expected an IPv4 or IPv6 address${found}` });
    } else if (source[address.kind()] !== undefined) {
      const family = address.kind() === "ipv4" ? "IPv4" : "IPv6";
      const other = address.kind() === "ipv4" ? "IPv6" : "IPv4";
      problems.push({ offset, reason: `${part} is a second ${family} address, expected ${other}` });
    } else {
      source[address.kind()] = address.toString();
    }
    offset += part.length + 1;
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: source };
}

/** The address, or undefined. Only dotted quads: ipaddr.js alone would take `127.1` and `0x7f`. */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined;
}
