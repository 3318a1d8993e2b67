// `deno task bench [--json FILE]`: what portpin costs, as tables, and in dist/report as bench.json and
// pictures. Ends with a status other than 0 when a figure that was counted is over its budget.

import { Command } from "commander";
import $ from "dax";
import { join, relative } from "node:path";
import { exitStatus, reportingFailure, unwritable } from "../../generator/failure.ts";
import { enterUserDirectory } from "../handover/wrapper.ts";
import { enterNamespace, namespaceProblem } from "../namespace.ts";
import { runMain } from "../main.ts";
import { drawPictures } from "../report/pictures.ts";
import { type Bench, keep, reportFolder, writeBeside } from "../report/results.ts";
import { readVersions } from "../report/versions.ts";
import { describeMissing, findInstalled } from "../servers/programs.ts";
import { approaches } from "./approach_times.ts";
import { approachCalls } from "./approach_calls.ts";
import {
  type Benchmark,
  type Context,
  type Figure,
  isFailure,
  type LeftOut,
  type Result,
} from "./benchmark.ts";
import { buildCycles } from "./cycles.ts";
import { instructions } from "./instructions.ts";
import { occupancyCalls, udpCalls } from "./occupancy_calls.ts";
import { occupancyTimes, udpTimes } from "./occupancy_times.ts";
import { portChoice } from "./port_choice.ts";
import { keptOf, renderResult } from "./render.ts";
import { sizes } from "./sizes.ts";
import { systemCalls } from "./system_calls.ts";
import { times } from "./times.ts";
import { udpFlows, udpRaces } from "./udp_flows.ts";
import { makeVariants } from "./variants.ts";

const benchmarks: readonly Benchmark[] = [
  systemCalls,
  times,
  instructions,
  sizes,
  approachCalls,
  approaches,
  occupancyCalls,
  occupancyTimes,
  udpFlows,
  udpRaces,
  udpCalls,
  udpTimes,
  portChoice,
];

const program = new Command("bench")
  .description("Measure what portpin costs, in a network namespace, against the budgets")
  .option("--json <file>", "write the figures there too")
  .showHelpAfterError("(--help says more)")
  .exitOverride()
  .action(reportingFailure(async ({ json }: { json?: string }) => {
    enterUserDirectory();
    // Minutes of measuring are not to end with a file that cannot be written.
    if (json !== undefined) await write(json, "", { append: true });
    await orFailure(reportFolder, () => Deno.mkdir(reportFolder, { recursive: true }));
    await enterNamespace(["run", "-A", "--quiet", import.meta.filename!, ...Deno.args]);
    const results = await runAll();
    console.log(results.map(renderResult).join("\n\n\n"));
    const kept = keptOf(results, await readVersions());
    await keep("bench", kept);
    if (json !== undefined) await write(json, `${JSON.stringify(kept, null, 2)}\n`);
    await writePictures(kept);
    Deno.exit(results.flatMap(figuresOf).some(isFailure) ? exitStatus.failed : 0);
  }));

async function runAll(): Promise<Result[]> {
  const bar = Deno.stderr.isTerminal() ? $.progress("Measuring") : undefined;
  try {
    bar?.message("building");
    await buildCycles();
    const variants = await makeVariants();
    const results: Result[] = [];
    for (const benchmark of benchmarks) {
      const progress = (message: string) => bar?.message(`${benchmark.name}: ${message}`);
      results.push(await measure(benchmark, { variants, progress }));
    }
    return results;
  } finally {
    bar?.finish();
  }
}

async function measure(
  benchmark: Benchmark,
  context: Omit<Context, "leaveOut">,
): Promise<Result> {
  const skipped = skipReason(benchmark);
  if (skipped !== undefined) return { benchmark, skipped };
  const leftOut: LeftOut[] = [];
  const begin = performance.now();
  const figures = await benchmark.run({
    ...context,
    leaveOut: (what, reason) => leftOut.push({ what, reason }),
  });
  return { benchmark, figures, leftOut, seconds: (performance.now() - begin) / 1_000 };
}

/** A picture for which nothing was measured is not drawn: an older one stays what it was. */
async function writePictures(bench: Bench): Promise<void> {
  for (const [name, svg] of await drawPictures(bench)) {
    const file = join(reportFolder, `${name}.svg`);
    await writeBeside(file, svg);
    console.log(`\ndrawn: ${relative(Deno.cwd(), file)}`);
  }
}

function figuresOf(result: Result): readonly Figure[] {
  return "figures" in result ? result.figures : [];
}

function skipReason({ requires, connects }: Benchmark): string | undefined {
  const missing = requires.filter((name) => findInstalled(name) === undefined);
  if (missing.length > 0) return `missing: ${missing.map(describeMissing).join(", ")}`;
  return connects ? namespaceProblem() : undefined;
}

function write(file: string, text: string, options?: Deno.WriteFileOptions): Promise<void> {
  return orFailure(file, () => Deno.writeTextFile(file, text, options));
}

/** @throws {Failure} that names the file which `action` could not write. */
async function orFailure(file: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw unwritable(file, error);
  }
}

await runMain(program);
