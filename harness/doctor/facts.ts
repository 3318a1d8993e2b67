// What `portpin doctor` finds out by looking, before anybody judges it.
//
// Whatever could be asked by doing it was done: an errno is what the kernel said to us just now.

import { z } from "zod";

/** The name of an errno, or null where the call succeeded. */
const Errno = z.string().nullable().describe("The errno's name; null where it works.");

/** One kind of socket. */
export const SocketFacts = z.strictObject({
  transport: z.enum(["tcp", "udp", "mptcp", "sctp"]),
  family: z.enum(["ipv4", "ipv6"]),
  socket: Errno.describe("What socket(2) says; null where there are such sockets."),
  portRange: Errno.describe("What setting IP_LOCAL_PORT_RANGE (51) gives; null where it works."),
  noPort: Errno.describe("What setting IP_BIND_ADDRESS_NO_PORT (24) gives; null where it works."),
  honoured: z.boolean().nullable().describe(
    "Whether bind(0) gave a port of a range inside ip_local_port_range; null where it gave none.",
  ),
});
export type SocketFacts = z.infer<typeof SocketFacts>;

/** What came of one attempt to get a port. */
const Attempt = z.strictObject({
  port: z.int().nullable().describe("The port that was given, wherever it lies; null where none."),
  errno: Errno,
});
export type Attempt = z.infer<typeof Attempt>;

/** One range of the ports, tried as each engine would. */
export const RangeFacts = z.strictObject({
  low: z.int(),
  high: z.int(),
  transport: z.enum(["tcp", "udp"]),
  kernel: Attempt.describe("bind(0) with IP_LOCAL_PORT_RANGE set to the range."),
  emulation: Attempt.describe("bind() to one port of the range after another, until one is free."),
});
export type RangeFacts = z.infer<typeof RangeFacts>;

/** A C library that programs here may use. */
export const LibcFacts = z.strictObject({
  name: z.enum(["glibc", "musl"]),
  version: z.string().nullable().describe("null where it did not say."),
  bits: z.union([z.literal(32), z.literal(64)]),
  loader: z.string().describe("The path of its dynamic linker."),
});
export type LibcFacts = z.infer<typeof LibcFacts>;

export const Facts = z.strictObject({
  kernel: z.strictObject({ release: z.string(), machine: z.string() }),
  sockets: z.array(SocketFacts),
  namespace: z.strictObject({
    ipLocalPortRange: z.string().describe("LOW-HIGH"),
    ipLocalReservedPorts: z.string().describe("Ports and ranges separated by commas; may be empty"),
    ipUnprivilegedPortStart: z.int(),
  }),
  ranges: z.array(RangeFacts).describe(
    "The ports that were asked about, or ip_local_port_range where none were.",
  ),
  source: z.array(z.strictObject({ address: z.string(), bind: Errno })),
  sockDiag: z.strictObject({ tcp: Errno, udp: Errno }).describe(
    "What looking up a socket of our own by sock_diag(7) gives; ENOENT: its module is not there.",
  ),
  ioUring: Errno,
  programs: z.strictObject({
    libc: z.array(LibcFacts),
    library: z.string().describe("The general library, as LD_PRELOAD names it."),
    built: z.boolean(),
    preload: z.string().nullable().describe(
      "Why a program did not run with the library; null where it did, or where none is built.",
    ),
    secure: z.boolean().describe("AT_SECURE of this process: loaders then ignore LD_PRELOAD."),
  }),
  isolation: z.strictObject({
    user: z.string().nullable().describe("Why no user namespace can be made; null where it can."),
    network: z.string().nullable().describe("The same of a network namespace."),
    remedies: z.array(z.string()).describe("Sysctl settings that would allow them."),
    seccomp: z.array(z.string()).describe("Actions that a seccomp filter may take; may be empty."),
    filtered: z.boolean().describe("Whether a seccomp filter is in force already."),
  }).describe("What the tests need."),
});

/** What this kernel, this network namespace and these libcs can do. */
export type Facts = z.infer<typeof Facts>;
