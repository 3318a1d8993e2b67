/**
 * The other ends of the story's connections: each says which source port it sees, so that what a
 * program prints is what was on the wire.
 */
import { exitStatus, Failure } from "../../generator/failure.ts";
import { isHangUp } from "../services/service.ts";

/** What the story's programs connect to. */
export const addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] as const;
/** What the neighbour connects to, first and then: no port is still in TIME_WAIT there. */
export const neighbourAddresses = ["127.0.0.4", "127.0.0.5"] as const;

/** Outside every range of ports that the story uses. */
export const destinationPort = 20007;

/** Listens on TCP and UDP in the network namespace that this thread is in, until it is disposed. */
export class Peers implements AsyncDisposable {
  readonly #listeners: { close(): void }[] = [];
  readonly #serving: Promise<void>[] = [];
  readonly #connections: Deno.TcpConn[] = [];

  /** @throws {Failure} when somebody else listens there: we may have no namespace of our own. */
  constructor() {
    for (const hostname of [...addresses, ...neighbourAddresses]) {
      const at = { hostname, port: destinationPort };
      try {
        this.#accept(Deno.listen(at));
        this.#receive(Deno.listenDatagram({ transport: "udp", ...at }));
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
        const reason = `${hostname}:${destinationPort} is in use`;
        throw new Failure(`portpin: Cannot show it: ${reason}`, exitStatus.failed);
      }
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
