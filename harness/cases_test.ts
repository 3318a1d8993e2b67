// Every case of fixtures/cases, each combination of it a test of its own; but those of a protocol that this
// kernel lacks are for `deno task kernels`.

import assert from "node:assert/strict";
import { readCases } from "./case_file.ts";
import { namespaceProblem } from "./namespace.ts";
import { hasProtocol, skipReason, testsEverywhere } from "./plan.ts";
import { CaseLog, caseLogVariable } from "./report/case_log.ts";
import { runTest } from "./run_case.ts";

const tests = (await readCases()).flatMap(testsEverywhere).filter(hasProtocol);
const log = new CaseLog(tests, Deno.env.get(caseLogVariable));

for (const test of tests) {
  const reason = skipReason(test, namespaceProblem());
  if (reason !== undefined) log.skip(test, reason);
  const name = reason === undefined ? test.id : `${test.id} (skipped: ${reason})`;
  Deno.test({
    name,
    ignore: reason !== undefined,
    async fn() {
      const { verdicts } = await log.run(test, () => runTest(test));
      const bad = verdicts.filter(({ good }) => !good);
      const reasons = bad.map(({ about, reason }) => `${about}: ${reason}`);
      assert.equal(reasons.join("\n"), "", test.file.case.promise);
    },
  });
}
