/** Judges what a run wrote to its log. Pure, as judge.ts is. */
import { formatPorts, type PortSet } from "../../generator/ports.ts";
import type { ExpectedLog } from "../case.ts";
import { includesPort, type Run, type Verdict } from "../judge.ts";
import { matchLine, type Words } from "../placeholders.ts";
import { type LogLine, parseLog } from "./log_line.ts";

/** `named`: the ports that `{port}` matched on standard output. */
export function judgeLog(
  expected: ExpectedLog | undefined,
  { log: text = "", words }: Run,
  ports: PortSet,
  named: readonly number[],
): Verdict[] {
  if (expected === undefined) return [];
  const { lines, problems } = parseLog(text);
  const isList = Array.isArray(expected);
  const count = isList ? expected.length : expected.count;
  const seen = new Set<number>();
  const reason = problems[0] ??
    (lines.length === count ? undefined : `expected ${count} lines, got ${lines.length}`) ??
    lines.map((line, index) => {
      const problem = differenceOf(isList ? expected[index] : expected.each, line, words, seen);
      return problem && `line ${index + 1}: ${problem}`;
    }).find((problem) => problem !== undefined) ??
    portProblem(seen, ports, named);
  const about = "log";
  return [
    reason === undefined
      ? { good: true, about, reason: `${count} lines as expected` }
      : { good: false, about, reason },
  ];
}

/** What is wrong with a line; `seen` gets the ports that `{port}` matches. */
function differenceOf(
  expected: Partial<Record<keyof LogLine, string | number | null>>,
  line: LogLine,
  words: Words,
  seen: Set<number>,
): string | undefined {
  for (const [name, wanted] of Object.entries(expected)) {
    const got = line[name as keyof LogLine];
    if (typeof wanted === "string" && typeof got === "string") {
      const match = matchLine(wanted, words, got);
      match.ports.forEach((port) => seen.add(port));
      if (match.matches) continue;
    }
    if (got !== wanted) {
      return `expected ${name} ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`;
    }
  }
}

function portProblem(
  seen: ReadonlySet<number>,
  ports: PortSet,
  named: readonly number[],
): string | undefined {
  const outside = [...seen].find((port) => !includesPort(ports, port));
  if (outside !== undefined) return `names port ${outside}, which is outside ${formatPorts(ports)}`;
  if (named.length === 0 || seen.size === 0) return undefined;
  const [other] = seen.symmetricDifference(new Set(named));
  if (other === undefined) return undefined;
  return `port ${other} is not both in the log and on standard output`;
}
