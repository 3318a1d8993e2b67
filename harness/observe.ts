/**
 * What a peer saw. An observation is made by the other end of a connection or a datagram, never by
 * the program that is judged, nor by the library in it.
 */

export type Transport = "tcp" | "udp";

/** A numeric address, as the kernel prints it, and a port in host byte order. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** One connection or one datagram, as the service at `destination` saw it. */
export interface Observation {
  /** The service's name in its case. */
  readonly service: string;
  readonly transport: Transport;
  /** Where it came from; for a `dial`, where the guest was reached. */
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** When the peer learnt of it, in milliseconds since the process started. */
  readonly at: number;
  /**
   * When the peer knew that the connection was over, before it closed its own end. Undefined while
   * it is open. After a reset this is `at`: nobody knows for how long the connection really lived.
   */
  until?: number;
}

/** Takes down one observation and gives it back, so that its end can be added. */
export type Record = (observation: Omit<Observation, "at" | "service">) => Observation;

/** All observations of one run, in the order in which they were made. */
export class Observations {
  readonly all: Observation[] = [];

  /** What the service called `service` takes its observations down with. */
  recorder(service: string): Record {
    return (seen) => {
      const observation = { ...seen, service, at: performance.now() };
      this.all.push(observation);
      return observation;
    };
  }
}
