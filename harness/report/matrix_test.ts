import assert from "node:assert/strict";
import { byReason, columnsOf, count, entriesOf, promisesOf, rowsBy, worstOf } from "./matrix.ts";
import type { Cases, Kernels, TestResult } from "./results.ts";

const versions = {
  modified: false,
  time: "2026-11-22T03:18:42.981Z",
  kernel: "6.18.44-local",
  architecture: "x86_64",
  processors: 2,
  deno: "2.9.6",
};

function promised(name: string) {
  return { name, promise: "A promise.", ports: "50000-50511", program: "guest (glibc)" };
}

function result(name: string, world: TestResult["world"], outcome: TestResult["outcome"]) {
  const reasons = outcome === "good" ? [] : ["a reason"];
  const about = { program: "curl", family: "ipv4" as const, seen: [] };
  return { case: name, test: `${name} world=${world}`, world, outcome, reasons, ...about };
}

const cases: Cases = {
  versions,
  cases: [promised("b"), promised("a")],
  tests: [
    result("b", "kernel", "good"),
    result("b", "kernel", "bad"),
    result("a", "emulation", "skipped"),
  ],
};

const kernels: Kernels = {
  versions,
  cases: [promised("b"), promised("c")],
  runs: [{
    label: "5.10",
    seconds: 1,
    leftOut: [],
    messages: [
      {
        kind: "result",
        case: "c",
        test: "c",
        engine: "kernel",
        outcome: "refused",
        reasons: [],
        duration: 1,
      },
      { kind: "end" },
    ],
  }],
};

Deno.test("there is a column for each world that was run, and for each engine of a kernel", () => {
  assert.deepEqual(
    columnsOf(cases, kernels).map(({ kernel, label }) => `${kernel}: ${label}`),
    [
      "Linux 6.18, here: kernel engine",
      "Linux 6.18, here: emulation forced",
      "Linux 5.10: kernel engine",
      "Linux 5.10: emulation",
    ],
  );
  assert.deepEqual(columnsOf(undefined, undefined), []);
});

Deno.test("a row counts what became of its tests in each column", () => {
  const columns = columnsOf(cases, kernels);
  const entries = entriesOf(cases, kernels);
  const names = promisesOf(cases, kernels).map(({ name }) => name);
  const rows = rowsBy(names, entries, columns, (entry) => entry.case);
  assert.deepEqual(rows.map(({ name, cells }) => [name, ...cells]), [
    ["a", {}, { skipped: 1 }, {}, {}],
    ["b", { good: 1, bad: 1 }, {}, {}, {}],
    ["c", {}, {}, { refused: 1 }, {}],
  ]);
  const programs = rowsBy(["curl", "guest (glibc)"], entries, columns, ({ program }) => program);
  assert.deepEqual(programs.map(({ entries }) => entries.length), [3, 1]);
});

Deno.test("the worst outcome of a cell is what it is shown as", () => {
  assert.equal(worstOf({ good: 7, bad: 1, skipped: 2 }), "bad");
  assert.equal(worstOf({ good: 7, refused: 1 }), "refused");
  assert.equal(worstOf({}), undefined);
  assert.deepEqual(count(entriesOf(cases, undefined)), { good: 1, bad: 1, skipped: 1 });
});

Deno.test("tests are put together by reason", () => {
  const [{ reason, entries }] = byReason(entriesOf(cases, kernels), "bad");
  assert.equal(reason, "a reason");
  assert.equal(entries.length, 1);
});
