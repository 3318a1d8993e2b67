// A destination as the user writes it: ADDRESS:PORT/TRANSPORT.

import { familyOf, formatAddress, parseAddress, zoneProblem } from "./address.ts";
import type { Parsed } from "./ports.ts";
import { type Destination, type Transport, transports } from "./rules.ts";

/**
 * Parses `192.0.2.7:443/tcp` or `[2001:db8::1]:53/udp`; without a transport it is tcp. Names are not
 * looked up: what a name means may change before the guest asks.
 */
export function parseDestination(text: string): Parsed<Destination> {
  const slash = text.lastIndexOf("/");
  const [place, word] = slash < 0 ? [text, "tcp"] : [text.slice(0, slash), text.slice(slash + 1)];
  const transport = transports.find((known) => known === word);
  if (transport === undefined) {
    return refuse(
      slash + 1,
      `expected one of ${transports.join(", ")}, not ${JSON.stringify(word)}`,
    );
  }
  return parsePlace(place, transport);
}

function parsePlace(text: string, transport: Transport): Parsed<Destination> {
  const bare = parseAddress(text);
  if (bare !== undefined) {
    const host = text.includes(":") ? `[${text}]` : text;
    return refuse(text.length, `it has no port, expected ${host}:PORT`);
  }
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? "";
  const address = parseAddress(host);
  const isBracketed = match?.[1] !== undefined;
  if (address === undefined || isBracketed !== host.includes(":")) {
    return refuse(0, zoneProblem(host) ?? expected);
  }
  const port = match![3];
  if (!/^(0|[1-9]\d*)$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    const offset = text.length - port.length;
    return refuse(offset, `port ${JSON.stringify(port)} is not within 1-65535`);
  }
  return { ok: true, value: { address, port: Number(port), transport } };
}

const expected = "expected ADDRESS:PORT, an IPv6 address in brackets";

/** The text that {@linkcode parseDestination} reads back as the same destination. */
export function formatDestination({ address, port, transport }: Destination): string {
  const host = formatAddress(address);
  return `${familyOf(address) === "ipv4" ? host : `[${host}]`}:${port}/${transport}`;
}

function refuse(
  offset: number,
  reason: string,
): { ok: false; problems: { offset: number; reason: string }[] } {
  return { ok: false, problems: [{ offset, reason }] };
}
