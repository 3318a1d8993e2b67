import assert from "node:assert/strict";
import { flowsOfPair, pairsWithin, planPairs } from "./pairs.ts";

Deno.test("planPairs() shares all flows out, to a destination each", () => {
  assert.deepEqual(planPairs(5, 2), [
    { destination: "127.1.0.1", flows: 2 },
    { destination: "127.1.0.2", flows: 2 },
    { destination: "127.1.0.3", flows: 1 },
  ]);
  const many = planPairs(1000, 1);
  assert.equal(new Set(many.map(({ destination }) => destination)).size, 1000);
  assert.equal(many[254].destination, "127.1.0.255");
  assert.equal(many[255].destination, "127.1.1.0");
  assert.deepEqual(planPairs(4, 4).map(({ flows }) => flows), [4]);
});

Deno.test("a pair holds what its files and its destination's ports allow", () => {
  assert.equal(flowsOfPair(1024, 28_232), 1000);
  assert.equal(flowsOfPair(1_000_000, 28_232), 19_762);
  assert.equal(flowsOfPair(10, 28_232), 0);
  assert.equal(pairsWithin(1024), 112);
  assert.equal(pairsWithin(10), 0);
});
