// `portpin check [CASE...]`: runs cases and prints what their peers saw.

import { Command, Option } from "commander";
import { exitStatus, reportingFailure } from "../../generator/failure.ts";
import { World } from "../case.ts";
import { readCases } from "../case_file.ts";
import { enterNamespace } from "../namespace.ts";
import { testsIn } from "../plan.ts";
import { badVerdicts, heading, isGood, programOf, rowsOf } from "../report/rows.ts";
import { renderTable } from "../report/table.ts";
import { runAll, summary } from "../run_all.ts";

export default new Command("check")
  .description("Run cases in a network namespace and judge the source ports that peers saw")
  .argument("[case...]", "names of folders in fixtures/cases (default: all)")
  .addOption(
    new Option("--world <world>", "what keeps the ports there").choices(World.options)
      .default("kernel"),
  )
  .action(reportingFailure(async (names: string[], { world }: { world: World }) => {
    const cases = await readCases(names);
    await enterNamespace([
      ...["run", "-A", "--quiet", `${import.meta.dirname}/../portpin.ts`, "check"],
      ...[`--world=${world}`, "--", ...names],
    ]);
    const { reports, skipped } = await runAll(cases.flatMap((file) => testsIn(world, file)));

    const rows = reports.flatMap((report) => {
      const named = rowsOf([report], programOf);
      return named.map((row) => [report.test.id, ...row]);
    });
    console.log(renderTable(["case", "program", ...heading], rows));
    for (const { test, reason } of skipped) console.log(`skipped: ${test.id}: ${reason}`);
    const bad = reports.filter((report) => !isGood(report));
    for (const line of bad.flatMap(badVerdicts)) console.log(`bad: ${line}`);
    console.log(summary(reports.length - bad.length, bad.length, skipped.length));
    Deno.exit(bad.length === 0 ? 0 : exitStatus.failed);
  }));
