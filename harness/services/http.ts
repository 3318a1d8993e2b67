/** HTTP/1.1 with keep-alive, observed by connection: a relay to Deno's own server. */
import { join } from "node:path";
import { relay } from "./relay.ts";
import type { Service, Surroundings } from "./service.ts";

/** Answers any request with `hello`. The server behind listens on a Unix socket, off the network. */
export function httpService(surroundings: Surroundings): Service {
  const path = join(surroundings.scratch, `http-${crypto.randomUUID()}.sock`);
  const server = Deno.serve({ path, onListen() {} }, () => new Response("hello\n"));
  const front = relay(surroundings, () => Deno.connect({ transport: "unix", path }));
  return {
    words: front.words,
    drain: () => front.drain(),
    async close() {
      await front.close();
      await server.shutdown();
    },
  };
}
