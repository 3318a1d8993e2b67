import assert from "node:assert/strict";
import { type Figure, isFailure, verdictOf } from "./benchmark.ts";

function figure(cost: number, budget?: number, interval?: [number, number]): Figure {
  return { what: "anything", measured: {}, cost, budget, interval };
}

Deno.test("verdictOf() allows the budget itself and nothing more", () => {
  assert.equal(verdictOf(figure(2, 2)), "good");
  assert.equal(verdictOf(figure(2.01, 2)), "OVER");
  assert.equal(verdictOf(figure(1, 0)), "OVER");
  assert.equal(verdictOf(figure(0, 0)), "good");
});

Deno.test("verdictOf() has nothing to say without a budget", () => {
  assert.equal(verdictOf(figure(1_000)), undefined);
});

Deno.test("verdictOf() says whether chance may explain a ratio over its budget", () => {
  assert.equal(verdictOf(figure(1.04, 1.03, [1.035, 1.045])), "OVER");
  assert.equal(verdictOf(figure(1.04, 1.03, [1.02, 1.06])), "unclear");
  assert.equal(verdictOf(figure(1.02, 1.03, [1.01, 1.06])), "good");
});

Deno.test("isFailure() is for what was counted: a time is told and fails nothing", () => {
  assert.ok(isFailure(figure(2.01, 2)));
  assert.ok(!isFailure(figure(2, 2)));
  assert.ok(!isFailure(figure(2)));
  assert.ok(!isFailure(figure(1.04, 1.03, [1.035, 1.045])));
});
