// `deno task demo`: every program that is installed, run under portpin, and where it went from
// there as its peers saw it. Ends with a status other than 0 when any verdict is bad.

import { Failure } from "../generator/failure.ts";
import { readCases } from "./case_file.ts";
import { enterNamespace } from "./namespace.ts";
import { type CaseTest, testsOf } from "./plan.ts";
import { badVerdicts, heading, isGood, programOf, rowsOf } from "./report/rows.ts";
import { renderTable } from "./report/table.ts";
import { runAll, type Skipped, summary } from "./run_all.ts";

await enterNamespace(["run", "-A", "--quiet", import.meta.filename!]);
try {
  Deno.exit(await demonstrate() ? 0 : 1);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  Deno.exit(error.status);
}

/** Runs the cases of programs and prints the table; whether all is good. */
async function demonstrate(): Promise<boolean> {
  const tests = (await readCases()).flatMap(testsOf);
  const { reports, skipped } = await runAll(tests.filter(isOfProgram));
  console.log(renderTable(["program", ...heading], rowsOf(reports, programOf)));
  for (const line of skippedPrograms(skipped)) console.log(line);
  const bad = reports.filter((report) => !isGood(report));
  for (const line of bad.flatMap(badVerdicts)) console.log(`bad: ${line}`);
  console.log(summary(reports.length - bad.length, bad.length, skipped.length));
  return bad.length === 0;
}

/** Whether a test is about a program as its distribution ships it. */
function isOfProgram({ file }: CaseTest): boolean {
  return file.name.startsWith("program-");
}

/** One line for each program that was skipped, however many tests it would have had. */
function skippedPrograms(skipped: readonly Skipped[]): string[] {
  const lines = skipped.map(({ test, reason }) => `skipped: ${programOf(test)}: ${reason}`);
  return [...new Set(lines)];
}
