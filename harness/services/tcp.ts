/**
 * Everything that accepts TCP connections: each is observed the moment it is accepted, and kept
 * until its client closes it, however many there are.
 */
import { once } from "node:events";
import type { Observation } from "../observe.ts";
import {
  addressWords,
  connectFromOutside,
  endpointOf,
  isClosed,
  isHangUp,
  listenOutside,
  type Service,
  type Surroundings,
} from "./service.ts";

/** Serves one connection until its client has closed it; the caller closes the other end. */
export type Handler = (connection: Deno.TcpConn) => Promise<void>;

/** More than any case opens at once, so that a burst never waits for a retransmitted SYN. */
const backlog = 4096;

export class TcpService implements Service {
  readonly words: Record<string, string>;
  readonly #listener: Deno.TcpListener;
  readonly #surroundings: Surroundings;
  readonly #handler: Handler;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  readonly #serving = new Set<Promise<void>>();
  /** What was accepted while {@linkcode drain} waits for its own connection to come by. */
  #held: Deno.TcpConn[] | undefined;
  #heldMore = () => {};

  constructor(surroundings: Surroundings, handler: Handler, listener?: Deno.TcpListener) {
    this.#surroundings = surroundings;
    this.#handler = handler;
    this.#listener = listener ??
      listenOutside(surroundings, (at) => Deno.listen({ ...at, tcpBacklog: backlog }));
    this.words = addressWords(surroundings.family, endpointOf(this.#listener.addr));
    this.#accepting = this.#accept();
  }

  /**
   * Connections are accepted in the order in which they arrived, so a connection of our own that
   * comes out of the queue tells that everything before it has come out too.
   */
  async drain(): Promise<void> {
    const held: Deno.TcpConn[] = this.#held = [];
    const own = await this.#connectOwn();
    const isOwn = ({ remoteAddr }: Deno.TcpConn) => {
      const { address, port } = endpointOf(remoteAddr);
      return port === own.port && address === this.#surroundings.place.address;
    };
    while (!held.some(isOwn)) await new Promise<void>((resolve) => this.#heldMore = resolve);
    this.#held = undefined;
    for (const connection of held) {
      if (isOwn(connection)) connection.close();
      else this.#take(connection);
    }
    await own.close();
  }

  async #connectOwn(): Promise<{ port: number; close(): Promise<void> | void }> {
    const { address: hostname, port } = endpointOf(this.#listener.addr);
    // node:net drops the zone; and a link-local peer is never where the guest's ports are.
    if (hostname.includes("%")) {
      const own = await Deno.connect({ hostname, port });
      return { port: endpointOf(own.localAddr).port, close: () => own.close() };
    }
    const own = await connectFromOutside(this.#surroundings, { address: hostname, port });
    const close = async () => {
      own.destroy();
      await once(own, "close");
    };
    return { port: own.localPort!, close };
  }

  async close(): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const connection of this.#open) close(connection);
    await Promise.all(this.#serving);
  }

  async #accept(): Promise<void> {
    while (true) {
      try {
        this.#accepted(await this.#listener.accept());
      } catch (error) {
        if (isClosed(error)) return;
        // Reset while it waited to be accepted: Deno cannot tell any more where it came from, so
        // it is an observation that is missing.
        if (!(error instanceof Deno.errors.NotConnected)) throw error;
      }
    }
  }

  #accepted(connection: Deno.TcpConn) {
    if (this.#held === undefined) return this.#take(connection);
    this.#held.push(connection);
    this.#heldMore();
  }

  #take(connection: Deno.TcpConn) {
    const observation = this.#surroundings.record({
      transport: "tcp",
      source: endpointOf(connection.remoteAddr),
      destination: endpointOf(connection.localAddr),
    });
    this.#open.add(connection);
    const serving = this.#serve(connection, observation).finally(() => {
      this.#open.delete(connection);
      this.#serving.delete(serving);
    });
    this.#serving.add(serving);
  }

  async #serve(connection: Deno.TcpConn, observation: Observation): Promise<void> {
    try {
      await this.#handler(connection);
      observation.until = performance.now();
    } catch (error) {
      if (!isHangUp(error)) throw error;
      observation.until = observation.at;
    }
    close(connection);
  }
}

/** Sends back whatever it receives. */
export const echo: Handler = async (connection) => {
  const buffer = new Uint8Array(64 * 1024);
  for (let size; (size = await connection.read(buffer)) !== null;) {
    await writeAll(connection, buffer.subarray(0, size));
  }
};

/** Tells the client who it is, in one line, and waits for it to close. */
export const tellPeer: Handler = async (connection) => {
  const { address, port } = endpointOf(connection.remoteAddr);
  await writeAll(connection, new TextEncoder().encode(`${address} ${port}\n`));
  await connection.closeWrite();
  for (const buffer = new Uint8Array(1024); await connection.read(buffer) !== null;);
};

/** Writes every byte; `write` alone may stop early. */
export async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await to.write(bytes.subarray(done));
}

function close(connection: Deno.Conn) {
  try {
    connection.close();
  } catch (error) {
    if (!isHangUp(error)) throw error; // It was closed already.
  }
}
