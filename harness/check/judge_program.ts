/**
 * Judges where a program's connections left from: from which ports, and from which address. Pure.
 */
import { type Address, formatAddress, parseAddress, reached } from "../../generator/address.ts";
import { usedPorts } from "../../generator/explain_ports.ts";
import { sourceTo } from "../../generator/explain_source.ts";
import type { Policy } from "../../generator/policy.ts";
import { type Choice, findRule } from "../../generator/rules.ts";
import { isEmpty } from "../../generator/source.ts";
import { includesPort } from "../judge.ts";
import type { Endpoint } from "../observe.ts";
import {
  type Evidence,
  gatherConnections,
  type Gathered,
  isWildcard,
  type Witness,
} from "./gather.ts";

/**
 * inside the ports, and from the source where there is one; outside: not so; left: a rule leaves the
 * destination alone; failed: nothing left.
 */
export type Verdict = "inside" | "outside" | "left" | "failed";

/** What became of one of the program's connections. */
export interface Connection
  extends Readonly<Pick<Gathered, "transport" | "source" | "destination">> {
  readonly process: { readonly pid: number; readonly name: string | null } | null;
  readonly witnesses: readonly Witness[];
  readonly verdict: Verdict;
  /** Why it is so, where that is not plain. */
  readonly reason: string | null;
}

/** Every connection, in the order of the log, then as they were seen. */
export function judgeProgram(policy: Policy, evidence: Evidence): Connection[] {
  const { log, names } = evidence;
  return gatherConnections(evidence).map((gathered) => {
    const { transport, source, destination, line, witnesses } = gathered;
    const pid = gathered.process?.pid ?? line?.pid;
    return {
      ...{ transport, source, destination },
      process: pid === undefined ? null : { pid, name: names.get(pid) || null },
      witnesses: [...witnesses],
      ...decide(policy, log !== undefined, gathered),
    };
  });
}

function decide(
  policy: Policy,
  hasLog: boolean,
  gathered: Gathered,
): Pick<Connection, "verdict" | "reason"> {
  const { line, source, witnesses } = gathered;
  const errno = line?.errno ?? null;
  if (errno !== null && errno !== "EINPROGRESS" && witnesses.size === 1) {
    return { verdict: "failed", reason: `${line!.call} failed with ${errno}` };
  }
  const choice = choiceFor(policy, gathered);
  if (choice === "leave") return { verdict: "left", reason: "a rule leaves it alone" };
  const isPortWrong = choice.ports.length > 0 && !includesPort(choice.ports, source.port);
  const address = wrongAddress(choice, gathered);
  const wrong = isPortWrong ? "port" : address !== undefined ? "socket" : undefined;
  const reasons = [address, reasonFor(wrong, hasLog, gathered)];
  return {
    verdict: wrong === undefined ? "inside" : "outside",
    reason: reasons.filter((reason) => reason != null).join(": ") || null,
  };
}

/** The ports (empty: any, else sliced) and the source that a connection is to leave from. */
function choiceFor(policy: Policy, { line, destination, transport }: Gathered): Choice | "leave" {
  const address = addressOf(destination);
  const index = line?.rule ??
    (destination !== null && address !== undefined
      ? findRule(policy.rules, { address, port: destination.port, transport })
      : undefined);
  const then = index === undefined ? policy : policy.rules[index].then;
  if (then === "leave") return "leave";
  const ports = then.ports.length === 0 ? policy.ports : then.ports;
  return {
    ports: usedPorts(policy, ports),
    source: isEmpty(then.source) ? policy.source : then.source,
  };
}

/** `from 192.0.2.1, not 192.0.2.7`; undefined where the address is right, any will do, or none is known. */
function wrongAddress({ source }: Choice, gathered: Gathered): string | undefined {
  const destination = addressOf(gathered.destination);
  if (destination === undefined || isWildcard(gathered.source)) return undefined;
  const wanted = sourceTo(source, reached(destination));
  if (wanted === undefined || wanted === addressOf(gathered.source)) return undefined;
  return `from ${gathered.source.address}, not ${formatAddress(wanted)}`;
}

function addressOf(end: Endpoint | null): Address | undefined {
  return end === null ? undefined : parseAddress(end.address);
}

/** `wrong`: what the program must have bound, if the connection passed the library all the same. */
function reasonFor(
  wrong: "port" | "socket" | undefined,
  hasLog: boolean,
  { line, process, destination }: Gathered,
): string | null {
  if (line !== undefined) {
    if (wrong === undefined) return null;
    return line.engine === "leave"
      ? "the policy could not be kept, and leaves it then"
      : `the program has bound this ${wrong} itself`;
  }
  if (!hasLog) return wrong === undefined ? null : "unknown: the policy allows no log";
  const guess = process === undefined ? guessWithout(destination) : guessFor(destination);
  return `not through the library: ${process?.problem ?? guess}`;
}

/** The process was gone before anybody looked. */
function guessWithout(destination: Endpoint | null): string {
  return `a process without it, or ${guessFor(destination)}`;
}

/** What can pass a library that is there. */
function guessFor(destination: Endpoint | null): string {
  return destination?.port === 53
    ? "a DNS query inside libc (getaddrinfo), or a raw system call"
    : "a raw system call, io_uring, or a call inside libc";
}
