/** What more than one act concludes, each from the same measurement. */
import { type Approach, isOurs, portCount } from "./approaches.ts";
import type { Neighbour, Sample, Transport } from "./measurements.ts";
import { addresses } from "./peers.ts";
import type { Conclusion, Stage } from "./stage.ts";

/** How many connections a program had: to the first destination, and to all three. */
export function counts({ ports }: Sample): { readonly one: number; readonly all: number } {
  return { one: ports[0].length, all: ports.flat().length };
}

/** Whether every source port was one of ours; no port at all is no port kept. */
export function isKept({ ports }: Sample): boolean {
  const all = ports.flat();
  return all.length > 0 && all.every(isOurs);
}

function outOfOurs({ ports }: Sample): string {
  const all = ports.flat();
  return `${all.filter(isOurs).length} of ${all.length} ports are ours`;
}

export function keeps(sample: Sample): Conclusion {
  const claim = "Every connection leaves from one of our ports.";
  return { claim, holds: isKept(sample), measured: outOfOurs(sample) };
}

export function strays(sample: Sample): Conclusion {
  const claim = "The program does not keep to our ports.";
  return { claim, holds: !isKept(sample), measured: outOfOurs(sample) };
}

/** TCP: all ports to each destination, and then an error. */
export function sharesPorts(sample: Sample): Conclusion {
  const { one, all } = counts(sample);
  return {
    claim: "Each port carries a TCP connection to every destination, and then comes an error.",
    holds: sample.ports.every((ports) => new Set(ports).size === portCount) &&
      sample.errnos.every((errno) => errno !== undefined),
    measured: `${one} connections to one destination, ${all} to ${addresses.length}`,
  };
}

/** UDP: a port is taken for all destinations. */
export function stopsAtPorts(sample: Sample): Conclusion {
  const { one, all } = counts(sample);
  return {
    claim: "UDP flows stop when each port is used once, wherever they go to.",
    holds: one === portCount && all === portCount && sample.errnos.every((errno) => errno),
    measured: `${one} flows to one destination, ${all} to ${addresses.length}`,
  };
}

/** Whether other programs can use the ports that an approach holds, for other destinations. */
export function leavesPorts({ held, lost }: Neighbour): Conclusion {
  return {
    claim: "Another program can be given each port for its own destination meanwhile.",
    holds: held > 0 && lost === 0,
    measured: `${lost} of ${held} ports are lost to it`,
  };
}

export function losesPorts({ held, lost }: Neighbour): Conclusion {
  return {
    claim: "The kernel gives these ports to no other program, whatever its destination.",
    holds: held > 0 && lost === held,
    measured: `${lost} of ${held} ports are lost to it`,
  };
}

export function freely(isNeeded: boolean): Conclusion {
  const claim = "It works without any privilege.";
  return { claim, holds: !isNeeded, measured: privilege(isNeeded) };
}

export function privilegedOnly(isNeeded: boolean): Conclusion {
  const claim = "Making it takes a privilege.";
  return { claim, holds: isNeeded, measured: privilege(isNeeded) };
}

function privilege(isNeeded: boolean): string {
  return isNeeded ? "without capabilities it is refused" : "without capabilities all is the same";
}

/** Runs the program to three destinations over `transport`, shows it, and gives what it had. */
export async function run(
  stage: Stage,
  approach: Approach,
  transport: Transport,
): Promise<Sample> {
  const sample = await stage.measurements.sample(approach, transport);
  stage.output(approach, sample);
  return sample;
}
