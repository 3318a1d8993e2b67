import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { parseAddress } from "./address.ts";
import { root } from "./build.ts";
import { able, said, saidOfRead } from "./explain_for_tests.ts";
import { Failure } from "./failure.ts";
import { viewKernel } from "./kernel_view.ts";
import { contains } from "./network.ts";
import { parsePolicy, readPolicyAndLines } from "./parse_policy.ts";
import type { Policy } from "./policy.ts";

const edge = parsePolicy(
  `{ "name": "edge", "ports": "60000-60511", "slice": "1/4" }`,
  "edge.jsonc",
);

Deno.test("explain() says what a policy does that can be kept", () => {
  assert.deepEqual(said(edge), [
    "Policy edge uses 128 ports: 60128-60255, slice 1/4 of the 512 ports 60000-60511.",
    "Engine auto: this kernel has IP_LOCAL_PORT_RANGE (option 51).",
    "ip_local_port_range of this network namespace, 32768-60999, contains the ports: the kernel " +
    "itself chooses among them.",
    "The guest's own bind(ip, 0) on TCP is deferred to connect() by IP_BIND_ADDRESS_NO_PORT " +
    "(option 24), which this kernel has: there is room for 128 TCP connections to each destination.",
    "UDP ports are not shared (udpShare: false): there is room for 128 UDP sockets in all.",
    "The kernel chooses the source.",
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
  const said24 = said({ ...edge, engine: "kernel" }, { ...able, noPortErrno: "ENOPROTOOPT" })[3];
  assert.match(said24, /^! A bind cannot be deferred: .* room for 128 TCP connections in all\./);
  const searched = said({ ...edge, engine: "auto" }, { ...able, noPortErrno: "ENOPROTOOPT" })[3];
  assert.match(searched, /deferred to connect\(\) by portpin itself, .* to each destination\.$/);
});

Deno.test("explain() never says of ports that are searched that the kernel chooses them", () => {
  const kernelChooses = /the kernel itself chooses|would ignore/;
  const outside = { ...able, ephemeral: { low: 20000, high: 29999 } };
  const lines = said({ ...edge, engine: "auto" }, outside);
  assert.equal(lines[1], "Engine auto: this kernel has IP_LOCAL_PORT_RANGE (option 51).");
  assert.match(lines[2], /^! ip_local_port_range .* So the ports are searched in user space/);
  const lacking = { ...outside, portRangeErrno: "ENOPROTOOPT" };
  for (const kernel of [lacking, { ...able, portRangeErrno: "ENOPROTOOPT" }]) {
    const lines = said(edge, kernel);
    assert.match(lines[1], /^! This kernel does not have .* searched in user space \(emulation\)/);
    assert.doesNotMatch(lines.join("\n"), kernelChooses);
  }
  assert.doesNotMatch(said({ ...edge, engine: "emulation" }).join("\n"), kernelChooses);
  const anyPort = parsePolicy('{ "name": "source", "source": "192.0.2.7" }', "source.jsonc");
  assert.doesNotMatch(said(anyPort).join("\n"), /itself chooses/);
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
    "Policy empty has no ports and no source: without PORTPIN_PORTS or PORTPIN_SOURCE it does " +
      "nothing.",
  );
  const source = parsePolicy('{ "name": "source", "source": "192.0.2.7" }', "source.jsonc");
  assert.equal(
    said(source)[0],
    "Policy source has no ports of its own: without PORTPIN_PORTS any port will do.",
  );
});

/** What is said of a source, a server and rules under these keys. */
function saidOf(keys: string): string[] {
  const policy = parsePolicy(`{ "name": "policy", "ports": "60000-60511", ${keys} }`, "p.jsonc");
  return said(policy).slice(5, -1);
}

Deno.test("explain() says where guests send from", () => {
  const loopback = "to loopback destinations guests keep their natural source";
  const keep = "A server that binds the wildcard is left there (listen: keep).";
  assert.deepEqual(saidOf('"source": "192.0.2.7,2001:db8::7"'), [
    `Source: IPv4 from 192.0.2.7, IPv6 from 2001:db8::7; ${loopback}.`,
    keep,
  ]);
  assert.deepEqual(saidOf('"source": "2001:db8::7"'), [
    `Source: IPv4 from where the kernel chooses, IPv6 from 2001:db8::7; ${loopback}.`,
    keep,
  ]);
  assert.deepEqual(saidOf('"source": "127.0.0.9"'), [
    "Source: IPv4 from 127.0.0.9, IPv6 from where the kernel chooses; " +
    `${loopback}, unless this one is loopback, too.`,
    keep,
    "! 127.0.0.9 is loopback: nothing beyond this host is reached from it.",
  ]);
});

Deno.test("explain() warns once of each source that this host does not have, also of a rule's", () => {
  const absent = (address: string, consequence: string) =>
    `! ${address} is on no interface of this host: unless a local route or ip_nonlocal_bind lets ` +
    `it be bound all the same, calls that need it ${consequence}.`;
  const rules = '"rules": [{ "to": { "ports": "443" }, "source": "203.0.113.9,2001:db8::7" }]';
  const fails = "fail with EADDRNOTAVAIL (whenUnkept: refuse)";
  assert.deepEqual(
    saidOf(`"source": "203.0.113.9", ${rules}`).filter((text) => text.startsWith("!")),
    [absent("203.0.113.9", fails)],
  );
  assert.deepEqual(
    saidOf(`"whenUnkept": "leave", ${rules}`).slice(0, 2),
    [
      "The kernel chooses the source where no rule does.",
      absent("203.0.113.9", "go on as if portpin were not there (whenUnkept: leave)"),
    ],
  );
});

Deno.test("explain() says what servers are bound to", () => {
  const listen = (source: string) => saidOf(`"source": "${source}", "listen": "source"`)[1];
  const instead =
    "A server that binds the wildcard is bound to the source instead (listen: source): ";
  assert.equal(
    listen("192.0.2.7"),
    `${instead}0.0.0.0 becomes 192.0.2.7; :: becomes ::ffff:192.0.2.7, to which only a socket that ` +
      "is not IPV6_V6ONLY can be bound; one that is is left alone.",
  );
  assert.equal(
    listen("2001:db8::7"),
    `${instead}one that binds 0.0.0.0 is left there, for want of an IPv4 source; ` +
      ":: becomes 2001:db8::7, where IPv4 peers do not reach it.",
  );
  assert.equal(
    listen("192.0.2.7,2001:db8::7"),
    `${instead}0.0.0.0 becomes 192.0.2.7; :: becomes 2001:db8::7, where IPv4 peers do not reach it.`,
  );
});

Deno.test("explain() says what sharing UDP ports brings", () => {
  const policy = parsePolicy('{ "name": "p", "ports": "60000", "udpShare": true }', "p.jsonc");
  assert.equal(
    said(policy)[4],
    "Connected UDP sockets share ports while their 4-tuples differ (udpShare: true): there is room " +
      "for 1 UDP flow to each destination.",
  );
});

Deno.test("explain() says what the rules say, one a line, and looks at their ports as well", async () => {
  const read = await readPolicyAndLines(join(root, "fixtures/policies/good/partners.jsonc"));
  const ephemeral = { low: 41000, high: 60999 };
  const lines = saidOfRead(read, { ...able, ephemeral });
  assert.match(
    lines[2],
    /^! ip_local_port_range .* does not contain 40000-40127: .*="40000 60999"$/,
  );
  assert.deepEqual(lines.slice(-3, -1), [
    "rules[0] (line 11): to 198.51.100.0/24, 2001:db8:51::/48 port 443,8000-8999 over tcp, guests " +
    "use 128 ports: 40000-40127, slice 0/4 of the 512 ports 40000-40511; IPv4 from 192.0.2.8, IPv6 " +
    "from where the kernel chooses.",
    "rules[1] (line 20): to 10.0.0.0/8, fd00::/8, guests are left alone.",
  ]);
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

  const closed = { ...edge, environment: { ...edge.environment, ports: false, off: false } };
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

Deno.test("viewKernel() sees the addresses that can be bound", async () => {
  const { local } = await viewKernel();
  const here = Object.values(networkInterfaces()).flatMap((entries = []) => entries);
  for (const { address } of here) {
    assert(local.some((network) => contains(network, parseAddress(address)!)), address);
  }
  assert(!local.some((network) => contains(network, parseAddress("203.0.113.9")!)));
  // No interface lists this one, and still it can be bound.
  const loopback = here.some(({ address }) => address === "127.0.0.1");
  assert.equal(local.some((network) => contains(network, parseAddress("127.0.0.9")!)), loopback);
  if (loopback) Deno.listen({ hostname: "127.0.0.9", port: 0 }).close();
});

Deno.test("viewKernel() sees what the namespace's files say", async () => {
  const kernel = await viewKernel();
  const range = (await Deno.readTextFile("/proc/sys/net/ipv4/ip_local_port_range")).trim();
  assert.equal(`${kernel.ephemeral.low}\t${kernel.ephemeral.high}`, range);
  assert(kernel.unprivilegedFrom >= 0);
});
