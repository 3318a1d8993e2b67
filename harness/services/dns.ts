/** A name server, just large enough for a resolver's tools: over UDP and TCP on one port. */
import { Buffer } from "node:buffer";
// @deno-types="@types/dns-packet"
import * as dns from "dns-packet";
import {
  addressWords,
  endpointOf,
  listenOutside,
  type Service,
  type Surroundings,
} from "./service.ts";
import { type Handler, TcpService, writeAll } from "./tcp.ts";
import { UdpService } from "./udp.ts";

/** Answers every A and AAAA question, with the addresses that are for documentation. */
export function dnsService(surroundings: Surroundings): Service {
  const [listener, socket] = listenOutside(surroundings, listenTwice);
  const tcp = new TcpService(surroundings, answerStream, listener);
  const udp = new UdpService(surroundings, (query) => answer(query), socket);
  return {
    words: addressWords(surroundings.family, endpointOf(socket.addr)),
    async drain() {
      await Promise.all([tcp.drain(), udp.drain()]);
    },
    async close() {
      await Promise.all([tcp.close(), udp.close()]);
    },
  };
}

function listenTwice(
  at: { hostname: string; port: number },
): [Deno.TcpListener, Deno.DatagramConn] {
  const listener = Deno.listen(at);
  try {
    return [listener, Deno.listenDatagram({ ...at, transport: "udp" })];
  } catch (error) {
    listener.close();
    throw error;
  }
}

function answer(query: Uint8Array): Uint8Array {
  const { id, flags = 0, questions = [] } = dns.decode(Buffer.from(query));
  return dns.encode({
    type: "response",
    id,
    flags: flags & dns.RECURSION_DESIRED | dns.RECURSION_AVAILABLE,
    questions,
    answers: questions.flatMap(({ name, type }): dns.Answer[] => {
      if (type === "A") return [{ name, type, ttl: 60, data: "192.0.2.1" }];
      return type === "AAAA" ? [{ name, type, ttl: 60, data: "2001:db8::1" }] : [];
    }),
  });
}

/** Over TCP each message has its length, two bytes in network byte order, before it. */
const answerStream: Handler = async (connection) => {
  while (true) {
    const prefix = await readExactly(connection, 2);
    if (prefix === undefined) return;
    const query = await readExactly(connection, new DataView(prefix.buffer).getUint16(0));
    if (query === undefined) return;
    const message = answer(query);
    const framed = new Uint8Array(2 + message.length);
    new DataView(framed.buffer).setUint16(0, message.length);
    framed.set(message, 2);
    await writeAll(connection, framed);
  }
};

/** The next `size` bytes, or undefined when the stream ends before. */
async function readExactly(from: Deno.Conn, size: number) {
  const bytes = new Uint8Array(size);
  for (let done = 0; done < size;) {
    const count = await from.read(bytes.subarray(done));
    if (count === null) return undefined;
    done += count;
  }
  return bytes;
}
