/**
 * Counts flows by the kernel's own word, and judges them. A *flow* is an established connection;
 * its name is its 4-tuple. Each is remembered as one bit, so a million take a few megabytes.
 *
 * A flow on loopback has two sockets. The one that connected and the one at the other end are asked
 * for apart, and must name the same flows.
 */
import type { PortSet } from "../../generator/ports.ts";
import { formatPorts } from "../../generator/ports.ts";
import { includesPort } from "../judge.ts";
import type { Connected } from "./sock_diag.ts";

/** What was counted at one end. Destinations differ by their address alone. */
export class Census {
  /** For each destination address one bit a source port. */
  readonly #taken = new Map<number, Uint8Array>();
  readonly #sources = new Set<number>();
  #flows = 0;
  #again = 0;

  /** `flow` as the socket that connected has it. */
  add({ local, remote }: Connected): void {
    let ports = this.#taken.get(remote.address);
    if (ports === undefined) this.#taken.set(remote.address, ports = new Uint8Array(1 << 13));
    const [byte, bit] = [local.port >> 3, 1 << (local.port & 7)];
    if ((ports[byte] & bit) !== 0) this.#again++;
    ports[byte] |= bit;
    this.#sources.add(local.address);
    this.#flows++;
  }

  /** How many flows there are. */
  get flows(): number {
    return this.#flows;
  }

  /** How many have a name that another one has. */
  get again(): number {
    return this.#again;
  }

  get sources(): ReadonlySet<number> {
    return this.#sources;
  }

  /** The source ports, ascending. */
  get ports(): number[] {
    const union = new Uint8Array(1 << 13);
    for (const ports of this.#taken.values()) ports.forEach((bits, i) => union[i] |= bits);
    return [...Array(1 << 16).keys()].filter((port) => (union[port >> 3] & 1 << (port & 7)) !== 0);
  }

  /** Whether `other` has the same flows. */
  equals(other: Census): boolean {
    if (this.flows !== other.flows || this.#taken.size !== other.#taken.size) return false;
    return [...this.#taken].every(([address, ports]) => {
      const others = other.#taken.get(address);
      return others !== undefined && ports.every((bits, index) => bits === others[index]);
    });
  }
}

/** The flow as the socket at the other end has it, turned round. */
export function turned({ local, remote }: Connected): Connected {
  return { local: remote, remote: local };
}

/** What must be true of flows. */
export interface Expectation {
  /** How many the programs said they have. */
  readonly flows: number;
  /** The one source address. */
  readonly source: number;
  readonly ports: PortSet;
}

/** What is wrong with the flows that were counted at both ends; nothing when all is well. */
export function censusProblems(
  connected: Census,
  accepted: Census,
  { flows, source, ports }: Expectation,
): string[] {
  const stray = connected.ports.find((port) => !includesPort(ports, port));
  const claims: [boolean, string][] = [
    [connected.flows !== flows, `the kernel has ${connected.flows} flows, not ${flows}`],
    [!connected.equals(accepted), `the other end has other flows (${accepted.flows} of them)`],
    [connected.again > 0, `${connected.again} flows have the 4-tuple of another`],
    [stray !== undefined, `source port ${stray} is not in ${formatPorts(ports)}`],
    [[...connected.sources].some((each) => each !== source), "there is another source address"],
  ];
  return claims.filter(([wrong]) => wrong).map(([, problem]) => problem);
}
