// `deno task report [--picture FILE]`: writes dist/report/index.html, one page of what the other tasks
// measured and left beside it, and asks nobody for anything.

import { Command } from "commander";
import { join, relative } from "node:path";
import { exitStatus, Failure, reportingFailure } from "../../generator/failure.ts";
import { enterUserDirectory } from "../handover/wrapper.ts";
import { runMain } from "../main.ts";
import { findChromium, missingChromium, photograph } from "./chromium.ts";
import { renderPage } from "./render_page.ts";
import { reportFolder, writeBeside } from "./results.ts";

const command = new Command("report")
  .description("Write one HTML page of what test, kernels, bench and million measured here")
  .option("--picture <file>", "make a PNG of the top of the page there, with Chromium")
  .showHelpAfterError("(--help says more)")
  .exitOverride()
  .action(reportingFailure(async ({ picture }: { picture?: string }) => {
    enterUserDirectory();
    const chromium = picture === undefined ? undefined : requireChromium(picture);
    const file = join(reportFolder, "index.html");
    await writeBeside(file, await renderPage(reportFolder));
    console.log(relative(Deno.cwd(), file));
    if (picture === undefined || chromium === undefined) return;
    await photograph(chromium, file, picture);
    console.log(picture);
  }));

function requireChromium(picture: string): string {
  const path = findChromium();
  if (path !== undefined) return path;
  throw new Failure(
    `portpin: Cannot make ${picture}: ${missingChromium}`,
    exitStatus.configuration,
  );
}

await runMain(command);
