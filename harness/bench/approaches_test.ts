// A quick run of the real thing: only what is counted is judged, never a time.

import assert from "node:assert/strict";
import { join } from "node:path";
import { Failure } from "../../generator/failure.ts";
import { launch } from "../launch.ts";
import { dist } from "../library.ts";
import { inFreshNamespace, namespaceProblem } from "../namespace.ts";
import { describeMissing, findInstalled } from "../servers/programs.ts";
import { countConnection } from "./approach_calls.ts";
import { type Approach, makeApproaches, makeConnections, usableOf } from "./approaches.ts";
import { buildCycles, noTimeWait } from "./cycles.ts";
import { total } from "./strace.ts";
import { makeVariants } from "./variants.ts";

const problem = namespaceProblem();
const skipped = problem === undefined ? "" : ` (skipped: ${problem})`;
const ignore = problem !== undefined;

async function allApproaches(): Promise<Approach[]> {
  await buildCycles();
  const leftOut: string[] = [];
  const usable = await usableOf(
    makeApproaches(await makeVariants()),
    (what, reason) => leftOut.push(`${what}: ${reason}`),
  );
  assert.deepEqual(leftOut, []);
  return usable;
}

Deno.test({
  name: `every approach keeps the ports, in one thread and in eight${skipped}`,
  ignore,
  async fn() {
    for (const approach of await allApproaches()) {
      for (const threads of [1, 8]) {
        // Not keeping them is a failure of its own; that bare does not shows that they say something.
        const { lowestPort, highestPort } = await makeConnections(approach, threads, 50);
        const kept = lowestPort >= 60_000 && highestPort <= 60_511;
        assert.equal(kept, !approach.name.startsWith("bare"), approach.name);
      }
    }
  },
});

Deno.test({
  name: `makeConnections() refuses to measure what does not keep the ports${skipped}`,
  ignore,
  async fn() {
    const [bare] = await allApproaches();
    const isReason = (error: unknown) =>
      error instanceof Failure && /: its source ports were .*, not within 1-2$/.test(error.message);
    const pretending = { ...bare, ports: [{ low: 1, high: 2 }] };
    await assert.rejects(makeConnections(pretending, 1, 5), isReason);
    const missing = { ...bare, variables: { LD_PRELOAD: "/no/such/library.so" } };
    await assert.rejects(makeConnections(missing, 1, 5), /no\/such\/library\.so/);
  },
});

Deno.test({
  name: `an approach whose launcher fails is left out, with its words${skipped}`,
  ignore,
  async fn() {
    await buildCycles();
    const [bare] = makeApproaches(await makeVariants());
    // A process can have one listener (EBUSY), so the inner one stands for what a sandbox forbids.
    const intercept = [join(dist, "programs", "native", "intercept"), "60000", "60511"];
    const launcher = [...intercept, ...intercept];
    const leftOut: string[] = [];
    const usable = await usableOf(
      [bare, { ...bare, launcher }],
      (what, reason) => leftOut.push(`${what}: ${reason}`),
    );
    assert.deepEqual(usable, [bare]);
    const reason = "intercept: Cannot be notified of system calls: Device or resource busy";
    assert.deepEqual(leftOut, [`bare: ${reason}`]);
  },
});

Deno.test({
  name: `the interceptor ends as its program does, and reaches its children${skipped}`,
  ignore,
  async fn() {
    await buildCycles();
    const intercept = [join(dist, "programs", "native", "intercept"), "60000", "60511"];
    const run = (...argv: string[]) =>
      inFreshNamespace(
        noTimeWait,
        () =>
          launch({
            argv: [...intercept, ...argv],
            environment: { PATH: "/usr/bin:/bin" },
            cwd: "/",
          })
            .outcome,
      );
    assert.equal((await run("sh", "-c", "exit 7")).status, 7);
    assert.equal((await run("sh", "-c", "kill -TERM $$")).status, "SIGTERM");
    const connections = join(dist, "programs", "native", "connections");
    const { stdout } = await run("sh", "-c", `(${connections} 2 20; ${connections} 1 20) & wait`);
    const reports = stdout.trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(reports.length, 2);
    for (const { lowestPort, highestPort } of reports) {
      assert.ok(lowestPort >= 60_000 && highestPort <= 60_511, `${lowestPort}-${highestPort}`);
    }
  },
});

const lacksStrace = findInstalled("strace") === undefined
  ? `missing: ${describeMissing("strace")}`
  : problem;
Deno.test({
  name: "countConnection() counts a supervisor's calls as the program's" +
    (lacksStrace === undefined ? "" : ` (skipped: ${lacksStrace})`),
  ignore: lacksStrace !== undefined,
  async fn() {
    const counts = new Map<string, number>();
    for (const approach of await allApproaches()) {
      if (/bare again|emulation/.test(approach.name)) continue;
      counts.set(approach.name, total(await countConnection(approach)));
    }
    assert.deepEqual([...counts], [
      ["bare", 5],
      ["portpin, kernel engine", 7],
      ["namespace with the sysctl", 5],
      ["search by bind(2)", 6],
      ["seccomp user notification", 10],
    ]);
  },
});
