// `deno task kernels [KERNEL...]`: runs cases on real kernels under QEMU, without KVM, and prints
// one table: case by kernel by engine. Ends with status 1 when anything is bad, 78 when something
// is missing that it needs.

import { join, resolve } from "node:path";
import { Argument, Command } from "commander";
import { root } from "../../generator/build.ts";
import { exitStatus, Failure, reportingFailure } from "../../generator/failure.ts";
import { type CaseFile, readCases } from "../case_file.ts";
import { buildPrograms, libraryFor } from "../library.ts";
import { runMain } from "../main.ts";
import { promisedBy } from "../report/case_log.ts";
import { keep } from "../report/results.ts";
import { readVersions } from "../report/versions.ts";
import { summary } from "../run_all.ts";
import { debianKernel, debianKernels } from "./debian.ts";
import { allEnded, interruptible } from "./interruption.ts";
import type { Kernel } from "./kernel.ts";
import {
  bootedOf,
  caseTable,
  type KernelRun,
  kernelTable,
  leftOutTable,
  remarks,
  totals,
} from "./report.ts";
import { requirePrograms } from "./requirements.ts";
import { runKernel } from "./run_kernel.ts";
import { engines, leftOut, selectCases } from "./selection.ts";

interface Options {
  readonly case: string[];
  readonly kernel?: string;
  readonly modules?: string;
}

const labels = debianKernels.map(({ label }) => label);

const command = new Command("kernels")
  .description("Run cases on real kernels under QEMU and print one table of what became of them")
  .addArgument(new Argument("[kernel...]", "kernels of Debian (default: all)").choices(labels))
  .option("--case <name...>", "only these folders of fixtures/cases", [])
  .option("--kernel <vmlinuz>", "another kernel's image, with --modules")
  .option("--modules <dir>", "the modules of --kernel, such as /lib/modules/RELEASE")
  .showHelpAfterError("(--help says more)")
  .exitOverride()
  .action(reportingFailure(async (wanted: string[], options: Options) => {
    requirePrograms({ fetching: options.kernel === undefined });
    const cases = await readCases(options.case);
    await prepare(cases);
    const runs = await interruptible(async () => {
      const kernels = await choose(wanted, options);
      // All at once: a machine of two processors is done with three so sooner than by twos.
      return await allEnded(kernels.map((kernel) => runAloud(kernel, options.case)));
    });

    const { passed, failed, skipped } = totals(runs);
    console.log(`${kernelTable(runs)}\n\n${caseTable(runs, engines)}\n`);
    const omissions = await Promise.all(runs.map((run) => omissionsOf(run, cases)));
    console.log(`${leftOutTable(omissions)}\n`);
    await keep("kernels", {
      versions: await readVersions(),
      part: partOf(wanted, options),
      cases: (await selectCases(cases)).map(promisedBy),
      runs: runs.map((run, index) => ({ ...run, leftOut: omissions[index].leftOut })),
    });
    for (const line of remarks(runs)) console.log(line);
    console.log(summary(passed, failed, skipped));
    Deno.exit(failed === 0 ? 0 : exitStatus.failed);
  }));

await runMain(command);

/** Which part of all that there is was asked for; undefined when it was all. */
function partOf(wanted: readonly string[], options: Options): string | undefined {
  const kernels = options.kernel === undefined
    ? labels.filter((label) => wanted.length === 0 || wanted.includes(label))
    : ["the kernel that was given"];
  if (options.case.length > 0) return `${options.case.join(", ")} on ${kernels.join(", ")}`;
  return kernels.length === labels.length ? undefined : `on ${kernels.join(", ")} alone`;
}

async function runAloud(kernel: Kernel, names: readonly string[]): Promise<KernelRun> {
  const run = await runKernel(kernel, names);
  console.error(`portpin: ${run.label} ended after ${Math.round(run.seconds)} s`);
  return run;
}

/** What was not run by intent; nothing can be said of a kernel that did not boot. */
async function omissionsOf(run: KernelRun, cases: readonly CaseFile[]) {
  const booted = bootedOf(run);
  return { label: run.label, leftOut: booted ? await leftOut(booted, cases) : [] };
}

/** Builds all that the cases need: in a virtual machine nothing is built. */
async function prepare(cases: readonly CaseFile[]): Promise<void> {
  await buildPrograms();
  for (const { folder, case: { policy } } of await selectCases(cases)) {
    await libraryFor(undefined, policy && join(folder, policy));
  }
  const inside = join(import.meta.dirname!, "inside.ts");
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", inside],
    cwd: root,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function choose(wanted: readonly string[], { kernel, modules }: Options): Promise<Kernel[]> {
  if (kernel === undefined && modules === undefined) {
    const cache = join(cacheDirectory(), "portpin", "kernels");
    const known = debianKernels.filter(({ label }) =>
      wanted.length === 0 || wanted.includes(label)
    );
    // One after the other: what fails leaves nothing of the others behind.
    const kernels: Kernel[] = [];
    for (const one of known) kernels.push(await debianKernel(one, cache));
    return kernels;
  }
  if (kernel === undefined || modules === undefined || wanted.length > 0) {
    throw usage("expected both --kernel and --modules, and then no KERNEL");
  }
  requireFile("--kernel", kernel, kernel);
  requireFile("--modules", modules, join(modules, "modules.dep"));
  return [{ label: "given", image: resolve(kernel), modules: resolve(modules) }];
}

function requireFile(option: string, value: string, file: string): void {
  try {
    if (Deno.statSync(file).isFile) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  throw usage(`${option} ${value}: there is no file ${file}`);
}

function usage(reason: string): Failure {
  return new Failure(`portpin: Cannot boot kernels: ${reason}`, exitStatus.usage);
}

/** Where the XDG Base Directory Specification puts what can be had again. */
function cacheDirectory(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? "";
  return home.startsWith("/") ? home : join(Deno.env.get("HOME") ?? "/root", ".cache");
}
