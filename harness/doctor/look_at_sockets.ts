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
  socketErrno,
  type SocketKind,
  solIp,
} from "../../generator/raw_socket.ts";
import { askNetlink, headerSize, netlinkRequest, sockDiag } from "../netlink.ts";
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
        socket: socketErrno(kind) ?? null,
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
  return errnoOf(() => {
    const kind = kindOf(transport, "ipv4");
    using ours = new RawSocket(kind);
    const address = ownAddress(kind);
    ours.bind(address, 0);
    if (transport === "tcp") ours.listen();
    askNetlink(sockDiag, exactRequest(kind, address, ours.localPort()));
  }) ?? null;
}

/**
 * struct inet_diag_req_v2 (linux/inet_diag.h) in a request. Both ends are our own address, because
 * UDP and TCP do not agree on which of them comes first.
 */
function exactRequest(
  { domain, protocol }: SocketKind,
  address: Address,
  port: number,
): Uint8Array<ArrayBuffer> {
  const [byFamily, everyState, anyCookie] = [20, 0xffff_ffff, 0xffff_ffff];
  const message = netlinkRequest(byFamily, 0, 8 + 48);
  const view = new DataView(message.buffer, headerSize);
  message.set([domain, protocol], headerSize);
  view.setUint32(4, everyState, true);
  view.setUint16(8, port);
  view.setUint16(10, port);
  const quad = Number(address & 0xffff_ffffn);
  view.setUint32(12, quad);
  view.setUint32(28, quad);
  view.setUint32(48, anyCookie, true);
  view.setUint32(52, anyCookie, true);
  return message;
}
