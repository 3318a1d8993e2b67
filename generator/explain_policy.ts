// Says in words what a policy does to everything, most important first.

import { describePorts, explainKeeping, explainRoom, usedPorts } from "./explain_ports.ts";
import { describeSource, explainAddresses, explainSource } from "./explain_source.ts";
import type { KernelView } from "./kernel_view.ts";
import type { ReadPolicy } from "./parse_policy.ts";
import type { Policy } from "./policy.ts";
import { type Choice, formatMatcher, type Rule } from "./rules.ts";
import { addressesOf, isEmpty } from "./source.ts";
import { fact, type Statement } from "./statement.ts";

/** What `policy` does by itself. */
export function explainPolicy({ policy, ruleLines }: ReadPolicy, kernel: KernelView): Statement[] {
  const choices = policy.rules.flatMap(({ then }) => then === "leave" ? [] : [then]);
  const sets = [policy, ...choices].map(({ ports }) => usedPorts(policy, ports));
  const sources = [policy, ...choices].flatMap(({ source }) => addressesOf(source));
  return [
    explainOwnPorts(policy),
    ...explainKeeping(policy, sets, kernel),
    ...(policy.ports.length === 0 ? [] : explainRoom(policy, sets[0], kernel)),
    ...explainSource(policy),
    ...explainAddresses(policy, sources, kernel),
    ...policy.rules.map((rule, index) =>
      fact(
        `${nameRule(index, ruleLines)}: to ${formatMatcher(rule)}, guests ${follow(policy, rule)}.`,
      )
    ),
    ...explainEnvironment(policy),
  ];
}

function explainOwnPorts(policy: Policy): Statement {
  const { name, ports, source, rules } = policy;
  if (ports.length > 0) return fact(`Policy ${name} uses ${describePorts(policy, ports)}.`);
  return fact(
    isEmpty(source) && rules.length === 0
      ? `Policy ${name} has no ports and no source: without PORTPIN_PORTS or PORTPIN_SOURCE it ` +
        `does nothing.`
      : `Policy ${name} has no ports of its own: without PORTPIN_PORTS any port will do.`,
  );
}

/** `rules[0] (line 12)`; INDEX is from 0, and a line is known where the rule is of a file. */
export function nameRule(index: number, ruleLines: readonly number[]): string {
  return `rules[${index}] (line ${ruleLines[index]})`;
}

function follow(policy: Policy, { then }: Rule): string {
  return then === "leave" ? "are left alone" : describeChoice(policy, then);
}

function describeChoice(policy: Policy, { ports, source }: Choice): string {
  const used = ports.length === 0 ? "the policy's ports" : describePorts(policy, ports);
  return `use ${used}; ${isEmpty(source) ? "the policy's source" : describeSource(source)}`;
}

function explainEnvironment({ environment, whenUnkept }: Policy): Statement[] {
  const forbidden = Object.entries(environment).filter(([, allowed]) => !allowed)
    .map(([key]) => `PORTPIN_${key.toUpperCase()}`);
  if (forbidden.length === 0) return [fact("Every PORTPIN_ variable may override the policy.")];
  const verb = whenUnkept === "refuse" ? "keep the guest from starting" : "are ignored";
  return [fact(`Not to be overridden: ${forbidden.join(", ")}; set all the same, they ${verb}.`)];
}
