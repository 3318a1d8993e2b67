/**
 * The other ends of the story's connections: each says which source port it sees, so that what a
 * program prints is what was on the wire.
 */

/** The first three of these are what is connected to; the last is for the neighbour. */
export const addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] as const;
export const neighbourAddress = "127.0.0.4";

/** Outside every range of ports that the story uses. */
export const destinationPort = 20007;

/** Listens on TCP and UDP in the network namespace that this thread is in, until it is disposed. */
export class Peers implements Disposable {
  readonly #open = new Set<Disposable>();

  constructor() {
    for (const hostname of [...addresses, neighbourAddress]) {
      this.#accept(Deno.listen({ hostname, port: destinationPort }));
      this.#receive(
        Deno.listenDatagram({ transport: "udp", hostname, port: destinationPort }),
      );
    }
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    this.#open.add(listener);
    // It ends when the listener is closed.
    for await (const connection of listener) {
      this.#open.add(connection);
      await connection.write(said(connection.remoteAddr));
    }
  }

  async #receive(socket: Deno.DatagramConn): Promise<void> {
    this.#open.add({ [Symbol.dispose]: () => socket.close() });
    for await (const [_, source] of socket) await socket.send(said(source), source);
  }

  [Symbol.dispose](): void {
    for (const open of this.#open) open[Symbol.dispose]();
  }
}

/** Five digits, as all source ports of a namespace have that begins where Linux does. */
function said(source: Deno.Addr): Uint8Array {
  return new TextEncoder().encode(`${(source as Deno.NetAddr).port}`);
}
