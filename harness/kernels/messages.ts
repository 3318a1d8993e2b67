/**
 * What a virtual machine says to the harness outside: JSON, one message a line. The first is
 * `booted`, the last `end`; without that the machine did not finish.
 */
import { z } from "zod";

/** The protocols whose sockets are asked for the options. */
export const protocols = ["tcp", "udp", "mptcp", "sctp"] as const;
export type Protocol = typeof protocols[number];

/** By protocol: `ok`, or an errno. */
const Answers = z.record(z.enum(protocols), z.string());
export type Answers = z.infer<typeof Answers>;

const Booted = z.strictObject({
  kind: z.literal("booted"),
  /** As `uname -r` has it. */
  release: z.string(),
  /** What making a socket comes to. */
  socket: Answers,
  /** What setting IP_LOCAL_PORT_RANGE comes to; EBADF where there is no socket. */
  portRange: Answers,
  /** The same for IP_BIND_ADDRESS_NO_PORT. */
  noPort: Answers,
});

/** What became of one test; see outcome.ts. */
export const Outcome = z.enum(["good", "refused", "bad", "absent", "skipped"]);
export type Outcome = z.infer<typeof Outcome>;

const Result = z.strictObject({
  kind: z.literal("result"),
  /** The name of the case, and the id of the test. */
  case: z.string(),
  test: z.string(),
  /** The engine that PORTPIN_ENGINE forced. */
  engine: z.string(),
  outcome: Outcome,
  /** What is bad; or why the test was skipped. */
  reasons: z.array(z.string()),
  /** In milliseconds. */
  duration: z.int(),
});

export const Message = z.discriminatedUnion("kind", [
  Booted,
  Result,
  z.strictObject({ kind: z.literal("end") }),
]);

export type Booted = z.infer<typeof Booted>;
export type Result = z.infer<typeof Result>;
export type Message = z.infer<typeof Message>;

/** @throws {Error} for a line that is no message. */
export function parseMessage(line: string): Message {
  try {
    return Message.parse(JSON.parse(line));
  } catch (error) {
    throw new Error(`Cannot understand what the machine says: ${line}`, { cause: error });
  }
}
