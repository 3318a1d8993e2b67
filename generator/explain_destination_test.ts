import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "./build.ts";
import { able, saidOfRead } from "./explain_for_tests.ts";
import { Failure } from "./failure.ts";
import { parsePolicy, readPolicyAndLines } from "./parse_policy.ts";

const partners = await readPolicyAndLines(join(root, "fixtures/policies/good/partners.jsonc"));

/** What is said of a destination under the fixture. */
function saidTo(to: string, kernel = able, environment: Record<string, string> = {}): string[] {
  return saidOfRead(partners, kernel, environment, to);
}

const kept = [
  "Engine auto: this kernel has IP_LOCAL_PORT_RANGE (option 51).",
  "ip_local_port_range of this network namespace, 32768-60999, contains the ports: the kernel " +
  "itself chooses among them.",
];

Deno.test("explain() says by which rule a destination goes, and what follows", () => {
  assert.deepEqual(saidTo("198.51.100.9:8080/tcp"), [
    "rules[0] (line 11) matches 198.51.100.9:8080/tcp: 198.51.100.9 is in 198.51.100.0/24, port 8080 " +
    "is in 8000-8999, the transport is tcp.",
    "Ports: 128 ports: 40000-40127, slice 0/4 of the 512 ports 40000-40511.",
    "Source: 192.0.2.8.",
    ...kept,
  ]);
});

Deno.test("explain() says for which first reason each earlier rule does not match", () => {
  const first = "rules[0] (line 11) does not match: ";
  assert.equal(
    saidTo("10.1.2.3:443/tcp")[0],
    `${first}10.1.2.3 is in none of its networks, 198.51.100.0/24, 2001:db8:51::/48.`,
  );
  assert.equal(
    saidTo("198.51.100.9:22/udp")[0],
    `${first}port 22 is none of its ports, 443,8000-8999.`,
  );
  assert.equal(saidTo("198.51.100.9:443/udp")[0], `${first}its transport is tcp.`);
  assert.deepEqual(saidTo("[::ffff:10.1.2.3]:443/sctp").slice(1), [
    "rules[1] (line 20) matches 10.1.2.3:443/sctp: 10.1.2.3 is in 10.0.0.0/8.",
    "Guests are left alone there, as if portpin were not there.",
  ]);
});

Deno.test("explain() says what follows where no rule matches", () => {
  assert.deepEqual(saidTo("[2001:db8:9::1]:443").slice(2), [
    "No rule matches [2001:db8:9::1]:443/tcp: the policy's own ports and source apply.",
    "Ports: 128 ports: 60000-60127, slice 0/4 of the 512 ports 60000-60511.",
    "Source: 2001:db8::7.",
    ...kept,
  ]);
  const policy = parsePolicy('{ "name": "plain", "source": "192.0.2.7" }', "plain.jsonc");
  assert.deepEqual(saidOfRead({ policy, ruleLines: [] }, able, {}, "198.51.100.9:1"), [
    "There are no rules: the policy's own ports and source apply.",
    "Ports: any.",
    "Source: 192.0.2.7.",
  ]);
});

Deno.test("explain() says why a destination gets no source", () => {
  const sourceTo = (to: string, kernel = able) =>
    saidTo(to, kernel).filter((text) => /^(! )?(Source|192)/.test(text));
  assert.deepEqual(sourceTo("[2001:db8:51::1]:443"), [
    "Source: the kernel's choice, for want of an IPv6 address in 192.0.2.8.",
  ]);
  // Where it does not count, nobody is warned of a source that is not here.
  const bare = { ...able, local: [] };
  assert.deepEqual(sourceTo("127.0.0.1:80", bare), [
    "Source: natural, because the destination is loopback.",
  ]);
  assert.match(sourceTo("198.51.100.9:443", bare)[1], /^! 192\.0\.2\.8 is on no interface/);
  assert.deepEqual(saidTo("0.0.0.0:80")[0], "0.0.0.0 as a destination means 127.0.0.1.");
  const policy = parsePolicy('{ "name": "lo", "source": "127.0.0.9" }', "lo.jsonc");
  const lines = saidOfRead({ policy, ruleLines: [] }, able, {}, "127.0.0.1:80");
  assert.equal(lines[2], "Source: 127.0.0.9.");
});

Deno.test("explain() looks at the rule's own ports on this kernel", () => {
  const kernel = { ...able, ephemeral: { low: 41000, high: 60999 } };
  assert.match(saidTo("198.51.100.9:443", kernel).at(-1)!, /^! .* does not contain 40000-40127: /);
  assert.equal(saidTo("192.0.2.7:443", kernel).some((text) => text.startsWith("!")), false);
  const old = { ...able, portRangeErrno: "ENOPROTOOPT" };
  assert.match(saidTo("192.0.2.7:443", old)[5], /^! This kernel does not have .* \(emulation\)\./);
});

Deno.test("explain() counts the environment for a destination as well", () => {
  const environment = { PORTPIN_SLICE: "1/4", PORTPIN_SOURCE: "192.0.2.8" };
  const lines = saidTo("192.0.2.9:443", able, environment);
  assert.deepEqual(lines.slice(0, 2), [
    "With PORTPIN_SLICE=1/4 from the environment:",
    "With PORTPIN_SOURCE=192.0.2.8 from the environment:",
  ]);
  assert.deepEqual(lines.slice(5, 7), [
    "Ports: 128 ports: 60128-60255, slice 1/4 of the 512 ports 60000-60511.",
    "Source: 192.0.2.8.",
  ]);
  assert.throws(() => saidTo("192.0.2.9:443", able, { PORTPIN_SLICE: "0/600" }), Failure);
});
