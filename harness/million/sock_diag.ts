/**
 * sock_diag(7): the established TCP sockets over IPv4 of this network namespace. Message layouts
 * are those of linux/inet_diag.h.
 */
import { headerSize, netlinkDump, netlinkRequest, sockDiag } from "../netlink.ts";

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

const sockDiagByFamily = 20;
/** struct inet_diag_msg begins with four bytes; then its struct inet_diag_sockid. */
const idOffset = headerSize + 4;

/** All of those that have `port` at the end named. */
export function* connectedSockets(end: "local" | "remote", port: number): Generator<Connected> {
  for (const message of netlinkDump(sockDiag, dumpRequest(end, port))) yield parseSocket(message);
}

/** struct inet_diag_req_v2: a dump of TCP over IPv4, established. */
function dumpRequest(end: "local" | "remote", port: number): Uint8Array<ArrayBuffer> {
  const [dump, inet, tcp, established] = [0x300, 2, 6, 1];
  const message = netlinkRequest(sockDiagByFamily, dump, 8 + 48);
  const view = new DataView(message.buffer, headerSize);
  message.set([inet, tcp], headerSize);
  view.setUint32(4, 1 << established, true);
  view.setUint16(end === "local" ? 8 : 10, port);
  return message;
}

/** Of the header, then struct inet_diag_msg. */
function parseSocket(message: DataView): Connected {
  return {
    local: { port: message.getUint16(idOffset), address: message.getUint32(idOffset + 4) },
    remote: { port: message.getUint16(idOffset + 2), address: message.getUint32(idOffset + 20) },
  };
}
