/** An address and a port for the guest itself to listen on. It observes nothing. */
import { acceptsConnections } from "../servers/process.ts";
import { freePort } from "../servers/free_port.ts";
import { addressWords, listenAddress, type Service, type Surroundings } from "./service.ts";

/** Longer than any server takes to start on a busy machine. */
const patienceMs = 60_000;
const pollMs = 20;

export function frontService({ family, host, isGuests }: Surroundings): Service {
  const address = listenAddress(family, host);
  let port = freePort(address);
  while (isGuests(port)) port = freePort(address);
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
