// Tries on real sockets what the engines would do. Each is closed at once, and none says a word to
// anybody.

import { type Address, ipv4First } from "../../generator/address.ts";
import { type KernelView, optionErrno, packRange } from "../../generator/kernel_view.ts";
import type { PortRange, PortSet } from "../../generator/ports.ts";
import {
  errnoOf,
  kindOf,
  option,
  RawSocket,
  type SocketKind,
  solIp,
} from "../../generator/raw_socket.ts";
import type { Attempt, Facts, RangeFacts, SocketFacts } from "./facts.ts";

const transports = ["tcp", "udp", "mptcp", "sctp"] as const;
const families = ["ipv4", "ipv6"] as const;
const [ipv4Loopback, ipv6Loopback] = [ipv4First + 0x7f00_0001n, 1n];
const [ipv4Wildcard, ipv6Wildcard] = [ipv4First, 0n];

/** Every kind of socket whose ports portpin keeps. */
export function lookAtSockets({ ephemeral }: KernelView): SocketFacts[] {
  return transports.flatMap((transport) =>
    families.map((family) => {
      const kind = kindOf(transport, family);
      const { ipLocalPortRange, ipBindAddressNoPort } = option;
      return {
        transport,
        family,
        socket: errnoOf(() => new RawSocket(kind)[Symbol.dispose]()) ?? null,
        portRange: optionErrno(kind, ipLocalPortRange, packRange(ephemeral)) ?? null,
        noPort: optionErrno(kind, ipBindAddressNoPort, 1) ?? null,
        honoured: isHonoured(kind, ephemeral),
      };
    })
  );
}

/** Whether bind(0) keeps to sixteen ports; a kernel that ignores them would hit them once in 1765. */
function isHonoured(kind: SocketKind, { low, high }: PortRange): boolean | null {
  const part = { low: Math.max(low, high - 15), high };
  const { port } = bindAny(kind, part);
  return port === null ? null : part.low <= port && port <= part.high;
}

/** Each range of `ports` on TCP and UDP, tried by both engines' means. */
export function lookAtRanges(ports: PortSet, { unprivilegedFrom }: KernelView): RangeFacts[] {
  return ports.flatMap(({ low, high }) =>
    (["tcp", "udp"] as const).map((transport) => {
      const kind = kindOf(transport, "ipv4");
      const range = { low, high };
      return {
        low,
        high,
        transport,
        kernel: bindAny(kind, range),
        emulation: bindFirst(kind, range, unprivilegedFrom),
      };
    })
  );
}

/** As the kernel engine: the kernel chooses among the range. */
function bindAny(kind: SocketKind, range: PortRange): Attempt {
  let port: number | null = null;
  const errno = errnoOf(() => {
    using socket = new RawSocket(kind);
    socket.setOption(solIp, option.ipLocalPortRange, packRange(range));
    socket.bind(ownAddress(kind), 0);
    port = socket.localPort();
  });
  return { port, errno: errno ?? null };
}

/** As the emulation: port after port from a random start, until one can be bound. */
function bindFirst(
  kind: SocketKind,
  { low, high }: PortRange,
  unprivilegedFrom: number,
): Attempt {
  const size = high - low + 1;
  const start = Math.floor(Math.random() * size);
  let last: string | null = null;
  let socket: RawSocket | undefined;
  last = errnoOf(() => socket = new RawSocket(kind)) ?? null;
  if (socket === undefined) return { port: null, errno: last };
  using bound = socket;
  const address = ownAddress(kind);
  for (let count = 0; count < size; count++) {
    const port = low + (start + count) % size;
    last = errnoOf(() => bound.bind(address, port)) ?? null;
    if (last === null) return { port, errno: null };
    // A sandbox refuses every port; what is privileged is refused alone.
    if (last !== "EADDRINUSE" && port >= unprivilegedFrom) break;
  }
  return { port: null, errno: last };
}

/** Loopback; where it is down, as in a new network namespace, the wildcard. */
function ownAddress(kind: SocketKind): Address {
  const wide = kind.domain === kindOf("tcp", "ipv6").domain;
  const loopback = wide ? ipv6Loopback : ipv4Loopback;
  const down = errnoOf(() => {
    using socket = new RawSocket(kind);
    socket.bind(loopback, 0);
  }) === "EADDRNOTAVAIL";
  if (!down) return loopback;
  return wide ? ipv6Wildcard : ipv4Wildcard;
}

/** What bind() to `address` says; null when it can be sent from. */
export function lookAtSource(address: Address, family: "ipv4" | "ipv6"): string | null {
  return errnoOf(() => {
    using socket = new RawSocket(kindOf("tcp", family));
    socket.bind(address, 0);
  }) ?? null;
}

/** Whether sock_diag(7) finds a socket that is certainly there, by its exact address. */
export function lookAtSockDiag(): Facts["sockDiag"] {
  return { tcp: sockDiagErrno("tcp"), udp: sockDiagErrno("udp") };
}

function sockDiagErrno(transport: "tcp" | "udp"): string | null {
  const [netlink, raw, sockDiag] = [16, 3, 4];
  let errno: string | null = null;
  const thrown = errnoOf(() => {
    const kind = kindOf(transport, "ipv4");
    using ours = new RawSocket(kind);
    const address = ownAddress(kind);
    ours.bind(address, 0);
    if (transport === "tcp") ours.listen();
    using socket = new RawSocket({ domain: netlink, type: raw, protocol: sockDiag });
    const answer = socket.ask(exactRequest(kind, address, ours.localPort()));
    const [error, type] = [2, answer.getUint16(4, true)];
    if (type === error) errno = nameOfAnswer(-answer.getInt32(16, true));
  });
  return thrown ?? errno;
}

/** The one errno that tells something: a module that is not there finds nothing. */
function nameOfAnswer(errno: number): string {
  return errno === 2 ? "ENOENT" : `errno ${errno}`;
}

/**
 * struct nlmsghdr and struct inet_diag_req_v2 (linux/inet_diag.h). Both ends are our own address,
 * because UDP and TCP do not agree on which of them comes first. The header is little endian, as
 * the machines are that Deno runs on.
 */
function exactRequest(
  { domain, protocol }: SocketKind,
  address: Address,
  port: number,
): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(16 + 8 + 48);
  const view = new DataView(message.buffer);
  const [byFamily, request, everyState, anyCookie] = [20, 1, 0xffff_ffff, 0xffff_ffff];
  view.setUint32(0, message.length, true);
  view.setUint16(4, byFamily, true);
  view.setUint16(6, request, true);
  message.set([domain, protocol], 16);
  view.setUint32(20, everyState, true);
  view.setUint16(24, port);
  view.setUint16(26, port);
  const quad = Number(address & 0xffff_ffffn);
  view.setUint32(28, quad);
  view.setUint32(44, quad);
  view.setUint32(64, anyCookie, true);
  view.setUint32(68, anyCookie, true);
  return message;
}
