/**
 * Observes each TCP connection and passes its bytes on, both ways, to a server that does the real
 * work: so any server becomes a service, and what it does itself does not matter to the verdict.
 */
import { isHangUp, type Surroundings } from "./service.ts";
import { TcpService, writeAll } from "./tcp.ts";

/** Relays every connection to one that `connect` opens. */
export function relay(surroundings: Surroundings, connect: () => Promise<Deno.Conn>): TcpService {
  return new TcpService(surroundings, async (client) => {
    const server = await connect();
    try {
      await Promise.all([pump(client, server), pump(server, client)]);
    } finally {
      server.close();
    }
  });
}

/** Copies until `from` ends, then ends `to` in that direction alone. */
async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let size; (size = await from.read(buffer)) !== null;) {
    await writeAll(to, buffer.subarray(0, size));
  }
  try {
    await to.closeWrite();
  } catch (error) {
    if (!isHangUp(error)) throw error; // The other direction has ended the connection already.
  }
}
