/** What the runs came to, as a table. Pure. */
import { renderTable } from "../report/table.ts";
import type { Run, Task, Way } from "./run.ts";

/** A way that was not run, and why not. */
export interface Skipped {
  readonly way: Way;
  readonly skipped: string;
}

const heading = ["", "flows", "stopped by", "seconds", "flows/s", "memory, MB", "verdict"];
const names: Readonly<Record<Way, string>> = {
  bare: "without portpin",
  kernel: "kernel engine",
  emulation: "emulation engine",
};

/** The table, what it is about, and each problem in a line of its own. */
export function renderRuns(
  task: Task,
  pairs: number,
  runs: readonly (Run | Skipped)[],
  load: number,
): string {
  const ports = task.range.high - task.range.low + 1;
  return [
    `${grouped(task.flows)} flows wanted, from one address and ${grouped(ports)} ports, to ` +
    `${pairs} destinations; load average ${load}`,
    "",
    renderTable(heading, runs.map(cellsOf)),
    ...runs.flatMap((run) => problemsOf(run).map((text) => `${names[run.way]}: ${text}`)),
  ].join("\n");
}

/** What is wrong; nothing with a way that was not run. */
export function problemsOf(run: Run | Skipped): readonly string[] {
  return "skipped" in run ? [] : run.problems;
}

/** As `bare` is called in messages: `without portpin`. */
export function nameOf(way: Way): string {
  return names[way];
}

/** 28,232 */
export function grouped(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

function cellsOf(run: Run | Skipped): string[] {
  if ("skipped" in run) return [names[run.way], "–", "–", "–", "–", "–", `skipped: ${run.skipped}`];
  const { flows, seconds, measured: { memory } } = run;
  return [
    names[run.way],
    grouped(flows),
    run.stop ?? "–",
    seconds.toFixed(1),
    grouped(flows / seconds),
    grouped(memory.perFlow * flows / 1e6),
    run.problems.length === 0 ? "good" : "BAD",
  ];
}
