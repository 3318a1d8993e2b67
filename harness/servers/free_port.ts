/**
 * Ports for servers that cannot be told to let the kernel choose. The rule: such a port lies
 * outside the range that the kernel chooses from, so that no connection of a case can take it
 * between the moment it is found free and the server's bind.
 */

const LOWEST = 10_000;
const HIGHEST = 65_535;

/** Where the next search starts: a port is not handed out again before all others were. */
let next = LOWEST;

/** A TCP port (host byte order) of the address at which nothing listens. */
export function freePort(address: string): number {
  const [low, high] = ephemeralPorts();
  for (let tried = LOWEST; tried <= HIGHEST; tried++) {
    const port = next;
    next = port === HIGHEST ? LOWEST : port + 1;
    const ephemeral = port >= low && port <= high;
    if (!ephemeral && isFree(address, port)) return port;
  }
  throw new Error(`Cannot find a free port on ${address}: all outside ${low}-${high} are taken`);
}

function ephemeralPorts(): number[] {
  return Deno.readTextFileSync("/proc/sys/net/ipv4/ip_local_port_range").split(/\s+/).map(Number);
}

function isFree(hostname: string, port: number): boolean {
  try {
    Deno.listen({ hostname, port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
