/** A UDP service: every datagram is one observation, and is answered. */
import {
  addressWords,
  endpointOf,
  isClosed,
  listenOutside,
  type Service,
  type Surroundings,
} from "./service.ts";
import type { Endpoint } from "../observe.ts";

/** The answer to a datagram, or undefined for none. */
export type Answer = (datagram: Uint8Array, from: Endpoint) => Uint8Array | undefined;

export class UdpService implements Service {
  readonly words: Record<string, string>;
  readonly #socket: Deno.DatagramConn;
  readonly #surroundings: Surroundings;
  readonly #answer: Answer;
  readonly #receiving: Promise<void>;
  #drained = () => {};

  constructor(surroundings: Surroundings, answer: Answer, socket?: Deno.DatagramConn) {
    this.#surroundings = surroundings;
    this.#answer = answer;
    this.#socket = socket ??
      listenOutside(surroundings, (at) => Deno.listenDatagram({ ...at, transport: "udp" }));
    this.words = addressWords(surroundings.family, endpointOf(this.#socket.addr));
    this.#receiving = this.#receive();
  }

  /** A datagram to ourselves comes out of the queue behind all that were there before it. */
  async drain(): Promise<void> {
    const drained = new Promise<void>((resolve) => this.#drained = resolve);
    await this.#send(new Uint8Array(1), endpointOf(this.#socket.addr));
    await drained;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#receiving;
  }

  async #send(datagram: Uint8Array, { address: hostname, port }: Endpoint): Promise<void> {
    await this.#socket.send(datagram, { transport: "udp", hostname, port });
  }

  async #receive(): Promise<void> {
    const destination = endpointOf(this.#socket.addr);
    try {
      for await (const [datagram, from] of this.#socket) {
        const source = endpointOf(from);
        if (source.port === destination.port && source.address === destination.address) {
          this.#drained();
          continue;
        }
        this.#surroundings.record({ transport: "udp", source, destination });
        const answer = this.#answer(datagram, source);
        if (answer !== undefined) await this.#send(answer, source);
      }
    } catch (error) {
      if (!isClosed(error)) throw error;
    }
  }
}

/** Sends back what came. */
export const echo: Answer = (datagram) => datagram;

/** Tells the sender who it is, in one line. */
export const tellPeer: Answer = (_, { address, port }) =>
  new TextEncoder().encode(`${address} ${port}\n`);
