// Says in words what a policy does on a kernel. Pure: the kernel comes in as a KernelView.

import { Failure } from "./failure.ts";
import type { KernelView } from "./kernel_view.ts";
import type { Policy } from "./policy.ts";
import {
  commonPorts,
  countPorts,
  formatPorts,
  formatSlice,
  type PortSet,
  slicePorts,
} from "./ports.ts";
import { forbids, type Setting, withSettings } from "./settings.ts";

/** One statement; a warning is something to change or to know before trusting the policy. */
export interface Statement {
  readonly kind: "fact" | "warning";
  readonly text: string;
}

/**
 * What `policy` does under `kernel` where the environment holds `settings`, which count as they do
 * in the shim.
 *
 * @throws {Failure} where a guest would not start for want of a usable environment.
 */
export function explain(
  policy: Policy,
  settings: readonly Setting[],
  kernel: KernelView,
): Statement[] {
  const forbidden = settings.filter((setting) => forbids(policy, setting));
  const allowed = settings.filter((setting) => !forbids(policy, setting));
  if (allowed.some(({ key, text }) => key === "off" && text === "1")) {
    return [warning("PORTPIN_OFF=1: portpin does nothing at all.")];
  }
  const given = allowed.map(({ spelling }) => fact(`With ${spelling} from the environment:`));
  if (policy.whenUnkept === "refuse") {
    return [...given, ...explainPolicy(withSettings(policy, settings), kernel)];
  }
  const ignored = forbidden.map(({ spelling }) =>
    warning(`${spelling} is ignored: the policy forbids it.`)
  );
  try {
    return [...ignored, ...given, ...explainPolicy(withSettings(policy, allowed), kernel)];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [...ignored, warning(`No port is pinned (whenUnkept: leave). ${error.message}`)];
  }
}

/** What `policy` does by itself, most important first. */
function explainPolicy(policy: Policy, kernel: KernelView): Statement[] {
  if (policy.ports.length === 0) {
    return [
      fact(`Policy ${policy.name} has no ports: without PORTPIN_PORTS it does nothing.`),
      ...explainOptions(policy, kernel),
      ...explainEnvironment(policy),
    ];
  }
  const ports = policy.slice === null ? policy.ports : slicePorts(policy.ports, policy.slice);
  return [
    explainPorts(policy, ports),
    ...explainOptions(policy, kernel),
    ...explainRange(policy, ports, kernel),
    ...explainReserved(ports, kernel),
    explainDeferral(policy, ports, kernel),
    ...explainEnvironment(policy),
  ];
}

function explainPorts({ name, ports, slice }: Policy, used: PortSet): Statement {
  const all = slice === null
    ? ""
    : `, slice ${formatSlice(slice)} of the ${counted(ports)} ${formatPorts(ports)}`;
  return fact(`Policy ${name} uses ${counted(used)}: ${formatPorts(used)}${all}.`);
}

function explainOptions(policy: Policy, { portRangeErrno }: KernelView): Statement[] {
  if (policy.engine === "emulation") {
    return [
      fact("Engine emulation: the ports are searched in user space, whatever the kernel has."),
    ];
  }
  if (portRangeErrno === undefined) {
    return [fact(
      `Engine ${policy.engine}: the kernel chooses among the ports itself; it has ` +
        `IP_LOCAL_PORT_RANGE (option 51).`,
    )];
  }
  const consequence = policy.ports.length === 0 ? "" : ` ${unkept(policy)}`;
  return [warning(
    `This kernel does not have IP_LOCAL_PORT_RANGE (option 51): setting it gives ` +
      `${portRangeErrno}.${consequence} It needs Linux 6.3, or 6.1.32 of the 6.1 series.`,
  )];
}

