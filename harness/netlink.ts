/**
 * netlink(7): asks a subsystem of the kernel, which has answered before send(2) returns.
 *
 * Fields are in the machine's byte order, which is little endian wherever Deno runs, but for ports
 * and addresses: those are as they are sent.
 */
import { CallError, nameOfErrno, RawSocket } from "../generator/raw_socket.ts";

/** The subsystems that are asked here: interfaces and addresses, rtnetlink(7); sock_diag(7). */
export const [route, sockDiag] = [0, 4];

/** The size of struct nlmsghdr, which every message begins with. */
export const headerSize = 16;

/** The types of message that every subsystem knows. */
const [errorType, doneType] = [2, 3];
const requestFlag = 1;

/** A request of this type, with `flags` besides NLM_F_REQUEST; `size` bytes behind the header are 0. */
export function netlinkRequest(
  type: number,
  flags: number,
  size: number,
): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(headerSize + size);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, requestFlag | flags, true);
  return message;
}

/**
 * Does what has one answer: a message, or an acknowledgement (NLM_F_ACK).
 *
 * @throws {CallError} where the kernel refuses.
 */
export function askNetlink(protocol: number, request: Uint8Array<ArrayBuffer>): void {
  using socket = new NetlinkSocket(protocol);
  socket.send(request);
  Array.from(socket.receive());
}

/**
 * What the kernel answers to a dump (NLM_F_DUMP), message by message, up to and without the end. A
 * message begins with its header, and is valid until the next one.
 *
 * @throws {CallError} where the kernel refuses.
 */
export function* netlinkDump(
  protocol: number,
  request: Uint8Array<ArrayBuffer>,
): Generator<DataView> {
  using socket = new NetlinkSocket(protocol);
  socket.send(request);
  while (true) {
    for (const message of socket.receive()) {
      if (typeOf(message) === doneType) return;
      yield message;
    }
  }
}

class NetlinkSocket implements Disposable {
  readonly #socket: RawSocket;
  /** The kernel fills up to 32 KiB where a reader offers as much. */
  readonly #room = new Uint8Array(1 << 16);

  constructor(protocol: number) {
    const [netlink, raw] = [16, 3];
    this.#socket = new RawSocket({ domain: netlink, type: raw, protocol });
  }

  send(request: Uint8Array<ArrayBuffer>): void {
    this.#socket.send(request);
  }

  /** The messages of one datagram. @throws {CallError} where one says that the kernel refuses. */
  receive(): Generator<DataView> {
    return messagesIn(this.#room.subarray(0, this.#socket.receive(this.#room)));
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** The messages of a datagram. @throws {CallError} */
export function* messagesIn(datagram: Uint8Array<ArrayBuffer>): Generator<DataView> {
  const { buffer, byteOffset } = datagram;
  for (let at = 0; at + headerSize <= datagram.length;) {
    const length = new DataView(buffer, byteOffset + at).getUint32(0, true);
    const message = new DataView(buffer, byteOffset + at, length);
    throwErrnoIn(message);
    yield message;
    // Each message begins at a multiple of four.
    at += length + 3 & ~3;
  }
}

/** An error and the end of a dump begin with an errno made negative; 0 says that all went well. */
function throwErrnoIn(message: DataView): void {
  const type = typeOf(message);
  if (type !== errorType && type !== doneType) return;
  const errno = -message.getInt32(headerSize, true);
  if (errno > 0) throw new CallError("netlink", nameOfErrno(errno));
}

function typeOf(message: DataView): number {
  return message.getUint16(4, true);
}
