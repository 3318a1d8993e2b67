import assert from "node:assert/strict";
import { keep, type Kept, readKept } from "../report/results.ts";
import { readVersions } from "../report/versions.ts";
import type { Benchmark, Figure, Result } from "./benchmark.ts";
import { keptOf, renderResult } from "./render.ts";

function benchmark(cost: Benchmark["cost"], unit: string): Benchmark {
  const run = () => Promise.reject(new Error("not to be run"));
  return {
    name: "name",
    measures: "What. And how.",
    unit,
    cost,
    requires: [],
    connects: true,
    run,
  };
}

/** What every result says besides its figures. */
const ran = { leftOut: [], seconds: 12.3 };

const added: Result = {
  ...ran,
  benchmark: benchmark("added", "calls per cycle"),
  figures: [
    {
      what: "TCP connect",
      measured: { bare: 5, portpin: 7.25 },
      cost: 2.25,
      budget: 2,
      detail: "+2.25 getsockopt",
    },
    { what: "UDP send", measured: { bare: 2, portpin: 2 }, cost: 0, budget: 0, detail: "" },
    { what: "start", measured: { bare: 29, portpin: 46_000 }, cost: 45_971 },
  ],
};

const ratio: Figure = {
  what: "TCP connect",
  measured: { bare: 13.4567, portpin: 13.8 },
  cost: 1.0255,
  interval: [1.02, 1.031],
  budget: 1.03,
};

Deno.test("renderResult() shows every number with its unit, budget and verdict", async (t) => {
  await t.assertSnapshot(renderResult(added));
});

Deno.test("renderResult() shows a ratio with its interval", async (t) => {
  const result = { ...ran, benchmark: benchmark("ratio", "µs per cycle"), figures: [ratio] };
  await t.assertSnapshot(renderResult(result));
});

Deno.test("renderResult() shows the middle of the rounds, and what there is not", async (t) => {
  const leftOut = [{ what: "seccomp", reason: "it is forbidden" }];
  const figures = [{ ...ratio, middle: [0.98, 1.07] as const, budget: undefined }];
  const result = { ...ran, benchmark: benchmark("ratio", "µs per cycle"), figures, leftOut };
  await t.assertSnapshot(renderResult(result));
});

Deno.test("renderResult() leaves out columns that no figure has", async (t) => {
  const figures = [{ what: "x86_64-linux", measured: {}, cost: 16_336, budget: 16_384 }];
  await t.assertSnapshot(renderResult({ ...ran, benchmark: benchmark("total", "bytes"), figures }));
});

Deno.test("renderResult() says why a benchmark was skipped", async (t) => {
  const result = { benchmark: benchmark("added", "calls per cycle"), skipped: "missing: strace" };
  await t.assertSnapshot(renderResult(result));
});

Deno.test("keptOf() keeps every figure with its verdict, and what was skipped", async () => {
  const skipped = { benchmark: benchmark("ratio", "µs per cycle"), skipped: "missing: valgrind" };
  const versions = await readVersions();
  const { benchmarks: [first, second], ...heading } = await asRead(
    keptOf([added, skipped], versions),
  );
  assert.deepEqual(heading, { versions });
  assert.ok("figures" in first && "skipped" in second);
  assert.deepEqual([first, second].map(({ unit }) => unit), ["calls per cycle", "µs per cycle"]);
  assert.deepEqual(first.figures.map(({ verdict }) => verdict), ["OVER", "good", undefined]);
  assert.deepEqual(first.figures[0].measured, { bare: 5, portpin: 7.25 });
  assert.deepEqual([first.seconds, first.leftOut], [12.3, []]);
  assert.equal(second.skipped, "missing: valgrind");
});

/** What the page reads of what the bench keeps. */
async function asRead(bench: Kept<"bench">): Promise<Kept<"bench">> {
  const folder = await Deno.makeTempDir({ prefix: "portpin-bench-" });
  try {
    await keep("bench", bench, folder);
    const read = await readKept("bench", folder);
    assert.ok("versions" in read, "missing" in read ? read.missing : "");
    return read;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
