// What of the kernel and of this network namespace decides whether ports can be kept.
//
// Whether the kernel has an option is found by setting it on a socket and reading it back: neither
// version nor header tells, and a seccomp filter may take it away.

import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { ipv4First, parseAddress } from "./address.ts";
import { type Network, networkAround } from "./network.ts";
import { exitStatus, Failure } from "./failure.ts";
import type { PortRange, PortSet } from "./ports.ts";
import { errnoOf, kindOf, option, RawSocket, type SocketKind, solIp } from "./raw_socket.ts";

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

/**
 * Looks at the kernel. Needs no privilege and leaves nothing behind.
 *
 * @throws {Failure} where its settings cannot be read.
 */
export async function viewKernel(): Promise<KernelView> {
  const [low, high] = (await sysctl("ip_local_port_range")).split(/\s+/).map(Number);
  const tcp = kindOf("tcp", "ipv4");
  return {
    ephemeral: { low, high },
    reserved: parseReserved(await sysctl("ip_local_reserved_ports")),
    // Before Linux 4.11 the limit was this constant.
    unprivilegedFrom: Number(await sysctl("ip_unprivileged_port_start", "1024")),
    portRangeErrno: optionErrno(tcp, option.ipLocalPortRange, packRange({ low, high })),
    noPortErrno: optionErrno(tcp, option.ipBindAddressNoPort, 1),
    local: localNetworks(),
  };
}

/**
 * The interfaces' addresses; of IPv4 on loopback the whole network is local (127.0.0.9, too). Where
 * a sandbox forbids to ask, every address: of what nobody knows nobody is warned.
 */
function localNetworks(): Network[] {
  const addresses = askInterfaces();
  if (addresses === undefined) return [networkAround(0n, 0), networkAround(ipv4First, 96)];
  return addresses.map(({ address, cidr, family, internal }) => {
    const whole = family === "IPv4" && internal && cidr !== null;
    return networkAround(parseAddress(address)!, whole ? 96 + Number(cidr.split("/")[1]) : 128);
  });
}

function askInterfaces(): NetworkInterfaceInfo[] | undefined {
  try {
    return Object.values(networkInterfaces()).flatMap((entries = []) => entries);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

/**
 * The sysctl's value; `absent` where this kernel has no such sysctl.
 *
 * @throws {Failure} where it cannot be read, as in a sandbox without /proc/sys.
 */
async function sysctl(name: string, absent?: string): Promise<string> {
  try {
    return (await Deno.readTextFile(`/proc/sys/net/ipv4/${name}`)).trim();
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound;
    if (absent !== undefined && isAbsent) return absent;
    if (!isAbsent && !(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new Failure(`portpin: Cannot look at the kernel: ${error.message}`, exitStatus.failed);
  }
}

/** The kernel's list of ports and ranges, which may be empty and longer than any policy's. */
function parseReserved(text: string): PortSet {
  return text.split(",").filter((part) => part !== "").map((part) => {
    const [low, high = low] = part.split("-").map(Number);
    return { low, high };
  });
}

/** The errno of setting `name` to `value` on a new socket; undefined when it reads back. */
export function optionErrno(kind: SocketKind, name: number, value: number): string | undefined {
  let got: number | undefined;
  const errno = errnoOf(() => {
    using socket = new RawSocket(kind);
    socket.setOption(solIp, name, value);
    got = socket.getOption(solIp, name);
  });
  if (errno !== undefined) return errno;
  return got === value ? undefined : "no error, but it reads back as another value";
}

/** IP_LOCAL_PORT_RANGE's value for a range: the high port is the upper half. */
export function packRange({ low, high }: PortRange): number {
  return (high << 16 | low) >>> 0;
}
