/**
 * The peer of a guest that listens, or that binds and only receives: it goes to the port that the
 * guest announced, and observes that port if the guest is really there.
 */
import { once } from "node:events";
import { connect } from "node:net";
import type { Endpoint } from "../observe.ts";
import { freePort } from "../servers/free_port.ts";
import { addressWords, listenAddress, type Service, type Surroundings } from "./service.ts";

/** What a guest prints once it can be reached: a port, and whatever else it wants to say. */
const announcement = /^listening (\d+)\b/;

/** Longer than a guest on a busy machine takes to answer. */
const patienceMs = 10_000;

export class DialService implements Service {
  readonly words: Record<string, string>;
  readonly #surroundings: Surroundings;
  readonly #address: string;
  readonly #reach: (from: Endpoint, to: Endpoint) => Promise<void>;
  readonly #transport: "tcp" | "udp";
  readonly #dials: Promise<void>[] = [];

  constructor(surroundings: Surroundings, transport: "tcp" | "udp") {
    this.#surroundings = surroundings;
    this.#transport = transport;
    this.#reach = transport === "tcp" ? reachStream : reachDatagram;
    this.#address = listenAddress(surroundings.family, surroundings.host);
    const place = { address: this.#address, port: 0 };
    const { address, host } = addressWords(surroundings.family, place);
    this.words = { address, host };
  }

  hear(line: string) {
    const port = announcement.exec(line)?.[1];
    if (port !== undefined) this.#dials.push(this.#dial(Number(port)));
  }

  async drain(): Promise<void> {
    await Promise.all(this.#dials);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #dial(port: number): Promise<void> {
    const { family, record } = this.#surroundings;
    const to = { address: this.#address, port };
    const from = { address: listenAddress(family, 1), port: this.#ownPort() };
    try {
      await this.#reach(from, to);
    } catch {
      return; // Not reached, so not observed: the verdict says that an observation is missing.
    }
    record({ transport: this.#transport, source: to, destination: from });
  }

  /** Explicit, so that our own end never takes one of the guest's ports. */
  #ownPort(): number {
    while (true) {
      const port = freePort(listenAddress(this.#surroundings.family, 1));
      if (!this.#surroundings.isGuests(port)) return port;
    }
  }
}

/** Connects, says hello, and leaves; that it was accepted is enough. */
async function reachStream(from: Endpoint, to: Endpoint): Promise<void> {
  const connection = connect({
    host: to.address,
    port: to.port,
    localAddress: from.address,
    localPort: from.port,
  });
  await once(connection, "connect");
  connection.on("error", () => {}); // A reset from now on is the guest's own affair.
  connection.resume().end("hello\n");
  await once(connection, "close");
}

/** Says hello and waits for any answer, which only the guest's socket can give. */
async function reachDatagram(from: Endpoint, to: Endpoint): Promise<void> {
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname: from.address,
    port: from.port,
  });
  const timer = setTimeout(() => socket.close(), patienceMs);
  const hello = new TextEncoder().encode("hello\n");
  await socket.send(hello, { transport: "udp", hostname: to.address, port: to.port });
  await socket.receive();
  clearTimeout(timer);
  socket.close();
}
