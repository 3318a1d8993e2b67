// `deno task story [ACT...]`: how programs kept to some source ports before the kernel could help,
// how they do it now, and what portpin makes of it. Every number is measured while the reader
// watches. Ends with a status other than 0 when a measurement contradicts what an act says.

import { Command } from "commander";
import { exitStatus, Failure, reportingFailure } from "../../generator/failure.ts";
import { viewKernel } from "../../generator/kernel_view.ts";
import { runMain } from "../main.ts";
import { enterNamespace, namespaceProblem } from "../namespace.ts";
import { Measurements } from "./measurements.ts";
import { acts, play } from "./play.ts";
import { Stage } from "./stage.ts";
import { terminalWidth } from "./text.ts";

const program = new Command("story")
  .description("Show how a program keeps to some source ports: before the options, with, portpin")
  .argument("[act...]", "numbers of acts (default: all)")
  .option("--list", "only name the acts")
  .showHelpAfterError("(--help says more)")
  .exitOverride()
  .action(reportingFailure(async (words: string[], { list }: { list?: true }) => {
    if (list) return acts.forEach(({ title }, index) => console.log(`${index + 1}  ${title}`));
    const numbers = words.map(parseAct);
    await enterNamespace(["run", "-A", "--quiet", import.meta.filename!, ...Deno.args]);
    const { portRangeErrno } = await viewKernel();
    const stage = new Stage(
      new Measurements(),
      portRangeErrno === undefined,
      terminalWidth(),
      console.log,
    );
    const chosen = numbers.length > 0 ? numbers : acts.map((_, index) => index + 1);
    const skipped = await play(chosen, stage, namespaceProblem());
    for (const { number, reason } of skipped) console.log(`skipped: act ${number}: ${reason}`);
    Deno.exit(stage.contradictions === 0 ? 0 : exitStatus.failed);
  }));

/** @throws {Failure} when there is no such act. */
function parseAct(word: string): number {
  const number = acts.findIndex((_, index) => `${index + 1}` === word) + 1;
  if (number > 0) return number;
  const expected = `a number from 1 to ${acts.length}`;
  throw new Failure(`portpin: Cannot show act ${word}: expected ${expected}`, exitStatus.usage);
}

await runMain(program);
