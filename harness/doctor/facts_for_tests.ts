// A machine that can do it all, for the tests of what is made of its facts.

import type { PortRange } from "../../generator/ports.ts";
import type { Facts, RangeFacts } from "./facts.ts";

const transports = ["tcp", "udp", "mptcp", "sctp"] as const;

/** Both transports' facts of a range in which either engine finds `port`. */
export function ranges({ low, high }: PortRange, port = low): RangeFacts[] {
  const attempt = { port, errno: null };
  return (["tcp", "udp"] as const).map((transport) => ({
    low,
    high,
    transport,
    kernel: attempt,
    emulation: attempt,
  }));
}

export const ableFacts: Facts = {
  kernel: { release: "6.18.0", machine: "x86_64" },
  sockets: transports.flatMap((transport) =>
    (["ipv4", "ipv6"] as const).map((family) => ({
      transport,
      family,
      socket: null,
      portRange: null,
      noPort: null,
      honoured: true,
    }))
  ),
  namespace: {
    ipLocalPortRange: "32768-60999",
    ipLocalReservedPorts: "",
    ipUnprivilegedPortStart: 1024,
  },
  ranges: ranges({ low: 60000, high: 60511 }),
  source: [],
  sockDiag: { tcp: null, udp: null },
  ioUring: null,
  programs: {
    libc: [{ name: "glibc", version: "2.36", bits: 64, loader: "/lib64/ld-linux-x86-64.so.2" }],
    library: "/portpin/dist/libportpin.so",
    built: true,
    preload: null,
    secure: false,
  },
  isolation: {
    user: null,
    network: null,
    remedies: [],
    seccomp: ["errno", "user_notif", "allow"],
    filtered: false,
  },
};

/** Those facts where setting option 51 gives ENOPROTOOPT on all sockets. */
export function without51(facts = ableFacts): Facts {
  return {
    ...facts,
    sockets: facts.sockets.map((socket) => ({
      ...socket,
      portRange: "ENOPROTOOPT",
      honoured: null,
    })),
    ranges: facts.ranges.map((range) => ({
      ...range,
      kernel: { port: null, errno: "ENOPROTOOPT" },
    })),
  };
}
