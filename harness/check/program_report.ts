/** What `check --program` says, as text, JSON and JUnit. Pure. */
import { renderTable } from "../report/table.ts";
import type { Endpoint } from "../observe.ts";
import type { Connection } from "./judge_program.ts";

/** All of it; the JSON is this object. */
export interface ProgramReport {
  readonly program: readonly string[];
  /** The program's own exit status, or the signal that ended it. */
  readonly status: number | string;
  /** The ports that connections had to leave from, sliced; "" for any. */
  readonly ports: string;
  /** The addresses that they had to leave from, where no rule says another; "" for any. */
  readonly source: string;
  readonly connections: readonly Connection[];
  /** What is wrong besides: a listener that nobody came to, lines of the log that cannot be read. */
  readonly problems: readonly string[];
  /** What limits the verdict. */
  readonly notes: readonly string[];
}

/** Whether every connection left from where it had to, and nothing is wrong besides. */
export function isGood({ connections, problems }: ProgramReport): boolean {
  return problems.length === 0 && connections.every(({ verdict }) => verdict !== "outside");
}

/** `2 inside, 1 outside, 0 left, 0 failed`. */
export function summaryOf({ connections }: ProgramReport): string {
  return (["inside", "outside", "left", "failed"] as const)
    .map((word) => `${connections.filter(({ verdict }) => verdict === word).length} ${word}`)
    .join(", ");
}

export function renderText(report: ProgramReport): string {
  const { connections, problems, notes, status } = report;
  const rows = connections.map((each) => [
    processOf(each),
    each.transport,
    endText(each.source),
    endText(each.destination),
    each.witnesses.join(" "),
    each.verdict === "outside" ? "OUTSIDE" : each.verdict,
  ]);
  const heading = ["process", "transport", "source", "destination", "seen by", "verdict"];
  return [
    ...connections.length === 0 ? ["no connection was seen"] : [renderTable(heading, rows)],
    ...connections.filter(({ reason }) => reason !== null).map((each) =>
      `${each.verdict}: ${endText(each.source)} to ${endText(each.destination)}: ${each.reason}`
    ),
    ...problems.map((problem) => `bad: ${problem}`),
    ...notes.map((note) => `note: ${note}`),
    `the program ended with ${status}`,
    summaryOf(report),
  ].join("\n");
}

export function renderJson(report: ProgramReport): string {
  return JSON.stringify({ good: isGood(report), ...report }, null, 2);
}

/** One test case a connection, and one for the rest; what readers of JUnit's XML have in common. */
export function renderJunit(report: ProgramReport): string {
  const cases = report.connections.map((each) => {
    const name = `${each.transport} ${endText(each.source)} to ${endText(each.destination)}`;
    const failure = each.verdict === "outside" ? each.reason ?? "outside" : undefined;
    return caseXml(name, failure);
  });
  cases.push(caseXml(`run (status ${report.status})`, report.problems.join("\n") || undefined));
  const failures = cases.filter((text) => text.includes("<failure ")).length;
  const name = escapeXml(report.program.join(" "));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${cases.length}" failures="${failures}">`,
    `  <testsuite name="${name}" tests="${cases.length}" failures="${failures}" errors="0" skipped="0">`,
    ...cases,
    "  </testsuite>",
    "</testsuites>\n",
  ].join("\n");
}

function caseXml(name: string, failure: string | undefined): string {
  const opening = `    <testcase classname="portpin check" name="${escapeXml(name)}"`;
  if (failure === undefined) return `${opening}/>`;
  return `${opening}>\n      <failure message="${escapeXml(failure)}"/>\n    </testcase>`;
}

/** For attributes; XML 1.0 has no room at all for most control characters. */
function escapeXml(text: string): string {
  const names: Record<string, string> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot" };
  return text.replace(/[&<>"]/g, (character) => `&${names[character]};`)
    .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`)
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd");
}

function processOf({ process }: Connection): string {
  return process === null ? "–" : `${process.name ?? ""} ${process.pid}`.trim();
}

function endText(end: Endpoint | null): string {
  if (end === null) return "–";
  return `${end.address.includes(":") ? `[${end.address}]` : end.address}:${end.port}`;
}
