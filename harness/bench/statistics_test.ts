import assert from "node:assert/strict";
import { median, medianInterval, ratioOf } from "./statistics.ts";

/** 1 to `count`, in an order that sorting as text would leave wrong. */
function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => count - index);
}

Deno.test("median() is the middle, or between the two in the middle", () => {
  assert.equal(median([10, 9, 100]), 10);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
});

Deno.test("medianInterval() lies around the median, and narrows with more values", () => {
  assert.deepEqual(medianInterval(upTo(100)), [41, 60]);
  assert.deepEqual(medianInterval(upTo(400)), [181, 220]);
});

Deno.test("medianInterval() of a few values is all of them", () => {
  assert.deepEqual(medianInterval([3, 1, 2]), [1, 3]);
});

Deno.test("medianInterval() ignores outliers, as the median does", () => {
  const calm = Array.from({ length: 60 }, (_, index) => 1 + index / 1000);
  const [low, high] = medianInterval([...calm, 50, 60, 70, 80]);
  assert.ok(low > 1 && high < 1.06, `${low}-${high}`);
});

Deno.test("ratioOf() is not moved by an even drift", () => {
  const itself = (time: number) => time;
  assert.equal(ratioOf([100, 102, 102, 100], itself), 1.02);
  // The same program in all four blocks, each 10 slower than the one before.
  assert.equal(ratioOf([100, 110, 120, 130], itself), 1);
});
