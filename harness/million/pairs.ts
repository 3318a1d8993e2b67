/**
 * How so many flows are shared out: among *pairs* of a program that connects and one that accepts,
 * because the files that one process may have open are limited. Each pair has a destination of its
 * own, so that no two race for one 4-tuple. Pure.
 */

/** Two programs, and what they are to hold between them. */
export interface Pair {
  readonly destination: string;
  readonly flows: number;
}

/** What every flow leaves from, and the port that it goes to, outside every range. */
export const source = "127.0.0.2";
export const destinationPort = 8080;

/** Open files that are no flows: standard streams, the listener, and what a library needs. */
const otherFiles = 24;

/** Open files of ours for each pair (two programs' pipes and handles), and besides. */
const filesForPair = 8;
const ownFiles = 128;

/** A destination is not filled: the emulation would search long for the last of its ports. */
const filling = 0.7;

/** How many flows a pair may hold where `openFiles` is the limit and there are so many ports. */
export function flowsOfPair(openFiles: number, ports: number): number {
  return Math.max(0, Math.min(openFiles - otherFiles, Math.floor(ports * filling)));
}

/** How many pairs we can have started where `openFiles` is our own limit as well. */
export function pairsWithin(openFiles: number): number {
  return Math.max(0, Math.floor((openFiles - ownFiles) / filesForPair));
}

/** Shares `flows` out, to 127.1.0.1 and on. */
export function planPairs(flows: number, each: number): Pair[] {
  return Array.from({ length: Math.ceil(flows / each) }, (_, index) => ({
    destination: `127.1.${index + 1 >> 8}.${index + 1 & 255}`,
    flows: Math.min(each, flows - index * each),
  }));
}
