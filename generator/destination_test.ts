import assert from "node:assert/strict";
import { formatDestination, parseDestination } from "./destination.ts";

Deno.test("parseDestination() takes ADDRESS:PORT and a transport, which is tcp by default", () => {
  const written: [string, string][] = [
    ["192.0.2.7:443", "192.0.2.7:443/tcp"],
    ["192.0.2.7:1/udp", "192.0.2.7:1/udp"],
    ["[2001:DB8::0:1]:65535/sctp", "[2001:db8::1]:65535/sctp"],
    ["[::ffff:192.0.2.7]:53", "192.0.2.7:53/tcp"],
    ["0.0.0.0:80", "0.0.0.0:80/tcp"],
    ["[::]:80", "[::]:80/tcp"],
  ];
  for (const [text, expected] of written) {
    const parsed = parseDestination(text);
    assert(parsed.ok, text);
    assert.equal(formatDestination(parsed.value), expected);
    assert.deepEqual(parseDestination(expected), parsed);
  }
});

Deno.test("parseDestination() says what is wrong", () => {
  const form = "expected ADDRESS:PORT, an IPv6 address in brackets";
  const refused: [string, string][] = [
    ["", form],
    [":80", form],
    ["[]:80", form],
    ["example.com:443", form],
    ["192.0.2.300:443", form],
    ["[192.0.2.7]:443", form],
    ["[2001:db8::1]", form],
    ["[2001:db8::1]443", form],
    ["192.0.2.7:1:2", form],
    ["192.0.2.7", "it has no port, expected 192.0.2.7:PORT"],
    ["2001:db8::1/udp", "it has no port, expected [2001:db8::1]:PORT"],
    ["2001:db8::1:53", "it has no port, expected [2001:db8::1:53]:PORT"],
    ["192.0.2.7:", 'port "" is not within 1-65535'],
    ["192.0.2.7:0", 'port "0" is not within 1-65535'],
    ["192.0.2.7:65536", 'port "65536" is not within 1-65535'],
    ["192.0.2.7:080", 'port "080" is not within 1-65535'],
    ["192.0.2.7:443/", 'expected one of tcp, udp, sctp, not ""'],
    ["192.0.2.7:443/TCP", 'expected one of tcp, udp, sctp, not "TCP"'],
    ["[fe80::1%eth0]:53", "%eth0 names an interface, and a policy holds for all of them"],
  ];
  for (const [text, expected] of refused) {
    const parsed = parseDestination(text);
    assert(!parsed.ok, text);
    assert.deepEqual(parsed.problems.map(({ reason }) => reason), [expected], text);
  }
});
