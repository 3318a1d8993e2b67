import assert from "node:assert/strict";
import { Census, censusProblems, turned } from "./census.ts";
import type { Connected } from "./sock_diag.ts";

const [source, ports] = [0x7f000002, [{ low: 50000, high: 50009 }]];

function flow(port: number, destination: number, address = source): Connected {
  return { local: { address, port }, remote: { address: destination, port: 8080 } };
}

function censusOf(flows: readonly Connected[]): Census {
  const census = new Census();
  for (const each of flows) census.add(each);
  return census;
}

function problems(connected: Connected[], accepted = connected, flows = connected.length) {
  return censusProblems(censusOf(connected), censusOf(accepted), { flows, source, ports });
}

Deno.test("flows that share a port are well while their destinations differ", () => {
  assert.deepEqual(problems([flow(50000, 1), flow(50000, 2), flow(50009, 1)]), []);
  const census = censusOf([flow(50009, 1), flow(50000, 2), flow(50000, 1)]);
  assert.deepEqual(census.ports, [50000, 50009]);
});

Deno.test("turned() makes the other end's socket name the same flow", () => {
  const accepted = turned(flow(50000, 1));
  assert.deepEqual(accepted.local, { address: 1, port: 8080 });
  assert.deepEqual(turned(accepted), flow(50000, 1));
});

Deno.test("each thing that can be wrong is said", () => {
  const [one, two] = [flow(50000, 1), flow(50001, 1)];
  assert.deepEqual(problems([one, two], [one, two], 3), ["the kernel has 2 flows, not 3"]);
  assert.deepEqual(problems([one], [two]), ["the other end has other flows (1 of them)"]);
  assert.deepEqual(problems([one], [one, two]), ["the other end has other flows (2 of them)"]);
  assert.deepEqual(problems([one], [flow(50000, 2)]), [
    "the other end has other flows (1 of them)",
  ]);
  assert.deepEqual(problems([one, one]), ["1 flows have the 4-tuple of another"]);
  assert.deepEqual(problems([flow(50010, 1)]), ["source port 50010 is not in 50000-50009"]);
  assert.deepEqual(problems([flow(50000, 1, 0x7f000003)]), ["there is another source address"]);
});
