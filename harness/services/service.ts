/**
 * What every kind of service has in common: where it listens, how a case addresses it, how it ends.
 *
 * Services listen outside the case's ports and outside the ephemeral ports, so that they take no
 * port from the guest, and a guest's port is never a service's by chance.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Family } from "../case.ts";
import type { Endpoint, Record as Recorder } from "../observe.ts";
import { type Place, withZone } from "../places.ts";
import { freePort } from "../servers/free_port.ts";

/** A service while a program runs. */
export interface Service {
  /** What stands for the service in a case: by `""`, `address`, `host`, `port`, or a word of its own. */
  readonly words: Readonly<Record<string, string>>;
  /** A line that the program printed on standard output. */
  hear?(line: string): void;
  /** Resolves when the program, which listens here itself, accepts connections. */
  ready?(): Promise<void>;
  /** Resolves when all that arrived before the call is recorded. */
  drain(): Promise<void>;
  /** Ends the service and every connection it still has. */
  close(): Promise<void>;
}

/** What a service is started with. */
export interface Surroundings {
  readonly family: Family;
  readonly place: Place;
  readonly record: Recorder;
  /** An empty folder that outlives the service. */
  readonly scratch: string;
  /** Whether a port belongs to the guest (host byte order). */
  readonly isGuests: (port: number) => boolean;
}

/** The words for a service at `endpoint`, written as a guest of `family` must write it. */
export function addressWords(family: Family, { address, port }: Endpoint): Record<string, string> {
  const written = family === "mapped" ? `::ffff:${address}` : address;
  const bracketed = written.includes(":") ? `[${written}]` : written;
  return { "": `${bracketed}:${port}`, address: written, host: bracketed, port: `${port}` };
}

/** Listens with `listen` on a port that is neither the guest's nor ephemeral nor taken. */
export function listenOutside<T>(
  surroundings: Surroundings,
  listen: (at: { hostname: string; port: number }) => T,
): T {
  const hostname = surroundings.place.address;
  while (true) {
    try {
      return listen({ hostname, port: outsidePort(hostname, surroundings) });
    } catch (error) {
      // `freePort` knows about TCP only, and someone else may have been quicker.
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/**
 * Connects to `to` from a port that a service could have, so that we never take one of the guest's,
 * nor want for one where the guest has used up the ephemeral ports.
 */
export async function connectFromOutside(
  surroundings: Surroundings,
  to: Endpoint,
): Promise<Socket> {
  const localAddress = surroundings.place.address;
  const localPort = outsidePort(localAddress, surroundings);
  const socket = connect({ host: to.address, port: to.port, localAddress, localPort });
  await once(socket, "connect");
  return socket;
}

/** The one port above 10000 that fetch() refuses: "port blocking" of the Fetch standard. */
const blockedByFetch = 10_080;

/** A port on `address` that is neither the guest's nor ephemeral nor, for TCP, taken. */
export function outsidePort(address: string, { isGuests }: Surroundings): number {
  while (true) {
    const port = freePort(address);
    if (!isGuests(port) && port !== blockedByFetch) return port;
  }
}

/** A network address of Deno's as an endpoint. */
export function endpointOf(address: Deno.Addr): Endpoint {
  const { hostname, port } = address as Deno.NetAddr;
  return { address: withZone(hostname), port };
}

/** Whether an error only says that the other end, or we ourselves, ended the connection. */
export function isHangUp(error: unknown): boolean {
  return [
    Deno.errors.BrokenPipe,
    Deno.errors.ConnectionAborted,
    Deno.errors.ConnectionReset,
    Deno.errors.NotConnected,
    Deno.errors.UnexpectedEof,
  ].some((kind) => error instanceof kind) || isClosed(error);
}

/** Whether an error only says that we closed the socket ourselves. */
export function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
}
