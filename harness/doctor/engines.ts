// Which engine keeps the ports of which sockets, or why none does. Pure.
//
// It follows the shim: of `auto` the kernel engine takes a socket whose option 51 can be set, where
// ip_local_port_range holds all ports; the emulation takes what is left.

import type { KernelView } from "../../generator/kernel_view.ts";
import type { Engine } from "../../generator/policy.ts";
import { commonPorts, countPorts, formatPorts, type PortSet } from "../../generator/ports.ts";
import type { Facts, RangeFacts, SocketFacts } from "./facts.ts";

/** How the ports of one kind of socket are kept. */
export interface SocketEngine {
  readonly transport: SocketFacts["transport"];
  readonly family: SocketFacts["family"];
  readonly engine: Exclude<Engine, "auto"> | null;
}

/** Why an engine cannot keep the ports of a socket; undefined when it can. */
export type Reason = string | undefined;

/** What decides: the ports in use (empty: none in particular), and the engine that was asked for. */
export interface Question {
  readonly kernel: KernelView;
  readonly ports: PortSet;
  readonly engine: Engine;
}

/** The engine of every kind of socket that there is. */
export function enginesOf(facts: Facts, question: Question): SocketEngine[] {
  return facts.sockets.filter(({ socket }) => socket === null).map((socket) => ({
    transport: socket.transport,
    family: socket.family,
    engine: engineOf(socket, facts, question),
  }));
}

function engineOf(
  socket: SocketFacts,
  { ranges }: Facts,
  question: Question,
): SocketEngine["engine"] {
  const { engine, kernel, ports } = question;
  // Once the option can be set and the range holds the ports, the shim trusts the kernel.
  const chosen = engine !== "auto"
    ? engine
    : socket.portRange === null && outside(ports, kernel).length === 0
    ? "kernel"
    : "emulation";
  const reason = chosen === "kernel"
    ? kernelReason(socket, ranges, question)
    : emulationReason(socket, ranges, question);
  return reason === undefined ? chosen : null;
}

/** Why the kernel engine cannot keep the ports of `socket`. */
export function kernelReason(
  socket: SocketFacts,
  ranges: readonly RangeFacts[],
  { kernel, ports }: Question,
): Reason {
  const missing = outside(ports, kernel);
  if (socket.portRange !== null) {
    return `setting IP_LOCAL_PORT_RANGE (option 51) gives ${socket.portRange}`;
  }
  if (socket.honoured === false) return "bind(0) gave a port outside the range that was set";
  if (missing.length > 0) {
    return `ip_local_port_range does not hold ${formatPorts(missing)}`;
  }
  const wrong = rangesOf(socket, ranges).find(({ low, high, kernel: { port } }) =>
    port !== null && (port < low || port > high)
  );
  if (wrong !== undefined) {
    return `bind(0) within ${formatPorts([wrong])} gave port ${wrong.kernel.port}`;
  }
  return usableReason(ports, kernel);
}

/** Why the emulation cannot keep the ports of `socket`: bind() must work for some port at least. */
export function emulationReason(
  socket: SocketFacts,
  ranges: readonly RangeFacts[],
  { kernel, ports }: Question,
): Reason {
  const attempts = rangesOf(socket, ranges).map(({ emulation }) => emulation);
  // A port that is busy now may be free later.
  const possible = attempts.some(({ port, errno }) => port !== null || errno === "EADDRINUSE");
  if (!possible) return `bind() to one of the ports gives ${attempts[0]?.errno ?? "no port"}`;
  return usableReason(ports, kernel);
}

function usableReason(ports: PortSet, { reserved }: KernelView): Reason {
  const count = countPorts(ports);
  if (count === 0 || countPorts(commonPorts(ports, reserved)) < count) return undefined;
  return "ip_local_reserved_ports holds every one of them";
}

/** The ranges of `ports` that ip_local_port_range does not hold whole. */
export function outside(ports: PortSet, { ephemeral }: KernelView): PortSet {
  return ports.filter(({ low, high }) => low < ephemeral.low || high > ephemeral.high);
}

/** What was tried for sockets like this one: UDP's ports are its own, the others' go as TCP's. */
function rangesOf({ transport }: SocketFacts, ranges: readonly RangeFacts[]): RangeFacts[] {
  const tried = transport === "udp" ? "udp" : "tcp";
  return ranges.filter((range) => range.transport === tried);
}
