// What is known of a run survives its crash, and says that it is not all.

import assert from "node:assert/strict";
import { join } from "node:path";
import { readCases } from "../case_file.ts";
import { testsOf } from "../plan.ts";
import { CaseLog, gather } from "./case_log.ts";

Deno.test("a log that lacks tests is a part, and a test that breaks down is bad", async () => {
  const folder = await Deno.makeTempDir({ prefix: "portpin-report-" });
  const file = join(folder, "log");
  const tests = (await readCases(["tcp-connect-blocking"])).flatMap(testsOf);
  const log = new CaseLog(tests, file);
  const breakdown = log.run(tests[0], () => Promise.reject(new Error("it broke down")));
  await assert.rejects(breakdown, /^Error: it broke down$/);
  log.skip(tests[1], "a reason");
  const cases = await gather(await Deno.readTextFile(file));
  assert.equal(cases?.part, `2 of ${tests.length} tests`);
  assert.deepEqual(cases?.cases.map(({ name }) => name), ["tcp-connect-blocking"]);
  assert.deepEqual(cases?.tests.map(({ outcome, reasons }) => [outcome, ...reasons]), [
    ["bad", "run: it broke down"],
    ["skipped", "a reason"],
  ]);
  assert.equal(await gather(""), undefined);
  await Deno.remove(folder, { recursive: true });
});
