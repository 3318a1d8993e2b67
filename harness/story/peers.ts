/**
 * The other ends of the story's connections: each says which source port it sees, so that what a
 * program prints is what was on the wire.
 */
import { isHangUp } from "../services/service.ts";

/** The first three of these are what is connected to; the last is for the neighbour. */
export const addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] as const;
export const neighbourAddress = "127.0.0.4";

/** Outside every range of ports that the story uses. */
export const destinationPort = 20007;

/** Listens on TCP and UDP in the network namespace that this thread is in, until it is disposed. */
export class Peers implements AsyncDisposable {
  readonly #listeners: { close(): void }[] = [];
  readonly #serving: Promise<void>[] = [];
  readonly #connections: Deno.TcpConn[] = [];

  constructor() {
    for (const hostname of [...addresses, neighbourAddress]) {
      const at = { hostname, port: destinationPort };
      this.#accept(Deno.listen(at));
      this.#receive(Deno.listenDatagram({ transport: "udp", ...at }));
    }
  }

  #accept(listener: Deno.TcpListener): void {
    this.#listeners.push(listener);
    this.#serving.push((async () => {
      for await (const connection of listener) {
        this.#connections.push(connection);
        await answer(async () => await connection.write(said(connection.remoteAddr)));
      }
    })());
  }

  #receive(socket: Deno.DatagramConn): void {
    this.#listeners.push(socket);
    this.#serving.push((async () => {
      for await (const [_, source] of socket) {
        await answer(async () => await socket.send(said(source), source));
      }
    })());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    await Promise.all(this.#serving);
    for (const connection of this.#connections) connection.close();
  }
}

/** A program need not wait for its answer. */
async function answer(send: () => Promise<unknown>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!isHangUp(error)) throw error;
  }
}

/** Five digits, as all source ports of a namespace have that begins where Linux does. */
function said(source: Deno.Addr): Uint8Array {
  return new TextEncoder().encode(`${(source as Deno.NetAddr).port}`);
}
