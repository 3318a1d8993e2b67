/**
 * The kernel's socket table as text: /proc/net/{tcp,tcp6,udp,udp6}, see proc_net(5). Read by whoever may
 * read /proc, without a privilege. Ports are in host byte order.
 */
import ipaddr from "ipaddr.js";
import type { Endpoint, Transport } from "../observe.ts";

/** One socket that has a local port. */
export interface TableEntry {
  readonly transport: Transport;
  readonly source: Endpoint;
  /** Null while it is connected to nobody. */
  readonly destination: Endpoint | null;
  readonly isListening: boolean;
  /** Of the socket, as /proc/PID/fd names it; 0 once no process has it. */
  readonly inode: number;
}

/** The files of a network namespace's table, below /proc/PID/net. */
export const tableFiles: readonly (readonly [file: string, transport: Transport])[] = [
  ["tcp", "tcp"],
  ["tcp6", "tcp"],
  ["udp", "udp"],
  ["udp6", "udp"],
];

/** TCP_LISTEN of include/net/tcp_states.h. */
const listening = 0x0a;

/** Reads one of the files. */
export function parseTable(text: string, transport: Transport): TableEntry[] {
  return text.trimEnd().split("\n").slice(1).map((line) => {
    const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
    const destination = parseHex(remote);
    return {
      transport,
      source: parseHex(local),
      destination: destination.port === 0 ? null : destination,
      isListening: transport === "tcp" && parseInt(state, 16) === listening,
      inode: Number(inode),
    };
  });
}

/** `0100007F:1F90`: 32-bit words in the machine's byte order, which is little endian where Deno runs. */
function parseHex(text: string): Endpoint {
  const [address, port] = text.split(":");
  const bytes = address.match(/.{8}/g)!.flatMap((word) => word.match(/../g)!.reverse());
  const plain = ipaddr.fromByteArray(bytes.map((byte) => parseInt(byte, 16)));
  return { address: plainAddress(plain.toString()), port: parseInt(port, 16) };
}

/** One spelling for each address; a mapped one as the IPv4 address that it stands for. */
export function plainAddress(text: string): string {
  const parsed = ipaddr.process(text);
  return parsed.kind() === "ipv6" ? (parsed as ipaddr.IPv6).toRFC5952String() : parsed.toString();
}
