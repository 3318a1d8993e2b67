/**
 * sock_diag(7): the established TCP sockets over IPv4 of this network namespace. Message layouts
 * are those of linux/netlink.h and linux/inet_diag.h: ports and addresses in network byte order,
 * the rest in the machine's, which is little endian wherever Deno runs.
 */
import { netlinkDump, SystemError } from "../libc.ts";

/** An end of a connection; the address as a number, 127.0.0.1 being 0x7f000001. */
export interface End {
  readonly address: number;
  /** Host byte order. */
  readonly port: number;
}

/** A socket of a connection: this end and the other. */
export interface Connected {
  readonly local: End;
  readonly remote: End;
}

const netlinkSockDiag = 4;
const headerSize = 16;
const [errorType, sockDiagByFamily] = [2, 20];
/** struct inet_diag_msg begins with four bytes; then its struct inet_diag_sockid. */
const idOffset = headerSize + 4;

/** All of those that have `port` at the end named. */
export function* connectedSockets(end: "local" | "remote", port: number): Generator<Connected> {
  for (const part of netlinkDump(netlinkSockDiag, dumpRequest(end, port))) yield* parsePart(part);
}

/** struct nlmsghdr and struct inet_diag_req_v2: a dump of TCP over IPv4, established. */
export function dumpRequest(end: "local" | "remote", port: number): Uint8Array<ArrayBuffer> {
  const [request, dump] = [1, 0x300];
  const [inet, tcp, established] = [2, 6, 1];
  const message = new Uint8Array(headerSize + 56);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, sockDiagByFamily, true);
  view.setUint16(6, request | dump, true);
  message.set([inet, tcp], headerSize);
  view.setUint32(headerSize + 4, 1 << established, true);
  view.setUint16(headerSize + (end === "local" ? 8 : 10), port);
  return message;
}

/**
 * The sockets in one datagram of the answer.
 *
 * @throws {SystemError} where the answer is that the kernel cannot.
 */
export function* parsePart(part: Uint8Array<ArrayBuffer>): Generator<Connected> {
  const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
  for (let at = 0; at + headerSize <= part.length;) {
    const [length, type] = [view.getUint32(at, true), view.getUint16(at + 4, true)];
    if (type === errorType) throw new SystemError("sock_diag", -view.getInt32(at + 16, true));
    const id = at + idOffset;
    if (type === sockDiagByFamily) {
      yield {
        local: { port: view.getUint16(id), address: view.getUint32(id + 4) },
        remote: { port: view.getUint16(id + 2), address: view.getUint32(id + 20) },
      };
    }
    // Each message begins at a multiple of four.
    at += length + 3 & ~3;
  }
}
