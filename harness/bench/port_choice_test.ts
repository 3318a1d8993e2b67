import assert from "node:assert/strict";
import { choiceOf } from "./port_choice.ts";

const small = { low: 60_000, high: 60_511 };

Deno.test("choiceOf() of every port once is perfectly even", () => {
  const ports = Array.from({ length: 512 }, (_, index) => small.low + index);
  const { counts, chiSquared, degreesOfFreedom, probability } = choiceOf(
    "kernel",
    small,
    "one",
    ports,
  );
  assert.deepEqual(counts, new Array(512).fill(1));
  assert.deepEqual([chiSquared, degreesOfFreedom, probability], [0, 511, 1]);
});

Deno.test("choiceOf() expects of each bin what its width is", () => {
  const wide = { low: 32_768, high: 60_999 };
  const ports = Array.from({ length: 28_232 }, (_, index) => wide.low + index);
  const { counts, chiSquared } = choiceOf("emulation", wide, "many", ports);
  assert.deepEqual([...new Set(counts)].sort(), [55, 56]);
  assert.ok(chiSquared < 1e-9);
});

Deno.test("choiceOf() finds that only even ports are chosen", () => {
  const ports = Array.from({ length: 5_120 }, (_, index) => small.low + 2 * index % 512);
  const { chiSquared, probability, first } = choiceOf("kernel", small, "one", ports);
  assert.equal(chiSquared, 5_120);
  assert.equal(probability, 0);
  assert.deepEqual(first.slice(0, 3), [60_000, 60_002, 60_004]);
});
