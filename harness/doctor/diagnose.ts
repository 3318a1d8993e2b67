// Judges the facts: what works, what does not, and what to change. Pure.

import {
  explainRange,
  explainReserved,
  explainRoom,
  usedPorts,
} from "../../generator/explain_ports.ts";
import type { KernelView } from "../../generator/kernel_view.ts";
import type { Policy } from "../../generator/policy.ts";
import { commonPorts, countPorts, formatPorts, type PortSet } from "../../generator/ports.ts";
import { formatSource } from "../../generator/source.ts";
import { emulationReason, enginesOf, kernelReason, type Question } from "./engines.ts";
import type { Facts } from "./facts.ts";
import { bad, fact, findingOf, good, warning } from "./finding.ts";
import { explainIsolation, explainPrograms, explainSockDiag } from "./judge_programs.ts";
import { explainSockets } from "./judge_sockets.ts";
import type { Finding, Report } from "./report.ts";

/** What `facts` mean for the ports and the source of `policy`; off: portpin is switched off. */
export function diagnose(facts: Facts, policy: Policy, kernel: KernelView, off = false): Report {
  const ports = usedPorts(policy, policy.ports);
  const question: Question = { kernel, ports, engine: policy.engine };
  const engines = enginesOf(facts, question);
  const plain = engines.filter(({ transport }) => transport === "tcp" || transport === "udp");
  const sourceKept = facts.source.every(({ bind }) => bind === null);
  const preloaded = facts.programs.preload === null && !facts.programs.secure;
  const kept = !off && preloaded && sourceKept && plain.length > 0 &&
    plain.every(({ engine }) => engine !== null);
  const { release, machine } = facts.kernel;
  return {
    ports: formatPorts(ports),
    source: formatSource(policy.source),
    kept,
    engines,
    facts,
    sections: [
      { title: `Sockets of Linux ${release} (${machine})`, findings: explainSockets(facts) },
      {
        title: "This network namespace",
        findings: [...explainNamespace(facts), ...explainSockDiag(facts)],
      },
      { title: "Programs", findings: explainPrograms(facts) },
      { title: "For portpin's own tests", findings: explainIsolation(facts) },
      { title: titleOf(ports), findings: explainPorts(facts, policy, question) },
      ...(facts.source.length === 0 ? [] : [{ title: "Source", findings: explainSource(facts) }]),
      { title: "In short", findings: [concludeFrom(kept, off, engines, ports)] },
    ],
  };
}

function titleOf(ports: PortSet): string {
  return ports.length === 0
    ? "Engines (no --ports: tried with ip_local_port_range)"
    : `Engines for ports ${formatPorts(ports)}`;
}

function explainNamespace({ namespace }: Facts): Finding[] {
  const { ipLocalPortRange, ipLocalReservedPorts, ipUnprivilegedPortStart } = namespace;
  return [
    fact(`net.ipv4.ip_local_port_range: ${ipLocalPortRange}`),
    fact(`net.ipv4.ip_local_reserved_ports: ${ipLocalReservedPorts || "none"}`),
    fact(`net.ipv4.ip_unprivileged_port_start: ${ipUnprivilegedPortStart}`),
  ];
}

function explainPorts(facts: Facts, policy: Policy, question: Question): Finding[] {
  const { ports, kernel } = question;
  const findings = explainEngines(facts, question);
  if (ports.length === 0) return findings;
  return [
    ...findings,
    ...explainRange(policy, ports, kernel).map((statement) => findingOf(statement)),
    ...explainReservation(ports, kernel),
    ...explainPrivilege(facts, question),
    ...explainRoom(policy, ports, kernel).map((statement) => findingOf(statement)),
  ];
}

/** What each engine could do; bad is what leaves the ports unkept. */
function explainEngines(facts: Facts, question: Question): Finding[] {
  const texts = (["kernel", "emulation"] as const).map((engine) => {
    const reason = reasonAgainst(engine, facts, question);
    const wanted = question.engine === "auto" || question.engine === engine;
    return { engine, reason, wanted };
  });
  const none = texts.every(({ reason, wanted }) => reason !== undefined || !wanted);
  return texts.map(({ engine, reason, wanted }) => {
    if (reason === undefined) return good(`Engine ${engine}: can keep TCP and UDP sockets to them`);
    const text = `Engine ${engine}: cannot: ${reason}`;
    return none && wanted ? bad(text) : warning(text);
  });
}

