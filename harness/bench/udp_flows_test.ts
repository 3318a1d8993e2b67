// A quick run of the real thing: what is counted is judged, never a time.

import assert from "node:assert/strict";
import { namespaceProblem } from "../namespace.ts";
import { buildCycles } from "./cycles.ts";
import { figureOf, reachFlows, runRace } from "./udp_flows.ts";
import { makeVariants } from "./variants.ts";

const problem = namespaceProblem();
const skipped = problem === undefined ? "" : ` (skipped: ${problem})`;
const ignore = problem !== undefined;

Deno.test({
  name: `N ports are N flows, and shared ones N to each destination${skipped}`,
  ignore,
  async fn() {
    await buildCycles();
    const variants = await makeVariants();
    const reach = { ports: 16, destinations: 3 };
    // Another number is a failure of its own.
    for (const keeper of ["bare", "kernel", "emulation"] as const) {
      assert.equal(await reachFlows(variants, { ...reach, keeper }), 16);
    }
    assert.equal(await reachFlows(variants, { ...reach, keeper: "shared" }), 48);
  },
});

Deno.test({
  name: `reachFlows() refuses what does not share${skipped}`,
  ignore,
  async fn() {
    await buildCycles();
    const variants = await makeVariants();
    const unshared = { ...variants, portpinShared: variants.portpin };
    await assert.rejects(
      reachFlows(unshared, { keeper: "shared", ports: 8, destinations: 2 }),
      /Cannot measure UDP flows: shared had 8 flows, not 16/,
    );
  },
});

Deno.test({
  name: `a race ends with every flow, and says what it took${skipped}`,
  ignore,
  async fn() {
    await buildCycles();
    const variants = await makeVariants();
    const race = { keeper: "shared", ports: 8, destinations: 3, free: 10 } as const;
    const { flows, attempts, lost, exhausted } = await runRace(variants, race);
    assert.equal(flows, 24);
    // All that were made in the race, and by each of 8 processes one to each destination after it.
    assert.equal(attempts, 10 + lost + exhausted);
    assert.ok(exhausted >= 8 * 3, `${exhausted}`);
  },
});

Deno.test("figureOf() sums races up", () => {
  const race = { keeper: "shared", ports: 8, destinations: 3, free: 10, rounds: 2 } as const;
  const outcome = { flows: 24, distinct: 24, lowestPort: 60_000, highestPort: 60_007 };
  const { what, measured, cost } = figureOf(race, [
    { ...outcome, attempts: 36, lost: 1, exhausted: 25 },
    { ...outcome, attempts: 35, lost: 0, exhausted: 25 },
  ]);
  assert.equal(what, "shared: the last 10 of 24 flows, 8 ports to 3 destinations");
  assert.deepEqual(measured, { races: 2, attempts: 23, won: 20, lost: 1, late: 2 });
  assert.equal(cost, 5);
});
