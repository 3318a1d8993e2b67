// The real thing on a few hundred ports: a few thousand flows take a second. What is counted is
// judged, never a time.

import assert from "node:assert/strict";
import { viewKernel } from "../../generator/kernel_view.ts";
import { buildPrograms } from "../library.ts";
import { namespaceProblem } from "../namespace.ts";
import { type Run, run, type Task, type Way } from "./run.ts";

/** Ten destinations for 5000 flows: each port is used by seven flows and more. */
const task: Task = { flows: 5000, each: 500, range: { low: 40000, high: 40699 } };
const problem = namespaceProblem();

async function holding(way: Way): Promise<Run & { heard: number[] }> {
  await buildPrograms();
  const heard: number[] = [];
  const result = await run(way, task, (flows) => heard.push(flows));
  return { ...result, heard };
}

function test(name: string, reason: string | undefined, fn: () => Promise<void>): void {
  const skipped = reason === undefined ? "" : ` (skipped: ${reason})`;
  Deno.test({ name: `${name}${skipped}`, ignore: reason !== undefined, fn });
}

test(
  "without portpin a program that binds an address has a flow for each port",
  problem,
  async () => {
    const { flows, stop, problems } = await holding("bare");
    assert.deepEqual(problems, []);
    assert.equal(flows, 700);
    assert.equal(stop, "bind: EADDRINUSE");
  },
);

const { portRangeErrno } = await viewKernel();
const lacks = portRangeErrno && `IP_LOCAL_PORT_RANGE: ${portRangeErrno}`;

for (const way of ["kernel", "emulation"] as const) {
  const reason = problem ?? (way === "kernel" ? lacks : undefined);
  test(`the ${way} engine lets it have as many as there are destinations`, reason, async () => {
    const { flows, stop, problems, heard, measured } = await holding(way);
    assert.deepEqual(problems, []);
    assert.equal(flows, 5000);
    assert.equal(stop, undefined);
    assert.equal(heard.at(-1), 5000);
    assert.ok(measured.memory.left > 0);
  });
}
