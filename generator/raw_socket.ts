// Sockets as the kernel has them: made, asked and bound by the calls of libc, because Deno's own
// network API knows neither the options nor the errors. For looking at a kernel, not for traffic.
//
// A call that fails throws a CallError, which names the errno. Nothing here blocks.
// (harness/libc.ts has the calls that are about no socket.)

import { getSystemErrorName } from "node:util";
import { type Address, bytesOf, familyOf, sixteenBytes } from "./address.ts";

/** The libc of this process: Deno is built for glibc alone. */
const { symbols: libc } = Deno.dlopen("libc.so.6", {
  __errno_location: { parameters: [], result: "pointer" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
});

/** From linux/in.h and linux/socket.h; alike on every architecture that Deno runs on. */
export const solIp = 0;
export const option = { ipBindAddressNoPort: 24, ipLocalPortRange: 51 } as const;
const addressFamily = { ipv4: 2, ipv6: 10 } as const;
const [sockStream, sockDgram] = [1, 2];
const [closeOnExec, doNotWait] = [0o2000000, 0x40];

/** What socket(2) is told. */
export interface SocketKind {
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
}

/** Type and protocol of the transports whose ports portpin keeps. */
const kinds = {
  tcp: { type: sockStream, protocol: 6 },
  udp: { type: sockDgram, protocol: 17 },
  mptcp: { type: sockStream, protocol: 262 },
  sctp: { type: sockStream, protocol: 132 },
} as const;

export type SocketTransport = keyof typeof kinds;

/** The sockets whose ports portpin keeps. */
export function kindOf(transport: SocketTransport, family: "ipv4" | "ipv6"): SocketKind {
  return { domain: addressFamily[family], ...kinds[transport] };
}

/** A call failed; `errno` is its name, such as `ENOPROTOOPT`. */
export class CallError extends Error {
  override readonly name = "CallError";

  constructor(call: string, readonly errno: string) {
    super(`${call}: ${errno}`);
  }
}

/** The errno of what `action` calls; undefined when nothing fails. */
export function errnoOf(action: () => void): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof CallError) return error.errno;
    throw error;
  }
}

/** The errno of making such a socket; undefined when there are some. */
export function socketErrno(kind: SocketKind): string | undefined {
  return errnoOf(() => new RawSocket(kind)[Symbol.dispose]());
}

/** A socket; `using` closes it. */
export class RawSocket implements Disposable {
  readonly #fd: number;

  /** @throws {CallError} where there is no such socket. */
  constructor(private readonly kind: SocketKind) {
    this.#fd = checked("socket", libc.socket(kind.domain, kind.type | closeOnExec, kind.protocol));
  }

  /** Sets a 32-bit option. @throws {CallError} */
  setOption(level: number, name: number, value: number): void {
    const bytes = Uint32Array.of(value);
    checked("setsockopt", libc.setsockopt(this.#fd, level, name, bytes, bytes.byteLength));
  }

  /** Reads a 32-bit option. @throws {CallError} */
  getOption(level: number, name: number): number {
    const bytes = new Uint32Array(1);
    const length = Uint32Array.of(bytes.byteLength);
    checked("getsockopt", libc.getsockopt(this.#fd, level, name, bytes, length));
    return bytes[0];
  }

  /** Binds to `address` (`::` for an IPv6 socket's wildcard) and `port`, 0 being any. @throws {CallError} */
  bind(address: Address, port: number): void {
    const name = this.#socketAddress(address, port);
    checked("bind", libc.bind(this.#fd, name, name.length));
  }

  /** @throws {CallError} */
  listen(): void {
    checked("listen", libc.listen(this.#fd, 1));
  }

  /** The port that it is bound to; 0 when none. @throws {CallError} */
  localPort(): number {
    const name = new Uint8Array(28);
    const length = Uint32Array.of(name.length);
    checked("getsockname", libc.getsockname(this.#fd, name, length));
    return new DataView(name.buffer).getUint16(2);
  }

  /** Sends one message, whole. @throws {CallError} */
  send(message: Uint8Array<ArrayBuffer>): void {
    checked("send", Number(libc.send(this.#fd, message, BigInt(message.length), doNotWait)));
  }

  /** Reads the message that is there into `room`; how many bytes it has. @throws {CallError} */
  receive(room: Uint8Array<ArrayBuffer>): number {
    return checked("recv", Number(libc.recv(this.#fd, room, BigInt(room.length), doNotWait)));
  }

  /** struct sockaddr_in or sockaddr_in6: the family as the machine has it, the rest as it is sent. */
  #socketAddress(address: Address, port: number): Uint8Array<ArrayBuffer> {
    const wide = this.kind.domain === addressFamily.ipv6;
    if (!wide && familyOf(address) !== "ipv4") {
      throw new TypeError("Cannot bind an IPv4 socket to an IPv6 address");
    }
    const name = new Uint8Array(wide ? 28 : 16);
    new Uint16Array(name.buffer)[0] = this.kind.domain;
    new DataView(name.buffer).setUint16(2, port);
    name.set(wide ? sixteenBytes(address) : bytesOf(address), wide ? 8 : 4);
    return name;
  }

  [Symbol.dispose](): void {
    libc.close(this.#fd);
  }
}

/** The result of a call that says -1 when it fails; errno must be read at once. */
function checked(call: string, result: number): number {
  if (result >= 0) return result;
  const errno = new Deno.UnsafePointerView(libc.__errno_location()!).getInt32();
  throw new CallError(call, nameOfErrno(errno));
}

/** The name of an errno's number, `ENOPROTOOPT`; in Linux's words where Node has others, or none. */
export function nameOfErrno(errno: number): string {
  const more: Readonly<Record<number, string>> = { 94: "ESOCKTNOSUPPORT", 95: "EOPNOTSUPP" };
  return more[errno] ?? getSystemErrorName(-errno) ?? `errno ${errno}`;
}
