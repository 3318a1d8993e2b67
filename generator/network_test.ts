import assert from "node:assert/strict";
import { familyOf, formatAddress, parseAddress } from "./address.ts";
import { contains, formatNetwork, intervalsOf, liesWithin, parseNetwork } from "./network.ts";
import { valueOf } from "./ports.ts";

const networkOf = (text: string) => valueOf(parseNetwork(text));
const intervals = (...texts: string[]) => intervalsOf(texts.map(networkOf));

Deno.test("parseNetwork() takes a plain address as a network of one", () => {
  assert.deepEqual(networkOf("192.0.2.7"), networkOf("192.0.2.7/32"));
  assert.deepEqual(networkOf("2001:db8::7"), networkOf("2001:DB8::7/128"));
  assert.equal(networkOf("0.0.0.0/0").prefix, 96);
});

Deno.test("formatNetwork() is read back as the same network", () => {
  for (
    const text of ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.7/32", "::/0", "2001:db8::/32", "::/96"]
  ) {
    assert.equal(formatNetwork(networkOf(text)), text);
  }
});

Deno.test("contains() keeps the families apart", () => {
  const cases: [string, string, boolean][] = [
    ["192.0.2.0/25", "192.0.2.127", true],
    ["192.0.2.0/25", "192.0.2.128", false],
    ["192.0.2.0/24", "::ffff:192.0.2.9", true],
    ["0.0.0.0/0", "255.255.255.255", true],
    ["0.0.0.0/0", "::1", false],
    ["0.0.0.0/0", "::fffe:ffff:ffff", false],
    ["::/0", "2001:db8::1", true],
    ["::/0", "192.0.2.7", false],
    ["::/80", "::ffff:192.0.2.7", false],
    ["::/80", "::fffe:0:1", true],
    ["2001:db8::/127", "2001:db8::1", true],
    ["2001:db8::/127", "2001:db8::2", false],
  ];
  for (const [network, address, expected] of cases) {
    assert.equal(
      contains(networkOf(network), parseAddress(address)!),
      expected,
      `${network} ${address}`,
    );
  }
});

Deno.test("intervalsOf() has exactly the addresses that contains() has", () => {
  const sets = [["::/0"], ["::fffe:0:0/95"], ["::/80", "0.0.0.0/0"], [
    "192.0.2.0/25",
    "192.0.2.128/25",
  ]]
    .concat([["10.0.0.0/8", "10.1.0.0/16", "::1"], ["0.0.0.0/1", "128.0.0.0/1"]]);
  for (const texts of sets) {
    const networks = texts.map(networkOf);
    const found = intervalsOf(networks);
    // Where a set begins and ends, the addresses just outside it do not belong to it.
    for (const { low, high } of found) {
      for (
        const [address, expected] of [[low - 1n, false], [low, true], [high, true], [
          high + 1n,
          false,
        ]]
      ) {
        const inside = networks.some((network) => contains(network, address as bigint));
        const exists = (address as bigint) >= 0n && (address as bigint) >> 128n === 0n;
        if (exists) assert.equal(inside, expected, `${texts}: ${formatAddress(address as bigint)}`);
      }
    }
  }
  assert.equal(intervals("192.0.2.0/25", "192.0.2.128/25").length, 1);
  assert.equal(intervals("::/0").length, 2);
  assert.equal(intervals("::/0", "0.0.0.0/0").length, 1);
  assert(
    intervals("::/0").every(({ low, high }) =>
      familyOf(low) === "ipv6" && familyOf(high) === "ipv6"
    ),
  );
});

Deno.test("liesWithin() sees through several networks that cover one", () => {
  const outer = intervals("192.0.2.0/25", "192.0.2.128/25", "10.0.0.0/8");
  assert(liesWithin(intervals("192.0.2.64/26", "192.0.2.0/24", "10.9.0.0/16"), outer));
  assert(!liesWithin(intervals("192.0.2.0/23"), outer));
  assert(!liesWithin(intervals("192.0.2.7", "11.0.0.0/8"), outer));
});
