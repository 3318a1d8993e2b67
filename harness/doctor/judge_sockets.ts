// What each transport's sockets can do. Pure.

import type { Facts, SocketFacts } from "./facts.ts";
import { bad, fact, good, warning } from "./finding.ts";
import type { Finding } from "./report.ts";

const range = "IP_LOCAL_PORT_RANGE (51)";
const late = "IP_BIND_ADDRESS_NO_PORT (24)";

/** A finding for each transport, or one for each family where these differ. */
export function explainSockets({ sockets }: Facts): Finding[] {
  const alike = Map.groupBy(sockets, ({ family: _, ...rest }) => JSON.stringify(rest));
  return [...alike.values()].map((those) => {
    const families = those.map(({ family }) => family).join(", ");
    return explainSocket(those[0], `${those[0].transport} (${families})`);
  });
}

function explainSocket(socket: SocketFacts, name: string): Finding {
  const { transport, portRange, noPort, honoured } = socket;
  if (socket.socket !== null) {
    return fact(`${name}: no such sockets here: ${socket.socket}`, waysTo[transport]);
  }
  if (portRange !== null || noPort !== null) {
    return warning(
      `${name}: ${state(range, portRange)}; ${state(late, noPort)}`,
      portRange === null ? "Linux 4.2 or newer" : kernelWith51[transport],
    );
  }
  const both = `${name}: ${range} and ${late} can be set`;
  if (honoured === false) return bad(`${both}, but bind(0) does not keep to the range`);
  if (honoured === null) return warning(`${both}; whether it is honoured could not be tried`);
  return good(`${both}; the range is honoured`);
}

function state(option: string, errno: string | null): string {
  return errno === null ? `${option} can be set` : `setting ${option} gives ${errno}`;
}

/** How to get such sockets, where it is not a matter of the kernel's version alone. */
const waysTo: Readonly<Record<SocketFacts["transport"], string | undefined>> = {
  tcp: undefined,
  udp: undefined,
  mptcp: "sysctl -w net.mptcp.enabled=1 (Linux 5.6 or newer, with CONFIG_MPTCP)",
  sctp: "modprobe sctp",
};

/** Mainline: commit 91d0b78c5177 in Linux 6.3; MPTCP followed in 6.8. 6.1.32 has a backport. */
const kernelWith51: Readonly<Record<SocketFacts["transport"], string>> = {
  tcp: "Linux 6.3 or newer, or 6.1.32 of the 6.1 series",
  udp: "Linux 6.3 or newer, or 6.1.32 of the 6.1 series",
  sctp: "Linux 6.3 or newer, or 6.1.32 of the 6.1 series",
  mptcp: "Linux 6.8 or newer",
};
