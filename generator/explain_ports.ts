// What a kernel makes of ports: which engine honours them, and what keeps some of them from use.

import type { KernelView } from "./kernel_view.ts";
import type { Policy } from "./policy.ts";
import {
  commonPorts,
  countPorts,
  formatPorts,
  formatSlice,
  type PortSet,
  slicePorts,
  unitePorts,
} from "./ports.ts";
import { fact, type Statement, warning } from "./statement.ts";

/** The part of `ports` that the policy's slice leaves; none of none. */
export function usedPorts({ slice }: Policy, ports: PortSet): PortSet {
  return slice === null || ports.length === 0 ? ports : slicePorts(ports, slice);
}

/** `128 ports: 60000-60127, slice 0/4 of the 512 ports 60000-60511` */
export function describePorts(policy: Policy, ports: PortSet): string {
  const used = usedPorts(policy, ports);
  const { slice } = policy;
  const all = slice === null
    ? ""
    : `, slice ${formatSlice(slice)} of the ${counted(ports)} ${formatPorts(ports)}`;
  return `${counted(used)}: ${formatPorts(used)}${all}`;
}

/**
 * How the engine keeps guests to the ports of `sets`, each of which is used by itself; the kernel
 * silently ignores a range that is not inside the namespace's, so portpin must know.
 */
export function explainKeeping(
  policy: Policy,
  sets: readonly PortSet[],
  kernel: KernelView,
): Statement[] {
  const ranges = sets.flat();
  if (ranges.length === 0) return explainEngine(policy, ranges, kernel);
  return [
    ...explainEngine(policy, ranges, kernel),
    ...explainRange(policy, ranges, kernel),
    ...explainReserved(unitePorts(ranges), kernel),
  ];
}

function explainEngine(
  policy: Policy,
  ranges: PortSet,
  { portRangeErrno }: KernelView,
): Statement[] {
  if (policy.engine === "emulation") {
    return [
      fact("Engine emulation: the ports are searched in user space, whatever the kernel has."),
    ];
  }
  if (portRangeErrno === undefined) {
    return [fact(`Engine ${policy.engine}: this kernel has IP_LOCAL_PORT_RANGE (option 51).`)];
  }
  const consequence = ranges.length === 0 ? "" : ` ${unkept(policy)}`;
  return [warning(
    `This kernel does not have IP_LOCAL_PORT_RANGE (option 51): setting it gives ` +
      `${portRangeErrno}.${consequence} It needs Linux 6.3, or 6.1.32 of the 6.1 series.`,
  )];
}

/**
 * Whether the namespace's range holds `ranges`, without which the kernel engine keeps nothing. It is
 * no matter where the emulation searches them anyhow.
 */
export function explainRange(policy: Policy, ranges: PortSet, kernel: KernelView): Statement[] {
  const { ephemeral, unprivilegedFrom, portRangeErrno } = kernel;
  if (policy.engine === "emulation" || portRangeErrno !== undefined) return [];
  const range = formatPorts([ephemeral]);
  const outside = ranges.filter(({ low, high }) => low < ephemeral.low || high > ephemeral.high);
  if (outside.length === 0) {
    return [fact(
      `ip_local_port_range of this network namespace, ${range}, contains the ports: the kernel ` +
        `itself chooses among them.`,
    )];
  }
  const all = unitePorts([ephemeral, ...ranges]);
  const statements = [warning(
    `ip_local_port_range of this network namespace, ${range}, does not contain ` +
      `${formatPorts(unitePorts(outside))}: the kernel would ignore the policy. ${
        unkept(policy)
      } ` +
      `Choose ports inside it, or widen it for every program of the namespace: ` +
      `sysctl -w net.ipv4.ip_local_port_range="${all[0].low} ${all.at(-1)!.high}"`,
  )];
  const privileged = commonPorts(unitePorts(ranges), [{ low: 1, high: unprivilegedFrom - 1 }]);
  if (privileged.length > 0) {
    statements.push(warning(
      `${formatPorts(privileged)}: privileged, and ip_local_port_range cannot hold a port below ` +
        `ip_unprivileged_port_start (${unprivilegedFrom}). Lower that first, or choose other ports.`,
    ));
  }
  return statements;
}

/** What the namespace's reservations take away from `ports`. */
export function explainReserved(ports: PortSet, { reserved }: KernelView): Statement[] {
  const common = commonPorts(ports, reserved);
  if (common.length === 0) return [];
  const left = countPorts(ports) - countPorts(common);
  return [warning(
    `${formatPorts(common)}: reserved by ip_local_reserved_ports, so the kernel never chooses ` +
      `${countPorts(common) === 1 ? "it" : "them"}; ${left} of the ports ` +
      `${left === 1 ? "remains" : "remain"}.`,
  )];
}

/** For how much there is room in `ports`. */
export function explainRoom(policy: Policy, ports: PortSet, kernel: KernelView): Statement[] {
  const count = countPorts(ports) - countPorts(commonPorts(ports, kernel.reserved));
  return [explainDeferral(policy, count, kernel), explainSharing(policy, count)];
}

function explainDeferral(policy: Policy, count: number, { noPortErrno }: KernelView): Statement {
  const carried = `${count} TCP ${count === 1 ? "connection" : "connections"}`;
  const once = `after the guest's own bind(ip, 0) there is room for ${carried} in all.`;
  if (!policy.deferBind) return fact(`A bind is not deferred: ${once}`);
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

function explainSharing({ udpShare }: Policy, count: number): Statement {
  if (!udpShare) {
    const sockets = `${count} UDP ${count === 1 ? "socket" : "sockets"}`;
    return fact(`UDP ports are not shared (udpShare: false): there is room for ${sockets} in all.`);
  }
  const flows = `${count} UDP ${count === 1 ? "flow" : "flows"}`;
  return fact(
    `Connected UDP sockets share ports while their 4-tuples differ (udpShare: true): there is ` +
      `room for ${flows} to each destination.`,
  );
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
