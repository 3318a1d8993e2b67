/** Starts any service that a case names. */
import type { Service as Specification } from "../case.ts";
import { loopbackAddress } from "../places.ts";
import { startServer } from "../servers/start.ts";
import { DialService } from "./dial.ts";
import { dnsService } from "./dns.ts";
import { frontService } from "./front.ts";
import { httpService } from "./http.ts";
import { relay } from "./relay.ts";
import type { Service, Surroundings } from "./service.ts";
import * as tcp from "./tcp.ts";
import * as udp from "./udp.ts";

/** Starts the service that `specification` describes. */
export function startService(
  specification: Specification,
  surroundings: Surroundings,
): Service | Promise<Service> {
  switch (specification.kind) {
    case "tcp":
      return new tcp.TcpService(
        surroundings,
        specification.reply === "peer" ? tcp.tellPeer : tcp.echo,
      );
    case "udp":
      return new udp.UdpService(
        surroundings,
        specification.reply === "peer" ? udp.tellPeer : udp.echo,
      );
    case "http":
      return httpService(surroundings);
    case "dns":
      return dnsService(surroundings);
    case "dial":
      return new DialService(surroundings, specification.transport);
    case "front":
      return frontService(surroundings);
    case "relay":
      return serverService(specification.server, surroundings);
  }
}

/** A relay to a real server, which gives words of its own besides the relay's. */
async function serverService(name: string, surroundings: Surroundings): Promise<Service> {
  const directory = await Deno.makeTempDir({ dir: surroundings.scratch, prefix: `${name}-` });
  const address = loopbackAddress(surroundings.family, 1);
  const server = await startServer(name, { directory, address });
  const { address: hostname, port } = server;
  const front = relay(surroundings, () => Deno.connect({ hostname, port }));
  return {
    words: { ...server.words, ...front.words },
    drain: () => front.drain(),
    async close() {
      try {
        await front.close();
      } finally {
        await server.stop();
      }
    },
  };
}
