/** Runs many tests one after the other, showing how far it is, and keeps what became of each. */
import $ from "dax";
import { Failure } from "../generator/failure.ts";
import { namespaceProblem } from "./namespace.ts";
import { type CaseTest, skipReason } from "./plan.ts";
import { type Report, runTest } from "./run_case.ts";

/** A test that could not run here, and why. */
export interface Skipped {
  readonly test: CaseTest;
  readonly reason: string;
}

export interface Results {
  readonly reports: readonly Report[];
  readonly skipped: readonly Skipped[];
}

/**
 * Runs what can run here of `tests`. A test that breaks down is a report with a bad verdict.
 *
 * @throws {Failure} when a library cannot be built: then nothing can be said of anything.
 */
export async function runAll(tests: readonly CaseTest[]): Promise<Results> {
  const reports: Report[] = [];
  const skipped: Skipped[] = [];
  await withProgress(tests, async (test) => {
    const reason = skipReason(test, namespaceProblem());
    if (reason === undefined) reports.push(await runTest(test).catch(breakdown(test)));
    else skipped.push({ test, reason });
  });
  return { reports, skipped };
}

/** Runs `action` for each test, with a bar for whoever watches it at a terminal. */
async function withProgress(
  tests: readonly CaseTest[],
  action: (test: CaseTest) => Promise<void>,
): Promise<void> {
  const bar = Deno.stderr.isTerminal()
    ? $.progress("Checking", { length: tests.length })
    : undefined;
  try {
    for (const test of tests) {
      bar?.message(test.id);
      await action(test);
      bar?.increment();
    }
  } finally {
    bar?.finish();
  }
}

function breakdown(test: CaseTest): (error: unknown) => Report {
  return (error) => {
    if (error instanceof Failure || !(error instanceof Error)) throw error;
    const verdict = { good: false, about: "run", reason: error.message };
    return { test, verdicts: [verdict], observations: [] };
  };
}

/** The line that ends every run: `N passed, N failed, N skipped`. */
export function summary(passed: number, failed: number, skipped: number): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