/** Why an engine cannot keep TCP or UDP sockets to the ports, asked for or not. */
function reasonAgainst(
  engine: "kernel" | "emulation",
  facts: Facts,
  question: Question,
): string | undefined {
  const reasonOf = engine === "kernel" ? kernelReason : emulationReason;
  const reasons = facts.sockets
    .filter(({ socket, transport }) =>
      socket === null && (transport === "tcp" || transport === "udp")
    )
    .flatMap((socket) => {
      const reason = reasonOf(socket, facts.ranges, question);
      return reason === undefined ? [] : [{ transport: socket.transport, reason }];
    });
  if (reasons.length === 0) return undefined;
  const texts = Map.groupBy(reasons, ({ reason }) => reason);
  return [...texts].map(([reason, those]) => {
    const names = [...new Set(those.map(({ transport }) => transport))].join(" and ");
    return `on ${names} ${reason}`;
  }).join("; ");
}

/** Ports that are reserved, and the reservations that would be left were they not. */
function explainReservation(ports: PortSet, kernel: KernelView): Finding[] {
  const left = formatPorts(withoutPorts(kernel.reserved, ports));
  const advice = `sysctl -w net.ipv4.ip_local_reserved_ports="${left}"`;
  return explainReserved(ports, kernel).map((statement) => findingOf(statement, advice));
}

/** The ports of `set` that are not in `taken`. */
function withoutPorts(set: PortSet, taken: PortSet): PortSet {
  return taken.reduce<PortSet>((rest, { low, high }) =>
    rest.flatMap((range) =>
      [
        { low: range.low, high: Math.min(range.high, low - 1) },
        { low: Math.max(range.low, high + 1), high: range.high },
      ].filter((part) => part.low <= part.high)
    ), set);
}

/** Ports that bind() refuses for want of a privilege. */
function explainPrivilege({ ranges }: Facts, { kernel, ports }: Question): Finding[] {
  const refused = ranges.some(({ emulation }) => emulation.errno === "EACCES");
  const privileged = commonPorts(ports, [{ low: 1, high: kernel.unprivilegedFrom - 1 }]);
  if (!refused || countPorts(privileged) === 0) return [];
  return [warning(
    `${formatPorts(privileged)}: bind() gives EACCES without CAP_NET_BIND_SERVICE`,
    `sysctl -w net.ipv4.ip_unprivileged_port_start=${privileged[0].low}`,
  )];
}

function explainSource({ source }: Facts): Finding[] {
  return source.map(({ address, bind }) =>
    bind === null ? good(`${address} can be sent from`) : bad(
      `${address} cannot be sent from: bind() gives ${bind}`,
      bind === "EADDRNOTAVAIL"
        ? `ip address add ${address} dev INTERFACE, or sysctl -w net.ipv${
          address.includes(":") ? "6" : "4"
        }.ip_nonlocal_bind=1`
        : undefined,
    )
  );
}

function concludeFrom(
  kept: boolean,
  off: boolean,
  engines: Report["engines"],
  ports: PortSet,
): Finding {
  if (off) return bad("PORTPIN_OFF=1: portpin does nothing at all", "unset PORTPIN_OFF");
  const them = ports.length === 0 ? "Ports" : `Ports ${formatPorts(ports)}`;
  if (!kept) return bad(`${them} cannot be kept here; what is marked above says why`);
  const byEngine = Map.groupBy(engines, ({ engine }) => engine);
  const words = [...byEngine].map(([engine, those]) => {
    const names = [...new Set(those.map(({ transport }) => transport))].join(", ");
    return engine === null ? `not on ${names}` : `on ${names} by the ${engine} engine`;
  });
  return good(`${them} can be kept here: ${words.join("; ")}`);
}
