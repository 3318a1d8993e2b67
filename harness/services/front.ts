/** An address and a port for the guest itself to listen on. It observes nothing. */
import { acceptsConnections } from "../servers/process.ts";
import { addressWords, outsidePort, type Service, type Surroundings } from "./service.ts";

/** Longer than any server takes to start on a busy machine. */
const patienceMs = 60_000;
const pollMs = 20;

export function frontService(surroundings: Surroundings): Service {
  const { family, place: { address: own, guest: address } } = surroundings;
  const port = outsidePort(own, surroundings);
  return {
    words: addressWords(family, { address, port }),
    async ready() {
      const end = performance.now() + patienceMs;
      while (!await acceptsConnections(address, port)) {
        if (performance.now() > end) throw new Error(`nothing listens on ${address} port ${port}`);
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    },
    drain: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
