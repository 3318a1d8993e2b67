/**
 * Results for the tests of the page, of the real code: some tests of cases that are run here and now,
 * and beside them what the other tasks once wrote, which takes minutes: see fixtures/report.
 */
import { join } from "node:path";
import { root } from "../../generator/build.ts";
import { type CaseFile, readCases } from "../case_file.ts";
import { namespaceProblem } from "../namespace.ts";
import { type CaseTest, skipReason, testsIn } from "../plan.ts";
import { runTest } from "../run_case.ts";
import { CaseLog, gather } from "./case_log.ts";
import { keep } from "./results.ts";

/** One promise that is broken: the guest does leave from the ports. */
export const brokenPromise = "A promise that is broken on purpose.";

const fixture = join(root, "fixtures", "report");

/** Fills `folder` with all that the page can show. */
export async function measureInto(folder: string): Promise<void> {
  for (const { name } of Deno.readDirSync(fixture)) {
    if (name.endsWith(".json")) await Deno.copyFile(join(fixture, name), join(folder, name));
  }
  const tests = (await chosenCases()).flatMap(testsHere);
  const file = join(folder, "log");
  const log = new CaseLog(tests, file);
  for (const test of tests) {
    const reason = skipReason(test, namespaceProblem());
    if (reason === undefined) await log.run(test, () => runTest(test));
    else log.skip(test, reason);
  }
  const cases = await gather(await Deno.readTextFile(file));
  await keep("cases", { ...cases!, part: `${tests.length} tests for a test of the page` }, folder);
}

/** A good one, one that is not, and one that cannot run here. */
async function chosenCases(): Promise<CaseFile[]> {
  const [good] = await readCases(["tcp-connect-blocking"]);
  const { expect } = good.case;
  const observations = { a: { ports: "outside", covers: false } } as const;
  return [
    good,
    {
      ...good,
      name: "broken-promise",
      case: { ...good.case, promise: brokenPromise, expect: { ...expect, observations } },
    },
    { ...good, name: "missing-program", case: { ...good.case, requires: ["no-such-program"] } },
  ];
}

function testsHere(file: CaseFile): CaseTest[] {
  return (["kernel", "emulation"] as const).flatMap((world) => testsIn(world, file))
    .filter(({ guest, family }) => guest === "glibc" && family === "ipv4");
}
