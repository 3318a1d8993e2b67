import assert from "node:assert/strict";
import { gateCounts, junitCounts, sum, zigCounts } from "./counts.ts";

Deno.test("junitCounts() counts what deno test reports", () => {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.1">
    <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="passes" classname="./a_test.ts" time="0.01" line="1" col="6">
        </testcase>
        <testcase name="passes too" classname="./a_test.ts" time="0.01" line="1" col="6"/>
        <testcase name="fails" classname="./a_test.ts" time="0.01" line="2" col="6">
            <failure message="Uncaught">skipped</failure>
        </testcase>
        <testcase name="a &lt;b&gt; &quot;c&#39;" classname="./a_test.ts" time="0" line="3" col="6">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;
  assert.deepEqual(junitCounts(xml), { passed: 2, failed: 1, skipped: [`a <b> "c'`] });
});

Deno.test("junitCounts() counts nothing where there is no report", () => {
  assert.deepEqual(junitCounts(""), { passed: 0, failed: 0, skipped: [] });
});

Deno.test("zigCounts() reads the build's summary", () => {
  const all = zigCounts("Build Summary: 3/3 steps succeeded; 32/32 tests passed\n");
  assert.deepEqual(all, { passed: 32, failed: 0, skipped: [] });
  const some = zigCounts(
    "Build Summary: 1/3 steps succeeded; 30/33 tests passed; 1 skipped; 2 failed",
  );
  assert.equal(some?.passed, 30);
  assert.equal(some?.failed, 2);
  assert.equal(some?.skipped.length, 1);
  assert.equal(zigCounts("error: expected ';'"), undefined);
});

Deno.test("sum() adds everything up", () => {
  const counts = [gateCounts(true), gateCounts(false), { passed: 3, failed: 0, skipped: ["a"] }];
  assert.deepEqual(sum(counts), { passed: 4, failed: 1, skipped: ["a"] });
});
