import assert from "node:assert/strict";
import { parseSource } from "./source.ts";

Deno.test("parseSource() takes one address of each family, in any order", () => {
  assert.deepEqual(parseSource("192.0.2.7"), { ok: true, value: { ipv4: "192.0.2.7" } });
  assert.deepEqual(parseSource("2001:DB8::0:7,192.0.2.7"), {
    ok: true,
    value: { ipv6: "2001:db8::7", ipv4: "192.0.2.7" },
  });
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
