import assert from "node:assert/strict";
import { chiSquaredOf, median, medianInterval, middleOf, ratioOf, ratiosOf } from "./statistics.ts";

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

Deno.test("ratiosOf() gives one ratio a round, whatever else ran in it", () => {
  const itself = (time: number) => time;
  assert.deepEqual(ratiosOf([100, 102, 10, 30], [103, 99, 30, 50], itself), [1, 2]);
  // A B C C B A, the same program in all blocks, each 10 slower than the one before.
  const [a, b, c] = [[100, 150], [110, 140], [120, 130]];
  assert.deepEqual([ratiosOf(a, b, itself), ratiosOf(a, c, itself)], [[1], [1]]);
});

Deno.test("middleOf() leaves a tenth out at either end", () => {
  assert.deepEqual(middleOf(upTo(100)), [11, 90]);
  assert.deepEqual(middleOf([7]), [7, 7]);
  assert.deepEqual(middleOf([3, 1, 2]), [1, 3]);
});

Deno.test("chiSquaredOf() gives the statistic of a textbook", () => {
  // A die thrown 60 times: (25 + 4 + 4 + 1 + 0 + 100) / 10.
  const { chiSquared, degreesOfFreedom, probability } = chiSquaredOf(
    [5, 8, 8, 9, 10, 20],
    new Array(6).fill(10),
  );
  assert.equal(chiSquared, 13.4);
  assert.equal(degreesOfFreedom, 5);
  assert.ok(Math.abs(probability - 0.0199) < 0.0001, `${probability}`);
});

Deno.test("chiSquaredOf() knows the quantiles that tables give", () => {
  // NIST/SEMATECH e-Handbook, 1.3.6.7.4: upper-tail critical values.
  const table = [[1, 3.841, 0.05], [10, 23.209, 0.01], [100, 124.342, 0.05], [100, 149.449, 0.001]];
  for (const [degreesOfFreedom, critical, probability] of table) {
    // One count takes all of the deviation.
    const expected = new Array(degreesOfFreedom + 1).fill(1);
    const counts = expected.with(0, 1 + Math.sqrt(critical));
    const found = chiSquaredOf(counts, expected);
    assert.equal(found.degreesOfFreedom, degreesOfFreedom);
    assert.ok(
      Math.abs(found.probability - probability) < probability / 100,
      `${found.probability}`,
    );
  }
});

Deno.test("chiSquaredOf() has nothing against what was expected", () => {
  const { chiSquared, probability } = chiSquaredOf([10, 20, 30], [10, 20, 30]);
  assert.deepEqual([chiSquared, probability], [0, 1]);
});
