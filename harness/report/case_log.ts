/**
 * What becomes of each test of a case in `deno task test`, for the report. The process that runs them
 * appends a line of JSON for each to a file, after one that says what is to be run; so what is known
 * survives a crash.
 */
import { z } from "zod";
import type { CaseFile } from "../case_file.ts";
import { type CaseTest, testsEverywhere } from "../plan.ts";
import type { Report } from "../run_case.ts";
import { type Cases, Promised, TestResult } from "./results.ts";
import { isGood, programOf } from "./rows.ts";
import { readVersions } from "./versions.ts";

/** Names the file; without it nothing is written. */
export const caseLogVariable = "HARNESS_CASE_LOG";

/** The first line. */
const Plan = z.strictObject({ planned: z.int(), cases: z.array(Promised) });

/** What is known of a case before any of its tests is run. */
export function promisedBy(file: CaseFile): Promised {
  const { name, case: { promise, ports } } = file;
  const [test] = testsEverywhere(file);
  return { name, promise, ports, program: programOf(test) };
}

export class CaseLog {
  readonly #file: string | undefined;

  /** @param tests all that are to be run. @param file where to write; undefined: nowhere. */
  constructor(tests: readonly CaseTest[], file: string | undefined) {
    this.#file = file;
    const files = new Set(tests.map(({ file }) => file));
    this.#append({ planned: tests.length, cases: [...files].map(promisedBy) });
  }

  /** Takes down a test that cannot be run here. */
  skip(test: CaseTest, reason: string): void {
    this.#append({ ...about(test), outcome: "skipped", reasons: [reason] });
  }

  /** Runs `action`, which runs `test`, and takes down what became of it; throws what it throws. */
  async run(test: CaseTest, action: () => Promise<Report>): Promise<Report> {
    const report = await action().catch((error) => {
      this.#append({
        ...about(test),
        outcome: "bad",
        reasons: [`run: ${error?.message ?? error}`],
      });
      throw error;
    });
    const bad = report.verdicts.filter(({ good }) => !good);
    this.#append({
      ...about(test),
      outcome: isGood(report) ? "good" : "bad",
      reasons: bad.map(({ about, reason }) => `${about}: ${reason}`),
      seen: report.observations.map(({ at, source }) => [Math.round(at), source.port]),
    });
    return report;
  }

  #append(line: TestResult | z.infer<typeof Plan>): void {
    if (this.#file === undefined) return;
    Deno.writeTextFileSync(this.#file, `${JSON.stringify(line)}\n`, { append: true });
  }
}

function about(test: CaseTest) {
  const { file: { name }, id, family, world } = test;
  return { case: name, test: id, program: programOf(test), family, world, seen: [] };
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
