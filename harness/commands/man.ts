// `portpin man`: prints the manual page portpin(1).

import { Command } from "commander";
import { exitStatus, Failure, reportingFailure } from "../../generator/failure.ts";
import { modelOf } from "../completion/command_model.ts";
import { manual } from "../man/manual.ts";

export default new Command("man")
  .description("Print the manual page, for man(1)")
  .action(reportingFailure((_options: unknown, command: Command) => {
    const program = command.parent!;
    console.log(manual(modelOf(program), program.version()!, pageDate()).trimEnd());
  }));

/**
 * Today, or SOURCE_DATE_EPOCH (seconds since 1970) where a reproducible build has set it.
 *
 * @throws {Failure} where that is no such number.
 */
function pageDate(): Date {
  const text = Deno.env.get("SOURCE_DATE_EPOCH");
  if (text === undefined) return new Date();
  const date = new Date(Number(text) * 1000);
  if (/^\d+$/.test(text) && !Number.isNaN(date.getTime())) return date;
  throw new Failure(
    `portpin: Cannot use SOURCE_DATE_EPOCH=${text}: expected seconds since 1970`,
    exitStatus.configuration,
  );
}