/** The kernel silently ignores a range that is not inside the namespace's; so portpin must know. */
function explainRange(policy: Policy, ports: PortSet, kernel: KernelView): Statement[] {
  if (policy.engine === "emulation") return [];
  const { ephemeral, unprivilegedFrom } = kernel;
  const range = formatPorts([ephemeral]);
  const outside = ports.filter(({ low, high }) => low < ephemeral.low || high > ephemeral.high);
  if (outside.length === 0) {
    return [fact(`ip_local_port_range of this network namespace, ${range}, contains the ports.`)];
  }
  const low = Math.min(ephemeral.low, ports[0].low);
  const high = Math.max(ephemeral.high, ports.at(-1)!.high);
  const statements = [warning(
    `ip_local_port_range of this network namespace, ${range}, does not contain ` +
      `${formatPorts(outside)}: the kernel would ignore the policy. ${unkept(policy)} Choose ` +
      `ports inside it, or widen it for every program of the namespace: ` +
      `sysctl -w net.ipv4.ip_local_port_range="${low} ${high}"`,
  )];
  const privileged = commonPorts(ports, [{ low: 1, high: unprivilegedFrom - 1 }]);
  if (privileged.length > 0) {
    statements.push(warning(
      `${formatPorts(privileged)}: privileged, and ip_local_port_range cannot hold a port below ` +
        `ip_unprivileged_port_start (${unprivilegedFrom}). Lower that first, or choose other ports.`,
    ));
  }
  return statements;
}

function explainReserved(ports: PortSet, { reserved }: KernelView): Statement[] {
  const common = commonPorts(ports, reserved);
  if (common.length === 0) return [];
  const left = countPorts(ports) - countPorts(common);
  return [warning(
    `${formatPorts(common)}: reserved by ip_local_reserved_ports, so the kernel never chooses ` +
      `${countPorts(common) === 1 ? "it" : "them"}; ${left} of the ports ` +
      `${left === 1 ? "remains" : "remain"}.`,
  )];
}

function explainDeferral(policy: Policy, ports: PortSet, kernel: KernelView): Statement {
  const count = countPorts(ports) - countPorts(commonPorts(ports, kernel.reserved));
  const carried = `${count} TCP ${count === 1 ? "connection" : "connections"}`;
  const once = `after the guest's own bind(ip, 0) there is room for ${carried} in all.`;
  if (!policy.deferBind) return fact(`A bind is not deferred: ${once}`);
  const { noPortErrno } = kernel;
  if (noPortErrno !== undefined && policy.engine !== "kernel") {
    return fact(
      `The guest's own bind(ip, 0) on TCP is deferred to connect() by portpin itself, because ` +
        `setting IP_BIND_ADDRESS_NO_PORT (option 24) gives ${noPortErrno} here: there is room for ` +
        `${carried} to each destination.`,
    );
  }
  if (noPortErrno !== undefined) {
    return warning(
      `A bind cannot be deferred: this kernel does not have IP_BIND_ADDRESS_NO_PORT (option 24); ` +
        `setting it gives ${noPortErrno}. So ${once} It needs Linux 4.2.`,
    );
  }
  return fact(
    `The guest's own bind(ip, 0) on TCP is deferred to connect() by IP_BIND_ADDRESS_NO_PORT ` +
      `(option 24), which this kernel has: there is room for ${carried} to each destination.`,
  );
}

function explainEnvironment({ environment, whenUnkept }: Policy): Statement[] {
  const forbidden = Object.entries(environment).filter(([, allowed]) => !allowed)
    .map(([key]) => `PORTPIN_${key.toUpperCase()}`);
  if (forbidden.length === 0) return [fact("Every PORTPIN_ variable may override the policy.")];
  const verb = whenUnkept === "refuse" ? "keep the guest from starting" : "are ignored";
  return [fact(`Not to be overridden: ${forbidden.join(", ")}; set all the same, they ${verb}.`)];
}

/** What becomes of the guest's calls where the kernel cannot keep the policy. */
function unkept({ engine, whenUnkept }: Policy): string {
  if (engine === "auto") return "So the ports are searched in user space (emulation).";
  return whenUnkept === "refuse"
    ? "Every call that needs a port fails with EADDRNOTAVAIL (whenUnkept: refuse)."
    : "Calls go on as if portpin were not there, with any port (whenUnkept: leave).";
}

function counted(ports: PortSet): string {
  const count = countPorts(ports);
  return `${count} ${count === 1 ? "port" : "ports"}`;
}

function fact(text: string): Statement {
  return { kind: "fact", text };
}

function warning(text: string): Statement {
  return { kind: "warning", text };
}
