/**
 * The peer of a guest that listens, or that binds and only receives: it goes to the port that the
 * guest announced, and observes that port if the guest is really there.
 */
import { once } from "node:events";
import type { Endpoint, Transport } from "../observe.ts";
import {
  addressWords,
  connectFromOutside,
  endpointOf,
  listenOutside,
  type Service,
  type Surroundings,
} from "./service.ts";

/** What a guest prints once it can be reached: a port, and whatever else it wants to say. */
const announcement = /^listening (\d+)\b/;

/** Longer than a guest on a busy machine takes to answer. */
const patienceMs = 10_000;

export class DialService implements Service {
  readonly words: Record<string, string>;
  readonly #surroundings: Surroundings;
  readonly #transport: Transport;
  readonly #dials: Promise<void>[] = [];

  constructor(surroundings: Surroundings, transport: Transport) {
    this.#surroundings = surroundings;
    this.#transport = transport;
    const { address, host } = addressWords(surroundings.family, this.#guestAt(0));
    this.words = { address, host };
  }

  hear(line: string) {
    const port = announcement.exec(line)?.[1];
    if (port !== undefined) this.#dials.push(this.#dial(this.#guestAt(Number(port))));
  }

  async drain(): Promise<void> {
    await Promise.all(this.#dials);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #guestAt(port: number): Endpoint {
    return { address: this.#surroundings.place.guest, port };
  }

  async #dial(to: Endpoint): Promise<void> {
    const reach = this.#transport === "tcp" ? reachStream : reachDatagram;
    const from = await reach(this.#surroundings, to).catch(() => undefined);
    // Not reached is not observed: the verdict says that an observation is missing.
    if (from === undefined) return;
    this.#surroundings.record({ transport: this.#transport, source: to, destination: from });
  }
}

/** Connects, says hello, and leaves; that it was accepted is enough. Gives our own end. */
async function reachStream(surroundings: Surroundings, to: Endpoint): Promise<Endpoint> {
  const connection = await connectFromOutside(surroundings, to);
  const from = { address: connection.localAddress!, port: connection.localPort! };
  connection.on("error", () => {}); // A reset from now on is the guest's own affair.
  connection.resume().end("hello\n");
  await once(connection, "close");
  return from;
}

/** Says hello and waits for any answer, which only the guest's socket can give. */
async function reachDatagram(surroundings: Surroundings, to: Endpoint): Promise<Endpoint> {
  const socket = listenOutside(
    surroundings,
    (at) => Deno.listenDatagram({ ...at, transport: "udp" }),
  );
  const from = endpointOf(socket.addr);
  const timer = setTimeout(() => socket.close(), patienceMs);
  try {
    const hello = new TextEncoder().encode("hello\n");
    await socket.send(hello, { transport: "udp", hostname: to.address, port: to.port });
    await socket.receive();
    socket.close();
  } finally {
    clearTimeout(timer);
  }
  return from;
}
