// What of the kernel and of this network namespace decides whether ports can be kept.
//
// Whether the kernel has an option is found by setting it on a socket and reading it back: neither
// version nor header tells, and a seccomp filter may take it away.

import { networkInterfaces } from "node:os";
import { getSystemErrorName } from "node:util";
import { parseAddress } from "./address.ts";
import { type Network, networkAround } from "./network.ts";
import type { PortRange, PortSet } from "./ports.ts";

/** The kernel and the network namespace as this process sees them. */
export interface KernelView {
  /** `net.ipv4.ip_local_port_range`. */
  readonly ephemeral: PortRange;
  /** `net.ipv4.ip_local_reserved_ports`. */
  readonly reserved: PortSet;
  /** `net.ipv4.ip_unprivileged_port_start`: ports below it need CAP_NET_BIND_SERVICE. */
  readonly unprivilegedFrom: number;
  /** The errno that setting IP_LOCAL_PORT_RANGE on a TCP socket gives; undefined when it works. */
  readonly portRangeErrno: string | undefined;
  /** The errno that setting IP_BIND_ADDRESS_NO_PORT on a TCP socket gives; undefined as above. */
  readonly noPortErrno: string | undefined;
  /** What the interfaces that are up let be bound. */
  readonly local: readonly Network[];
}

/** Looks at the kernel. Needs no privilege and leaves nothing behind. */
export async function viewKernel(): Promise<KernelView> {
  const [low, high] = (await sysctl("ip_local_port_range")).split(/\s+/).map(Number);
  const { ipLocalPortRange, ipBindAddressNoPort } = option;
  return {
    ephemeral: { low, high },
    reserved: parseReserved(await sysctl("ip_local_reserved_ports")),
    unprivilegedFrom: Number(await sysctl("ip_unprivileged_port_start")),
    portRangeErrno: probe(ipLocalPortRange, high << 16 | low),
    noPortErrno: probe(ipBindAddressNoPort, 1),
    local: localNetworks(),
  };
}

/** The interfaces' addresses; of IPv4 on loopback the whole network is local (127.0.0.9, too). */
function localNetworks(): Network[] {
  return Object.values(networkInterfaces()).flatMap((entries = []) =>
    entries.map(({ address, cidr, family, internal }) => {
      const whole = family === "IPv4" && internal && cidr !== null;
      return networkAround(parseAddress(address)!, whole ? 96 + Number(cidr.split("/")[1]) : 128);
    })
  );
}

async function sysctl(name: string): Promise<string> {
  return (await Deno.readTextFile(`/proc/sys/net/ipv4/${name}`)).trim();
}

/** The kernel's list of ports and ranges, which may be empty and longer than any policy's. */
function parseReserved(text: string): PortSet {
  return text.split(",").filter((part) => part !== "").map((part) => {
    const [low, high = low] = part.split("-").map(Number);
    return { low, high };
  });
}

/** From linux/in.h and linux/socket.h; alike on every architecture that Deno runs on. */
const option = { ipBindAddressNoPort: 24, ipLocalPortRange: 51 };
const [afInet, sockStream, solIp] = [2, 1, 0];

/** The errno of setting `name` to `value` on a new TCP socket; undefined when it reads back. */
function probe(name: number, value: number): string | undefined {
  const libc = openLibc();
  const { close, getsockopt, setsockopt, socket } = libc.symbols;
  let fd = -1;
  try {
    fd = socket(afInet, sockStream, 0);
    if (fd < 0) return errno(libc);
    const set = Uint32Array.of(value);
    if (setsockopt(fd, solIp, name, set, set.byteLength) !== 0) return errno(libc);
    const got = new Uint32Array(1);
    const length = Uint32Array.of(got.byteLength);
    if (getsockopt(fd, solIp, name, got, length) !== 0) return errno(libc);
    return got[0] === set[0] ? undefined : "no error, but it reads back as another value";
  } finally {
    if (fd >= 0) close(fd);
    libc.close();
  }
}

/** The libc of this process: Deno is built for glibc alone. */
function openLibc() {
  return Deno.dlopen("libc.so.6", {
    __errno_location: { parameters: [], result: "pointer" },
    close: { parameters: ["i32"], result: "i32" },
    getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
    setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  });
}

/** The name of the errno that the last call left. */
function errno({ symbols }: ReturnType<typeof openLibc>): string {
  const location = symbols.__errno_location()!;
  return getSystemErrorName(-new Deno.UnsafePointerView(location).getInt32());
}
