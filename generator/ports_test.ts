import assert from "node:assert/strict";
import {
  commonPorts,
  countPorts,
  formatPorts,
  formatSlice,
  type Parsed,
  parsePorts,
  parseSlice,
  type PortSet,
  portsPattern,
  slicePattern,
  slicePorts,
} from "./ports.ts";

function valueOf<T>(parsed: Parsed<T>): T {
  assert(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function portsOf(text: string): PortSet {
  return valueOf(parsePorts(text));
}

Deno.test("parsePorts() sorts ranges and joins neighbours", () => {
  assert.deepEqual(portsOf("60000"), [{ low: 60000, high: 60000 }]);
  assert.deepEqual(portsOf("61000,60256-60511,60000-60255"), [
    { low: 60000, high: 60511 },
    { low: 61000, high: 61000 },
  ]);
  assert.deepEqual(portsOf("1-65535"), [{ low: 1, high: 65535 }]);
});

Deno.test("parsePorts() names each problem where it is", () => {
  const refused: [string, [number, string][]][] = [
    ["", [[0, "the set is empty"]]],
    ["60000-", [[0, "expected LOW-HIGH"]]],
    ["-60000", [[0, "expected LOW-HIGH"]]],
    ["1-2-3", [[0, "expected LOW-HIGH"]]],
    ["060000", [[0, "expected LOW-HIGH"]]],
    [" 1", [[0, "expected LOW-HIGH"]]],
    ["1,", [[2, 'expected LOW-HIGH, not ""']]],
    ["0", [[0, "0 is not within 1-65535"]]],
    ["65535-65536", [[0, "65535-65536 is not within 1-65535"]]],
    ["9,20-10", [[2, "20-10 is reversed"]]],
    ["10-20,20-30", [[6, "20-30 overlaps 10-20"]]],
    ["10,10", [[3, "10 overlaps 10"]]],
    // The widest range counts, not the neighbour in order.
    ["1-100,2-3,50", [[6, "2-3 overlaps 1-100"], [10, "50 overlaps 1-100"]]],
  ];
  for (const [text, expected] of refused) {
    const parsed = parsePorts(text);
    assert(!parsed.ok, text);
    assert.deepEqual(parsed.problems.map(({ offset, reason }) => [offset, reason]), expected);
  }
});

Deno.test("parsePorts() limits ranges after joining them", () => {
  const every = (step: number, count: number) =>
    Array.from({ length: count }, (_, index) => 1000 + step * index).join();
  assert.equal(portsOf(every(2, 32)).length, 32);
  assert.equal(portsOf(every(1, 33)).length, 1);
  assert.equal(parsePorts(every(2, 33)).ok, false);
});

Deno.test("formatPorts() is read back as the same set", () => {
  const ports = portsOf("61000,60000-60255,50000-50001");
  assert.equal(formatPorts(ports), "50000-50001,60000-60255,61000");
  assert.deepEqual(portsOf(formatPorts(ports)), ports);
});

Deno.test("the schema's patterns accept what the parsers accept", () => {
  for (const text of ["1", "60000-60511", "60000-60255,61000", "1-65535"]) {
    assert.match(text, new RegExp(portsPattern));
  }
  for (const text of ["0/1", "3/4", "65534/65535"]) assert.match(text, new RegExp(slicePattern));
});

Deno.test("parseSlice() counts INDEX from 0", () => {
  assert.deepEqual(valueOf(parseSlice("0/1")), { index: 0, count: 1 });
  assert.equal(formatSlice(valueOf(parseSlice("65534/65535"))), "65534/65535");
  for (const text of ["", "1", "1/", "/2", "1/2/3", "-1/2", "00/2", "2/2", "0/0", "0/65536"]) {
    assert.equal(parseSlice(text).ok, false, text);
  }
});

Deno.test("slicePorts() follows the formula that the shim shares", () => {
  const ports = portsOf("100-101,200-204,300");
  const parts = [0, 1, 2].map((index) => formatPorts(slicePorts(ports, { index, count: 3 })));
  assert.deepEqual(parts, ["100-101", "200-202", "203-204,300"]);
});

Deno.test("slicePorts() gives disjoint parts that cover the set and differ by at most one", () => {
  const sets = ["1", "7,9", "60000-60002", "60000-60511", "10-12,20,30-36,65535", "1-65535"];
  for (const ports of sets.map(portsOf)) {
    const total = countPorts(ports);
    const counts = [1, 2, 3, 5, 7, 16, 64, 511, total - 1, total];
    for (const count of counts.filter((count) => count >= 1 && count <= total)) {
      const sizes: number[] = [];
      let covered: PortSet = [];
      for (let index = 0; index < Math.min(count, 600); index++) {
        const part = slicePorts(ports, { index, count });
        sizes.push(countPorts(part));
        assert(part.length <= ports.length);
        if (index > 0) assert((covered.at(-1)?.high ?? 0) < part[0].low);
        covered = [...covered, ...part];
      }
      assert(Math.max(...sizes) - Math.min(...sizes) <= 1, `${count} of ${formatPorts(ports)}`);
      if (sizes.length < count) continue;
      assert.equal(countPorts(covered), total);
      assert.equal(countPorts(commonPorts(covered, ports)), total);
    }
  }
});

Deno.test("slicePorts() refuses more parts than ports", () => {
  assert.throws(() => slicePorts(portsOf("60000-60001"), { index: 0, count: 3 }), {
    name: "RangeError",
    message: "Cannot slice 60000-60001: 3 parts are more than the 2 ports",
  });
});
