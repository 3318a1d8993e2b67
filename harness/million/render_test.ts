import assert from "node:assert/strict";
import { renderRuns } from "./render.ts";
import { endProblems, type Run } from "./run.ts";

const task = { flows: 1_000_000, each: 20_000, range: { low: 32768, high: 60999 } };
const measured = {
  memory: { perFlow: 7500, left: 1e10 },
  conntrack: { perFlow: 0, left: Infinity },
};

Deno.test("renderRuns() has a row for each way, and a line for each problem", () => {
  const bare: Run = {
    way: "bare",
    flows: 28_232,
    stop: "bind: EADDRINUSE",
    seconds: 10,
    measured,
    load: 0,
    problems: [],
  };
  const emulation: Run = { ...bare, way: "emulation", flows: 7, problems: ["it has 7 flows"] };
  const kernel = { way: "kernel", skipped: "too old" } as const;
  const lines = [
    "1,000,000 flows wanted, from one address and 28,232 ports, to 50 destinations; load average 3",
    "",
    "                  flows   stopped by        seconds  flows/s  memory, MB  verdict",
    "────────────────  ──────  ────────────────  ───────  ───────  ──────────  ────────────────",
    "without portpin   28,232  bind: EADDRINUSE  10.0     2,823    212         good",
    "kernel engine     –       –                 –        –        –           skipped: too old",
    "emulation engine  7       bind: EADDRINUSE  10.0     1        0           BAD",
    "emulation engine: it has 7 flows",
  ];
  assert.equal(renderRuns(task, 50, [bare, kernel, emulation], 3), lines.join("\n"));
});

Deno.test("endProblems() knows where a run must end", () => {
  const stop = "bind: EADDRINUSE";
  assert.deepEqual(endProblems({ way: "bare", flows: 28_232, stop }, task), []);
  assert.deepEqual(endProblems({ way: "kernel", flows: 1_000_000 }, task), []);
  assert.deepEqual(endProblems({ way: "bare", flows: 9 }, { ...task, flows: 9 }), []);
  assert.deepEqual(endProblems({ way: "bare", flows: 1_000_000 }, task), [
    "it has 1000000 flows, not 28232",
    "it was not stopped, but should have been by bind: EADDRINUSE",
  ]);
  assert.deepEqual(endProblems({ way: "emulation", flows: 28_232, stop }, task), [
    "it has 28232 flows, not 1000000",
    "it was stopped by bind: EADDRINUSE",
  ]);
});
