import assert from "node:assert/strict";
import { parseAddress } from "./address.ts";
import { valueOf } from "./ports.ts";
import { formatSource, parseSource } from "./source.ts";

Deno.test("parseSource() takes one address of each family, in any order", () => {
  const [ipv4, ipv6] = [parseAddress("192.0.2.7"), parseAddress("2001:db8::7")];
  assert.deepEqual(parseSource("192.0.2.7"), { ok: true, value: { ipv4 } });
  assert.deepEqual(parseSource("2001:DB8::0:7,192.0.2.7"), { ok: true, value: { ipv4, ipv6 } });
});

Deno.test("parseSource() refuses what is no plain address, and a second one of a family", () => {
  for (const text of ["", ",", "127.1", "0x7f.0.0.1", "192.0.2.300", "192.0.2.0/24", "localhost"]) {
    assert.equal(parseSource(text).ok, false, text);
  }
  assert.deepEqual(parseSource("::1,192.0.2.7,::2"), {
    ok: false,
    problems: [{ offset: 14, reason: "::2 is a second IPv6 address, expected IPv4" }],
  });
});

Deno.test("parseSource() refuses what nothing can be sent from", () => {
  const refused = [
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "239.255.255.255",
    "255.255.255.255",
    "ff02::1",
    "fe80::1%eth0",
  ]
    .concat("::ffff:192.0.2.7", "::ffff:0:0");
  for (const text of refused) assert.equal(parseSource(text).ok, false, text);
  for (const text of ["127.0.0.9", "::1", "fe80::1", "10.0.0.1", "240.0.0.1"]) {
    assert.equal(parseSource(text).ok, true, text);
  }
});

Deno.test("formatSource() is read back as the same source", () => {
  const source = valueOf(parseSource("2001:db8::7,192.0.2.7"));
  assert.equal(formatSource(source), "192.0.2.7,2001:db8::7");
  assert.deepEqual(valueOf(parseSource(formatSource(source))), source);
});
