// Looks at all there is to look at. Needs no privilege, and leaves nothing behind.

import { familyOf, formatAddress } from "../../generator/address.ts";
import type { KernelView } from "../../generator/kernel_view.ts";
import { formatPorts, type PortSet } from "../../generator/ports.ts";
import { addressesOf, type Source } from "../../generator/source.ts";
import { ioUringErrno } from "../libc.ts";
import type { Facts } from "./facts.ts";
import { lookAtIsolation } from "./look_at_isolation.ts";
import { lookAtPrograms } from "./look_at_programs.ts";
import { lookAtRanges, lookAtSockDiag, lookAtSockets, lookAtSource } from "./look_at_sockets.ts";

/** The facts about `ports` (without any: ip_local_port_range) and `source` under `kernel`. */
export async function examine(
  kernel: KernelView,
  ports: PortSet,
  source: Source,
): Promise<Facts> {
  return {
    kernel: { release: Deno.osRelease(), machine: Deno.build.arch },
    sockets: lookAtSockets(kernel),
    namespace: {
      ipLocalPortRange: formatPorts([kernel.ephemeral]),
      ipLocalReservedPorts: formatPorts(kernel.reserved),
      ipUnprivilegedPortStart: kernel.unprivilegedFrom,
    },
    ranges: lookAtRanges(ports.length === 0 ? [kernel.ephemeral] : ports, kernel),
    source: addressesOf(source).map((address) => ({
      address: formatAddress(address),
      bind: lookAtSource(address, familyOf(address)),
    })),
    sockDiag: lookAtSockDiag(),
    ioUring: ioUringErrno() ?? null,
    programs: await lookAtPrograms(),
    isolation: await lookAtIsolation(),
  };
}
