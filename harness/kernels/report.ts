/** Tables of what virtual machines said: the kernels, and each case by kernel and engine. Pure. */
import { renderTable } from "../report/table.ts";
import {
  type Answers,
  type Booted,
  type Message,
  type Outcome,
  protocols,
  type Result,
} from "./messages.ts";
import type { LeftOut } from "./selection.ts";

/** All that is known of one kernel's run. */
export interface KernelRun {
  /** What the kernel is called, such as `5.10`. */
  readonly label: string;
  readonly messages: readonly Message[];
  /** Why it did not come to its end; undefined when it did. */
  readonly problem?: string;
  /** How long it took, in seconds, booting included. */
  readonly seconds: number;
}

/** How many tests, by what became of them; those of a machine that did not finish are missing. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** One row a kernel: what it has of the options, and how long its tests took. */
export function kernelTable(runs: readonly KernelRun[]): string {
  const heading = ["kernel", "release", "IP_LOCAL_PORT_RANGE", "IP_BIND_ADDRESS_NO_PORT"];
  const rows = runs.map((run) => {
    const booted = bootedOf(run);
    const cells = booted === undefined ? ["did not boot", "–", "–"] : [
      booted.release,
      support(booted.socket, booted.portRange),
      support(booted.socket, booted.noPort),
    ];
    return [run.label, ...cells, `${resultsOf(run).length}`, `${Math.round(run.seconds)} s`];
  });
  return renderTable([...heading, "tests", "time"], rows);
}

/** One word, or by protocol where they differ. */
function support(socket: Answers, answers: Answers): string {
  const words = protocols.map((protocol) => {
    if (socket[protocol] !== "ok") return [protocol, "absent"];
    return [protocol, answers[protocol] === "ok" ? "yes" : answers[protocol]];
  });
  const [[, first]] = words;
  if (words.every(([, word]) => word === first)) return first;
  return words.map(([protocol, word]) => `${protocol} ${word}`).join(", ");
}

/** One row a case, one column for each kernel under each engine. */
export function caseTable(runs: readonly KernelRun[], engines: readonly string[]): string {
  const columns = runs.flatMap((run) => engines.map((engine) => ({ run, engine })));
  const cases = [...new Set(runs.flatMap(resultsOf).map((result) => result.case))];
  const heading = columns.map(({ run, engine }) => `${run.label} ${engine}`);
  const rows = cases.map((name) => [
    name,
    ...columns.map(({ run, engine }) =>
      cell(resultsOf(run).filter((result) => result.case === name && result.engine === engine))
    ),
  ]);
  return renderTable(["case", ...heading], rows);
}

/** What became of a case's tests, the worst first: `BAD 2 of 6`; `–` where none was run. */
function cell(results: readonly Result[]): string {
  const worst = (["bad", "refused", "skipped", "absent", "good"] as const)
    .find((outcome) => results.some((result) => result.outcome === outcome));
  if (worst === undefined) return "–";
  const count = results.filter(({ outcome }) => outcome === worst).length;
  const word = worst === "bad" ? "BAD" : worst;
  return count === results.length ? word : `${word} ${count} of ${results.length}`;
}

/** One row for each reason why tests of `deno task test` were not run, with how many by kernel. */
export function leftOutTable(
  runs: readonly { readonly label: string; readonly leftOut: readonly LeftOut[] }[],
): string {
  const reasons = new Set(runs.flatMap(({ leftOut }) => leftOut.map(({ reason }) => reason)));
  const rows = Array.from(reasons, (reason) => [
    reason,
    ...runs.map(({ leftOut }) => {
      const found = leftOut.find((one) => one.reason === reason);
      return `${found?.tests ?? 0}`;
    }),
  ]);
  return renderTable(["left out", ...runs.map(({ label }) => label)], rows);
}

/** One line for each test that is bad, for each reason why some were skipped, and each problem. */
export function remarks(runs: readonly KernelRun[]): string[] {
  return runs.flatMap((run) => {
    const results = resultsOf(run);
    const bad = results.filter(({ outcome }) => outcome === "bad").map((
      { test, engine, reasons },
    ) => `bad: ${run.label} ${engine}: ${test}: ${reasons.join("; ")}`);
    const skipped = results.filter(({ outcome }) => outcome === "skipped").map((result) =>
      `skipped: ${run.label}: ${result.case}: ${result.reasons.join("; ")}`
    );
    const problem = run.problem === undefined ? [] : [`bad: ${run.label}: ${run.problem}`];
    return [...bad, ...new Set(skipped), ...problem];
  });
}

/** A machine that did not finish counts as one that failed; what is refused has passed. */
export function totals(runs: readonly KernelRun[]): Totals {
  const outcomes = runs.flatMap(resultsOf).map(({ outcome }) => outcome);
  const count = (...wanted: Outcome[]) =>
    outcomes.filter((outcome) => wanted.includes(outcome)).length;
  const unfinished = runs.filter(({ problem }) => problem !== undefined).length;
  return {
    passed: count("good", "refused"),
    failed: count("bad") + unfinished,
    skipped: count("skipped"),
  };
}

/** What the machine said of its kernel; undefined when it did not come so far. */
export function bootedOf({ messages }: KernelRun): Booted | undefined {
  return messages.find((message) => message.kind === "booted");
}

function resultsOf({ messages }: KernelRun): Result[] {
  return messages.filter((message) => message.kind === "result");
}
