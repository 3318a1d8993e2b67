// `deno task report [--picture FILE] [--readme FILE]`: writes dist/report/index.html, one page of what the
// other tasks measured and left beside it, and asks nobody for anything.

import { Command } from "commander";
import { join, relative } from "node:path";
import { exitStatus, Failure, reportingFailure, systemReason } from "../../generator/failure.ts";
import { enterUserDirectory } from "../handover/wrapper.ts";
import { runMain } from "../main.ts";
import { findChromium, missingChromium, photograph } from "./chromium.ts";
import { renderPage } from "./render_page.ts";
import { withTables } from "./readme_tables.ts";
import { kinds, readKept, reportFolder, writeBeside } from "./results.ts";

const command = new Command("report")
  .description("Write one HTML page of what test, kernels, bench and million measured here")
  .option("--picture <file>", "make a PNG of the top of the page there, with Chromium")
  .option("--readme <file>", "put the bench's tables of costs into that Markdown file")
  .showHelpAfterError("(--help says more)")
  .exitOverride()
  .action(reportingFailure(async ({ picture, readme }: Options) => {
    enterUserDirectory();
    const chromium = picture === undefined ? undefined : requireChromium(picture);
    const file = join(reportFolder, "index.html");
    await writeBeside(file, await renderPage(reportFolder));
    console.log(relative(Deno.cwd(), file));
    if (readme !== undefined) await fillIn(readme);
    if (picture === undefined || chromium === undefined) return;
    await photograph(chromium, file, picture);
    console.log(picture);
  }));

interface Options {
  readonly picture?: string;
  readonly readme?: string;
}

/** Puts the tables of costs into a file that has places for them. */
async function fillIn(readme: string): Promise<void> {
  const bench = await readKept("bench", reportFolder);
  if ("missing" in bench) {
    const reason = `bench.json ${bench.missing}; ${kinds.bench.task} makes it`;
    throw new Failure(`portpin: Cannot fill in ${readme}: ${reason}`, exitStatus.failed);
  }
  const text = await Deno.readTextFile(readme).catch((error) => {
    throw new Failure(`portpin: Cannot read ${readme}: ${systemReason(error)}`, exitStatus.failed);
  });
  await writeBeside(readme, withTables(text, bench));
  console.log(readme);
}

function requireChromium(picture: string): string {
  const path = findChromium();
  if (path !== undefined) return path;
  throw new Failure(
    `portpin: Cannot make ${picture}: ${missingChromium}`,
    exitStatus.configuration,
  );
}

await runMain(command);
