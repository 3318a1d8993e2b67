// `deno task million [--flows N]`: what IP_BIND_ADDRESS_NO_PORT was made for, with a program that
// knows nothing of it. It binds an address without a port, then connects, again and again: bare it
// has one connection for each port, and with portpin as many as there is memory for, to many
// destinations. Ends with status 1 when that is not so.

import { Command } from "commander";
import $ from "dax";
import { exitStatus, Failure, reportingFailure } from "../../generator/failure.ts";
import { viewKernel } from "../../generator/kernel_view.ts";
import { interruptible } from "../kernels/interruption.ts";
import { buildPrograms, libraryFor } from "../library.ts";
import { runMain } from "../main.ts";
import { enterNamespace, namespaceProblem } from "../namespace.ts";
import { keep } from "../report/results.ts";
import { readVersions } from "../report/versions.ts";
import { summary } from "../run_all.ts";
import { machineLimits, measuredLimits, requireRoom } from "./limits.ts";
import { memoryLeft, readMachine } from "./machine.ts";
import { flowsOfPair, planPairs } from "./pairs.ts";
import { grouped, nameOf, problemsOf, renderRuns, type Skipped } from "./render.ts";
import { type Run, run, type Task, type Way } from "./run.ts";

/** What the kernel gives to all who name no port, unless the administrator chose otherwise. */
const range = { low: 32768, high: 60999 };

/** What a run without `--flows` holds; the report takes fewer for a part of it. */
const whole = 1_000_000;

const command = new Command("million")
  .description("Hold N connections from one address by a program that binds it without a port")
  .option("--flows <n>", "how many", `${whole}`)
  .showHelpAfterError("(--help says more)")
  .exitOverride()
  .action(reportingFailure(async (options: { flows: string }) => {
    const flows = parseFlows(options.flows);
    const ports = range.high - range.low + 1;
    const machine = readMachine();
    requireRoom(flows, machineLimits(machine, ports));
    await enterNamespace(["run", "-A", "--quiet", import.meta.filename!, ...Deno.args]);
    const problem = namespaceProblem();
    if (problem !== undefined) throw refused(flows, problem);
    const task = { flows, each: flowsOfPair(machine.openFiles, ports), range };
    await buildPrograms();
    await libraryFor();
    const runs = await interruptible(() => runAll(task));
    await keepRuns(task, runs);
    report(task, runs);
  }));

await runMain(command);

/** Bare first: it is small, and shows what a flow takes before there are many. */
async function runAll(task: Task): Promise<(Run | Skipped)[]> {
  const bare = await runAloud("bare", task);
  const left = memoryLeft();
  const measured = { ...bare.measured, memory: { ...bare.measured.memory, left } };
  requireRoom(task.flows, measuredLimits(task.flows, measured));
  const { portRangeErrno } = await viewKernel();
  const kernel = portRangeErrno === undefined
    ? await runAloud("kernel", task)
    : { way: "kernel" as const, skipped: `IP_LOCAL_PORT_RANGE: ${portRangeErrno}` };
  return [bare, kernel, await runAloud("emulation", task)];
}

async function runAloud(way: Way, task: Task): Promise<Run> {
  const bar = Deno.stderr.isTerminal()
    ? $.progress(nameOf(way), { length: task.flows })
    : undefined;
  const [begin, memory] = [performance.now(), memoryLeft()];
  try {
    const result = await run(way, task, (flows) => {
      const rate = flows / ((performance.now() - begin) / 1000);
      const used = Math.max(0, memory - memoryLeft()) / 1e6;
      bar?.position(flows).message(`${grouped(rate)} flows/s, ${grouped(used)} MB`);
    });
    console.error(`portpin: ${nameOf(way)}: ${grouped(result.flows)} flows`);
    return result;
  } finally {
    bar?.finish();
  }
}

/** For the report page. */
async function keepRuns(task: Task, runs: readonly (Run | Skipped)[]): Promise<void> {
  const { flows, each, range } = task;
  await keep("million", {
    versions: await readVersions(),
    part: flows < whole ? `${grouped(flows)} connections of ${grouped(whole)}` : undefined,
    flows,
    ports: range.high - range.low + 1,
    destinations: planPairs(flows, each).length,
    runs: runs.map((one) => {
      if ("skipped" in one) return one;
      const { way, flows, stop, seconds, measured: { memory }, problems } = one;
      return { way, flows, stop, seconds, memory: memory.perFlow, problems };
    }),
  });
}

function report(task: Task, runs: readonly (Run | Skipped)[]): void {
  const load = Math.max(...runs.map((one) => "load" in one ? one.load : 0));
  console.log(renderRuns(task, planPairs(task.flows, task.each).length, runs, load));
  const skipped = runs.filter((one) => "skipped" in one).length;
  const failed = runs.filter((one) => problemsOf(one).length > 0).length;
  console.log(summary(runs.length - failed - skipped, failed, skipped));
  Deno.exit(failed === 0 ? 0 : exitStatus.failed);
}

function parseFlows(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Failure(
    `portpin: Cannot use --flows ${text}: expected a number from 1 to 999999999`,
    exitStatus.usage,
  );
}

function refused(flows: number, reason: string): Failure {
  return new Failure(`portpin: Cannot hold ${flows} flows: ${reason}`, exitStatus.failed);
}
