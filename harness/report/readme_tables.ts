/**
 * The tables of costs in README, from what the bench left: so that no number there was typed.
 *
 * A table stands between two comments, `<!-- costs NAME -->` and `<!-- end of costs -->`, and all that
 * stands there is replaced.
 */
import { exitStatus, Failure } from "../../generator/failure.ts";
import type { Figure } from "../bench/benchmark.ts";
import { costText } from "../bench/figure_text.ts";
import { counted, grouped } from "./page/text.ts";
import { type Bench, figuresOf } from "./results.ts";

type Row = readonly string[];

/** What a table is called, and its rows, the first of which is its head. */
type Tables = Readonly<Record<string, readonly Row[]>>;

/** `readme` with the tables of `bench`. @throws {Failure} for a table that nobody knows. */
export function withTables(readme: string, bench: Bench): string {
  const tables = tablesOf(bench);
  return readme.replace(place, (_, name: string) => {
    const rows = tables[name];
    if (rows === undefined) {
      throw new Failure(
        `portpin: Cannot make the table of costs ${name}: expected one of ${
          Object.keys(tables).join(", ")
        }`,
        exitStatus.failed,
      );
    }
    return `<!-- costs ${name} -->\n\n${markdown(rows)}\n\n<!-- end of costs -->`;
  });
}

/** The name in the first comment is the only group. */
export const place = /<!-- costs ([a-z-]+) -->\n.*?<!-- end of costs -->/gs;

function tablesOf(bench: Bench): Tables {
  const figures = (name: string) => figuresOf(bench, name);
  return {
    calls: [
      ["system calls of one cycle, both ends", "bare", "portpin", "added"],
      ...figures("system-calls").map(addedRow),
    ],
    time: [
      ["time of the median cycle, interleaved", "ratio to bare", "95 % interval"],
      ...figures("time").map(({ what, cost, interval }) => [what, ratio(cost), span(interval)]),
    ],
    approaches: approachRows(figures("approach-calls"), figures("approaches")),
    occupancy: occupancyRows(figures("occupancy-calls"), figures("occupancy-time")),
    udp: udpRows(figures("udp-calls")),
    instructions: [
      ["instructions of one cycle, both ends", "bare", "portpin", "added"],
      ...figures("instructions").map(addedRow),
    ],
    size: [
      ["library", "bytes", "at most"],
      ...figures("size").filter(({ budget }) => budget !== undefined)
        .map(({ what, cost, budget }) => [what, grouped(cost), grouped(budget!)]),
    ],
  };
}

function addedRow({ what, measured: { bare, portpin }, cost }: Figure): Row {
  return [what, grouped(bare), grouped(portpin), costText({ cost: "added" }, cost)];
}

/** One row for each approach, the times of one thread and of several beside each other. */
function approachRows(calls: readonly Figure[], times: readonly Figure[]): Row[] {
  const threads = [...new Set(times.map(({ approach }) => approach!.threads))];
  const timesOf = (name: string) => times.filter(({ approach }) => approach!.name === name);
  const row = ({ measured, approach }: Figure): Row => [
    approach!.name,
    grouped(measured.approach),
    ...timesOf(approach!.name).map(({ cost, interval }) => `${ratio(cost)} (${span(interval)})`),
  ];
  return [
    [
      "many short connections",
      "system calls",
      ...threads.map((count) => `time to bare, ${counted(count, "thread")} (95 %)`),
    ],
    // To bare itself nothing is timed.
    ...calls.filter(({ approach }) => timesOf(approach!.name).length > 0).map(row),
  ];
}

/** Ports taken by connections of the same engine to the same destination, in the larger range. */
function occupancyRows(calls: readonly Figure[], times: readonly Figure[]): Row[] {
  const ports = Math.max(...calls.map(({ at }) => at!.ports));
  const ofInterest = ({ at }: Figure) =>
    at!.ports === ports && at!.crowd === "own" && at!.destination === "same";
  const row = ({ measured: { kernel, emulation, search }, at }: Figure): Row => {
    const time = times.filter(ofInterest).find((time) => time.at!.occupancy === at!.occupancy)!;
    const toKernel = time.measured.search / time.measured.kernel;
    return [
      percent(at!.occupancy) + (at!.occupancy === 1 ? ": refused" : ""),
      ...[kernel, emulation, search].map(grouped),
      `${ratio(time.cost)} (${span(time.interval)})`,
      toKernel < 100 ? toKernel.toFixed(1) : grouped(Math.round(toKernel)),
    ];
  };
  return [
    [
      `${grouped(ports)} ports, taken`,
      "system calls: kernel",
      "emulation",
      "search",
      "time to the kernel's: emulation",
      "search",
    ],
    ...calls.filter(ofInterest).map(row),
  ];
}

/** Ports shared by connected UDP sockets, in the smaller range. */
function udpRows(calls: readonly Figure[]): Row[] {
  const ports = Math.min(...calls.map(({ at }) => at!.ports));
  const here = calls.filter(({ at }) => at!.ports === ports);
  const find = (occupancy: number, destination: string) =>
    here.find(({ at }) => at!.occupancy === occupancy && at!.destination === destination);
  const shares = [...new Set(here.map(({ at }) => at!.occupancy))];
  return [
    [
      `${grouped(ports)} ports, taken`,
      "system calls: kernel",
      "udpShare, same destination",
      "udpShare, another",
    ],
    ...shares.map((occupancy) => {
      const [same, another] = [
        find(occupancy, "same")!,
        find(occupancy, "another") ?? find(0, "same")!,
      ];
      return [
        percent(occupancy),
        ...[same.measured.kernel, same.measured.shared, another.measured.shared].map(grouped),
      ];
    }),
  ];
}

function percent(share: number): string {
  return `${share * 100} %`;
}

/** Three digits behind the point, or one where the ratio is large. */
function ratio(value: number, digits = value < 2 ? 3 : 1): string {
  return value.toFixed(digits);
}

function span(ends: readonly [number, number] | undefined): string {
  if (ends === undefined) return "";
  return ends.map((end) => ratio(end, ends[1] < 2 ? 3 : 1)).join("–");
}

/** As `deno fmt` has it. */
function markdown(rows: readonly Row[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length), 3));
  const line = (cells: Row, fill = " ") =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column], fill)).join(" | ")} |`;
  const [head, ...others] = rows;
  return [line(head), line(head.map(() => ""), "-"), ...others.map((row) => line(row))].join("\n");
}
