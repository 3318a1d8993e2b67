// `portpin check [CASE...]`: runs cases and prints what their peers saw.
// `portpin check --program -- PROGRAM ARGUMENTS…`: runs the user's own program, and prints where each of its
// connections left from.

import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import { exitStatus, Failure, reportingFailure, unwritable } from "../../generator/failure.ts";
import { World } from "../case.ts";
import { readCases } from "../case_file.ts";
import { checkProgram } from "../check/check_program.ts";
import {
  isGood as isProgramGood,
  renderJson,
  renderJunit,
  renderText,
} from "../check/program_report.ts";
import { enterNamespace } from "../namespace.ts";
import { testsIn } from "../plan.ts";
import { badVerdicts, heading, isGood, programOf, rowsOf } from "../report/rows.ts";
import { renderTable } from "../report/table.ts";
import { runAll, summary } from "../run_all.ts";
import { addRunOptions, type RunOptions } from "./run.ts";

interface CheckOptions extends RunOptions {
  readonly world?: World;
  readonly program?: boolean;
  readonly json?: boolean;
  readonly junit?: string;
}

export default addRunOptions(
  new Command("check")
    .description(
      "Judge the source ports of cases, or the ports and source of a program of your own",
    )
    .usage("[--world WORLD] [CASE...] | --program [options] -- PROGRAM [ARGUMENT...]")
    .argument("[case...]", "names of folders in fixtures/cases (default: all)")
    .addOption(
      new Option("--world <world>", "what keeps the ports in cases (default: kernel)")
        .choices(World.options),
    )
    .option("--program", "run a program of your own; the options below go with it")
    .option("--json", "print the report as JSON")
    .option("--junit <file>", "write the report as JUnit's XML, too"),
)
  .addHelpText(
    "after",
    `
A program's arguments may name listeners of ours: {tcp}, {udp}, {http}, {dns} are ADDRESS:PORT, {tcp.address}
and {tcp.port} their parts. Its output goes to standard error. Status: 0 when all its connections left from
the ports and the source, 1 when not; its own is in the report.`,
  )
  .action(reportingFailure(async (words: string[], options: CheckOptions) => {
    const problem = usageProblem(words, options);
    if (problem !== undefined) throw new Failure(`portpin: ${problem}`, exitStatus.usage);
    if (options.program) await checkOne(words, options);
    else await checkCases(words, options.world ?? "kernel");
  }));

function usageProblem(words: readonly string[], options: CheckOptions): string | undefined {
  const { world, program, ...others } = options;
  if (program) {
    if (world !== undefined) return `Cannot use --world ${world} with --program: it is for cases`;
    if (words.length === 0) {
      return "Cannot check nothing: expected --program -- PROGRAM [ARGUMENT...]";
    }
    return;
  }
  const [name] = Object.keys(others);
  return name && `Cannot use --${name} without --program`;
}

async function checkOne(argv: string[], { junit, json, ...options }: CheckOptions): Promise<never> {
  // A program that takes long is not to end with a report that has no place.
  if (junit !== undefined) requireWritable(junit);
  const report = await checkProgram(argv, options);
  console.log(json ? renderJson(report) : renderText(report));
  if (junit !== undefined) writeReport(junit, renderJunit(report));
  Deno.exit(isProgramGood(report) ? 0 : exitStatus.failed);
}

/** Leaves the file as it is, or as absent as it is. */
function requireWritable(file: string): void {
  const isNew = !existsSync(file);
  writeReport(file, "", { append: true });
  if (isNew) Deno.removeSync(file);
}

/** @throws {Failure} */
function writeReport(file: string, text: string, options?: Deno.WriteFileOptions): void {
  try {
    Deno.writeTextFileSync(file, text, options);
  } catch (error) {
    throw unwritable(file, error);
  }
}

async function checkCases(names: string[], world: World): Promise<never> {
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
}
