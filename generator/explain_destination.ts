// Says in words what a policy does to one destination: by which rule, why, and what follows.

import { formatAddress, isUnspecified, reached } from "./address.ts";
import { formatDestination } from "./destination.ts";
import { nameRule } from "./explain_policy.ts";
import { describePorts, explainKeeping, usedPorts } from "./explain_ports.ts";
import { describeSourceTo, explainAddresses, sourceTo } from "./explain_source.ts";
import type { KernelView } from "./kernel_view.ts";
import { formatNetwork } from "./network.ts";
import type { ReadPolicy } from "./parse_policy.ts";
import type { Policy } from "./policy.ts";
import { formatPorts } from "./ports.ts";
import {
  type Choice,
  type Destination,
  findRule,
  type Matcher,
  mismatch,
  networkWith,
  rangeWith,
} from "./rules.ts";
import { isEmpty } from "./source.ts";
import { fact, type Statement } from "./statement.ts";

/** What `policy` does to `destination`, in the order in which it is decided. */
export function explainDestination(
  { policy, ruleLines }: ReadPolicy,
  kernel: KernelView,
  destination: Destination,
): Statement[] {
  const { address } = destination;
  const index = findRule(policy.rules, destination);
  const passed = policy.rules.slice(0, index).map((rule, passed) =>
    fact(`${nameRule(passed, ruleLines)} does not match: ${whyNot(rule, destination)}.`)
  );
  const statements = isUnspecified(address)
    ? [fact(`${formatAddress(address)} as a destination means ${formatAddress(reached(address))}.`)]
    : [];
  statements.push(...passed);
  const name = formatDestination(destination);
  if (index === undefined) {
    const none = policy.rules.length === 0 ? "There are no rules" : `No rule matches ${name}`;
    statements.push(fact(`${none}: the policy's own ports and source apply.`));
    return [...statements, ...explainChoice(policy, policy, kernel, destination)];
  }
  const rule = policy.rules[index];
  statements.push(
    fact(`${nameRule(index, ruleLines)} matches ${name}: ${why(rule, destination)}.`),
  );
  if (rule.then === "leave") {
    return [...statements, fact("Guests are left alone there, as if portpin were not there.")];
  }
  return [...statements, ...explainChoice(policy, rule.then, kernel, destination)];
}

/** Why the matcher has no such destination: the first reason. */
function whyNot(matcher: Matcher, destination: Destination): string {
  switch (mismatch(matcher, destination)!) {
    case "networks":
      return `${formatAddress(reached(destination.address))} is in none of its networks, ` +
        matcher.networks.map(formatNetwork).join(", ");
    case "ports":
      return `port ${destination.port} is none of its ports, ${formatPorts(matcher.ports)}`;
    case "transport":
      return `its transport is ${matcher.transport}`;
  }
}

/** What of the matcher the destination satisfies; a part that says nothing is left out. */
function why({ networks, ports, transport }: Matcher, destination: Destination): string {
  const network = networkWith(networks, destination);
  const range = rangeWith(ports, destination);
  return [
    network && `${formatAddress(reached(destination.address))} is in ${formatNetwork(network)}`,
    range && `port ${destination.port} is in ${formatPorts([range])}`,
    transport && `the transport is ${transport}`,
  ].filter(Boolean).join(", ");
}

/** What follows where `choice` counts; what it lacks is the policy's. */
function explainChoice(
  policy: Policy,
  choice: Choice,
  kernel: KernelView,
  destination: Destination,
): Statement[] {
  const address = reached(destination.address);
  const ports = choice.ports.length > 0 ? choice.ports : policy.ports;
  const source = isEmpty(choice.source) ? policy.source : choice.source;
  const from = sourceTo(source, address);
  return [
    fact(ports.length === 0 ? "Ports: any." : `Ports: ${describePorts(policy, ports)}.`),
    fact(`Source: ${describeSourceTo(source, address)}.`),
    ...(from === undefined ? [] : explainAddresses(policy, [from], kernel)),
    ...(ports.length === 0 ? [] : explainKeeping(policy, [usedPorts(policy, ports)], kernel)),
  ];
}
