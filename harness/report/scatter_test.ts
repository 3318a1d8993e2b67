import assert from "node:assert/strict";
import type { Cases, TestResult } from "./results.ts";
import { pathOfCrosses, pathOfDots, shares, sightingsOf } from "./scatter.ts";

function result(name: string, seen: TestResult["seen"]): TestResult {
  const about = { program: "curl", family: "ipv4", world: "kernel", outcome: "good" } as const;
  return { case: name, test: name, ...about, reasons: [], seen };
}

Deno.test("sightingsOf() has all in the order of time, and whether they are among the case's ports", () => {
  const cases: Pick<Cases, "cases" | "tests"> = {
    cases: [
      { name: "a", promise: "A.", ports: "50000-50001,50005", program: "curl" },
      { name: "b", promise: "B.", ports: "40000", program: "curl" },
    ],
    tests: [result("b", [[1500, 40_000]]), result("a", [[1000, 50_005], [2000, 50_002]])],
  };
  const seen = sightingsOf(cases as Cases);
  assert.deepEqual(seen.map(({ time, port, inside }) => [time, port, inside]), [
    [0, 50_005, true],
    [0.5, 40_000, true],
    [1, 50_002, false],
  ]);
});

Deno.test("a path has each place once", () => {
  assert.equal(pathOfDots([[1, 2], [1.001, 2.04], [3.456, 4.56]]), "M1 2h0M3.46 4.6h0");
  assert.equal(pathOfCrosses([[10, 10]], 4), "M8 8l4 4m-4 0l4 -4");
});

Deno.test("shares() is 1 where each bin has as many", () => {
  assert.deepEqual(shares([0, 1, 2, 3], [0, 3], 2), [1, 1]);
  assert.deepEqual(shares([0, 0, 0, 3], [0, 3], 2), [1.5, 0.5]);
});
