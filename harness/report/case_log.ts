/**
 * What becomes of each test of a case in `deno task test`, for the report: the process that runs them
 * appends a line of JSON for each to the file that a variable names, after one that says what is to
 * be run; so what is known survives a crash. Without the variable nothing is written.
 */
import { z } from "zod";
import type { CaseFile } from "../case_file.ts";
import { type CaseTest, testsEverywhere } from "../plan.ts";
import type { Report } from "../run_case.ts";
import { type Cases, Promised, TestResult } from "./results.ts";
import { isGood, programOf } from "./rows.ts";
import { readVersions } from "./versions.ts";

/** Names the file. */
export const caseLogVariable = "HARNESS_CASE_LOG";

/** The first line. */
const Plan = z.strictObject({ planned: z.int(), cases: z.array(Promised) });

/** What is known of a case before any of its tests is run. */
export function promisedBy(file: CaseFile): Promised {
  const { name, case: { promise, ports } } = file;
  const [test] = testsEverywhere(file);
  return { name, promise, ports, program: programOf(test) };
}

/** Takes down what is to be run, before anything else. */
export function takeDownPlan(tests: readonly CaseTest[]): void {
  const files = new Set(tests.map(({ file }) => file));
  append({ planned: tests.length, cases: [...files].map(promisedBy) });
}

/** Runs `action`, which runs `test`, and takes down what became of it; throws what it throws. */
export async function takingDown(
  test: CaseTest,
  action: () => Promise<Report>,
): Promise<Report> {
  const report = await action().catch((error) => {
    append({ ...about(test), outcome: "bad", reasons: [`run: ${error?.message ?? error}`] });
    throw error;
  });
  const bad = report.verdicts.filter(({ good }) => !good);
  append({
    ...about(test),
    outcome: isGood(report) ? "good" : "bad",
    reasons: bad.map(({ about, reason }) => `${about}: ${reason}`),
    seen: report.observations.map(({ at, source }) => [Math.round(at), source.port]),
  });
  return report;
}

/** Takes down a test that cannot be run here. */
export function takeDownSkipped(test: CaseTest, reason: string): void {
  append({ ...about(test), outcome: "skipped", reasons: [reason] });
}

function about(test: CaseTest) {
  const { file: { name }, id, family, world } = test;
  return { case: name, test: id, program: programOf(test), family, world, seen: [] };
}

function append(line: TestResult | z.infer<typeof Plan>): void {
  const file = Deno.env.get(caseLogVariable);
  if (file === undefined) return;
  Deno.writeTextFileSync(file, `${JSON.stringify(line)}\n`, { append: true });
}

/** The report of what was taken down in the text of a log; undefined where nothing was. */
export async function gather(log: string): Promise<Cases | undefined> {
  const [first, ...lines] = log.split("\n").filter((line) => line !== "");
  if (first === undefined) return undefined;
  const { planned, cases } = Plan.parse(JSON.parse(first));
  const tests = z.array(TestResult).parse(lines.map((line) => JSON.parse(line)));
  const part = tests.length === planned ? undefined : `${tests.length} of ${planned} tests`;
  return { versions: await readVersions(), part, cases, tests };
}
