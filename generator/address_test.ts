import assert from "node:assert/strict";
import {
  bytesOf,
  familyOf,
  formatAddress,
  isLoopback,
  isMulticast,
  parseAddress,
  reached,
  sixteenBytes,
} from "./address.ts";

function canonical(text: string): string | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : formatAddress(address);
}

Deno.test("parseAddress() takes one address in two spellings as the same", () => {
  const spellings: [string, string][] = [
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::FFFF:c000:207", "192.0.2.7"],
    ["2001:DB8:0:0:0:0:0:7", "2001:db8::7"],
    ["64:ff9b::192.0.2.7", "64:ff9b::c000:207"],
    // Neither is IPv4: the one is out of use (RFC 4291, 2.5.5.1), the other is SIIT's (RFC 2765).
    ["::192.0.2.7", "::c000:207"],
    ["::ffff:0:192.0.2.7", "::ffff:0:c000:207"],
    ["::", "::"],
  ];
  for (const [text, expected] of spellings) assert.equal(canonical(text), expected, text);
});

Deno.test("parseAddress() refuses all else", () => {
  const none = ["", "127.1", "0x7f.0.0.1", "192.0.2.07", "192.0.2.256", "1.2.3", "::g", "1::2::3"]
    .concat(
      "fe80::1%eth0",
      "[::1]",
      "1:2:3:4:5:6:7",
      "::1.2.3",
      "::1.2.3.4.5",
      "1:2:3:4:5:6:7:1.2.3.4",
    )
    .concat("1.2.3.4:", "::1/128", " ::1");
  for (const text of none) assert.equal(parseAddress(text), undefined, text);
});

Deno.test("bytesOf() gives four bytes or sixteen, and sixteenBytes() always sixteen", () => {
  const address = parseAddress("192.0.2.7")!;
  assert.deepEqual(bytesOf(address), [192, 0, 2, 7]);
  assert.deepEqual(sixteenBytes(address), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 7]);
  assert.equal(bytesOf(parseAddress("::1")!).length, 16);
});

Deno.test("familyOf() knows where IPv4 begins and ends", () => {
  const families = ["::fffe:ffff:ffff", "0.0.0.0", "255.255.255.255", "::1:0:0:0"]
    .map((text) => familyOf(parseAddress(text)!));
  assert.deepEqual(families, ["ipv6", "ipv4", "ipv4", "ipv6"]);
});

Deno.test("reached() takes an unspecified destination for loopback", () => {
  const pairs = [["0.0.0.0", "127.0.0.1"], ["::", "::1"], ["::ffff:0:0", "127.0.0.1"], [
    "::2",
    "::2",
  ]];
  for (const [text, expected] of pairs) {
    assert.equal(formatAddress(reached(parseAddress(text)!)), expected, text);
  }
});

Deno.test("isLoopback() and isMulticast() know both families", () => {
  const kinds = (is: typeof isLoopback) =>
    ["127.255.255.255", "128.0.0.0", "::1", "::2", "224.0.0.0", "240.0.0.0", "ff00::", "fe80::1"]
      .filter((text) => is(parseAddress(text)!));
  assert.deepEqual(kinds(isLoopback), ["127.255.255.255", "::1"]);
  assert.deepEqual(kinds(isMulticast), ["224.0.0.0", "ff00::"]);
});
