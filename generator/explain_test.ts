import assert from "node:assert/strict";
import { explain } from "./explain.ts";
import { Failure } from "./failure.ts";
import { type KernelView, viewKernel } from "./kernel_view.ts";
import { parsePolicy } from "./parse_policy.ts";
import type { Policy } from "./policy.ts";
import { environmentSettings } from "./settings.ts";

/** A kernel that has it all. */
const able: KernelView = {
  ephemeral: { low: 32768, high: 60999 },
  reserved: [],
  unprivilegedFrom: 1024,
  portRangeErrno: undefined,
  noPortErrno: undefined,
};

/** What is said, a warning with an exclamation mark before it. */
function said(policy: Policy, kernel = able, environment: Record<string, string> = {}): string[] {
  const settings = environmentSettings((name) => environment[name]);
  return explain(policy, settings, kernel)
    .map(({ kind, text }) => kind === "warning" ? `! ${text}` : text);
}

const edge = parsePolicy(
  `{ "name": "edge", "ports": "60000-60511", "slice": "1/4" }`,
  "edge.jsonc",
);

Deno.test("explain() says what a policy does that can be kept", () => {
  assert.deepEqual(said(edge), [
    "Policy edge uses 128 ports: 60128-60255, slice 1/4 of the 512 ports 60000-60511.",
    "Engine auto: the kernel chooses among the ports itself; it has IP_LOCAL_PORT_RANGE (option 51).",
    "ip_local_port_range of this network namespace, 32768-60999, contains the ports.",
    "The guest's own bind(ip, 0) on TCP is deferred to connect() by IP_BIND_ADDRESS_NO_PORT " +
    "(option 24), which this kernel has: there is room for 128 TCP connections to each destination.",
    "Every PORTPIN_ variable may override the policy.",
  ]);
});

Deno.test("explain() warns of ports outside ip_local_port_range, and says what to change", () => {
  const policy = parsePolicy(
    '{ "name": "wide", "ports": "80-81,60000-61000", "engine": "kernel" }',
    "wide.jsonc",
  );
  const warnings = [
    "! ip_local_port_range of this network namespace, 32768-60999, does not contain " +
    "80-81,60000-61000: the kernel would ignore the policy. Every call that needs a port fails " +
    "with EADDRNOTAVAIL (whenUnkept: refuse). Choose ports inside it, or widen it for every " +
    'program of the namespace: sysctl -w net.ipv4.ip_local_port_range="80 61000"',
    "! 80-81: privileged, and ip_local_port_range cannot hold a port below " +
    "ip_unprivileged_port_start (1024). Lower that first, or choose other ports.",
  ];
  assert.deepEqual(said(policy).slice(2, 4), warnings);
  assert.match(
    said({ ...policy, whenUnkept: "leave" })[2],
    /Calls go on as if portpin were not there, with any port \(whenUnkept: leave\)\./,
  );
  assert.match(
    said({ ...policy, engine: "auto" })[2],
    /are searched in user space \(emulation\)\./,
  );
  assert.match(said({ ...policy, engine: "emulation" })[1], /searched in user space, whatever/);
});

Deno.test("explain() warns of a kernel that lacks an option", () => {
  const lacking = { ...able, portRangeErrno: "ENOPROTOOPT" };
  const said51 = said({ ...edge, engine: "kernel" }, lacking)[1];
  assert.match(said51, /^! This kernel does not have IP_LOCAL_PORT_RANGE .* gives ENOPROTOOPT\./);
  assert.match(said51, /Every call that needs a port fails with EADDRNOTAVAIL/);
  assert.match(said(edge, lacking)[1], /So the ports are searched in user space/);
  const said24 = said(edge, { ...able, noPortErrno: "ENOPROTOOPT" })[3];
  assert.match(said24, /^! A bind cannot be deferred: .* room for 128 TCP connections in all\./);
  const searched = said({ ...edge, engine: "auto" }, { ...able, noPortErrno: "ENOPROTOOPT" })[3];
  assert.match(searched, /deferred to connect\(\) by portpin itself, .* to each destination\.$/);
});

Deno.test("explain() takes reserved ports off", () => {
  const reserved = [{ low: 60200, high: 60300 }];
  const [, , , warning, room] = said(edge, { ...able, reserved });
  assert.equal(
    warning,
    "! 60200-60255: reserved by ip_local_reserved_ports, so the kernel never chooses them; 72 of " +
      "the ports remain.",
  );
  assert.match(room, /room for 72 TCP connections to each destination/);
});

Deno.test("explain() says that without ports nothing is done", () => {
  const policy = parsePolicy('{ "name": "empty" }', "empty.jsonc");
  assert.equal(
    said(policy)[0],
    "Policy empty has no ports: without PORTPIN_PORTS it does nothing.",
  );
});

Deno.test("explain() counts the environment as the shim does", () => {
  const ports = { PORTPIN_PORTS: "60000-60007" };
  assert.deepEqual(said(edge, able, ports).slice(0, 2), [
    "With PORTPIN_PORTS=60000-60007 from the environment:",
    "Policy edge uses 2 ports: 60002-60003, slice 1/4 of the 8 ports 60000-60007.",
  ]);
  assert.deepEqual(said(edge, able, { PORTPIN_OFF: "1", PORTPIN_PORTS: "x" }), [
    "! PORTPIN_OFF=1: portpin does nothing at all.",
  ]);

  const closed = { ...edge, environment: { ports: false, slice: true, engine: true, off: false } };
  assert.throws(() => said(closed, able, ports), Failure);
  assert.equal(
    said(closed).at(-1),
    "Not to be overridden: PORTPIN_PORTS, PORTPIN_OFF; set all the same, they keep the guest from " +
      "starting.",
  );
  const leave: Policy = { ...closed, whenUnkept: "leave" };
  assert.deepEqual(said(leave, able, ports).slice(0, 2), [
    "! PORTPIN_PORTS=60000-60007 is ignored: the policy forbids it.",
    "Policy edge uses 128 ports: 60128-60255, slice 1/4 of the 512 ports 60000-60511.",
  ]);
  assert.deepEqual(said(leave, able, { PORTPIN_SLICE: "4/4" }), [
    "! No port is pinned (whenUnkept: leave). " +
    "portpin: Cannot use PORTPIN_SLICE=4/4: expected an INDEX from 0 to 3",
  ]);
});

Deno.test("viewKernel() sees what the namespace's files say", async () => {
  const kernel = await viewKernel();
  const range = (await Deno.readTextFile("/proc/sys/net/ipv4/ip_local_port_range")).trim();
  assert.equal(`${kernel.ephemeral.low}\t${kernel.ephemeral.high}`, range);
  assert(kernel.unprivilegedFrom >= 0);
});
