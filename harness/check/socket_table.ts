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

/**
 * Reads one of the files, of it the sockets that `isWanted`, by inode. A look at a busy machine's table
 * would take too long otherwise.
 */
export function parseTable(
  text: string,
  transport: Transport,
  isWanted: (inode: number) => boolean,
): TableEntry[] {
  const entries: TableEntry[] = [];
  for (const line of text.trimEnd().split("\n").slice(1)) {
    const [, local, remote, state, , , , , , inode] = line.trim().split(/ +/);
    if (!isWanted(Number(inode))) continue;
    const destination = parseHex(remote);
    entries.push({
      transport,
      source: parseHex(local),
      destination: destination.port === 0 ? null : destination,
      isListening: transport === "tcp" && parseInt(state, 16) === listening,
      inode: Number(inode),
    });
  }
  return entries;
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
