/** From reports to the rows of a table: who went where, from which source ports, and the verdict. */
import { basename } from "node:path";
import type { CaseTest } from "../plan.ts";
import type { Observation } from "../observe.ts";
import type { Report } from "../run_case.ts";

export const heading = ["transport", "destination", "source port", "verdict"] as const;

/**
 * One row for each label, transport and destination, sorted by them; `labelOf` says which reports
 * belong together.
 */
export function rowsOf(
  reports: readonly Report[],
  labelOf: (test: CaseTest) => string,
): string[][] {
  const groups = new Map<string, { cells: string[]; ports: Set<number>; good: boolean }>();
  for (const report of reports) {
    const good = isGood(report);
    for (const { cells, port } of flows(report, labelOf(report.test))) {
      const key = cells.join(" ");
      const group = groups.get(key) ?? { cells, ports: new Set(), good: true };
      groups.set(key, group);
      if (port !== undefined) group.ports.add(port);
      group.good &&= good;
    }
  }
  const sorted = [...groups].sort(([a], [b]) => a < b ? -1 : 1).map(([_, group]) => group);
  return sorted.map(({ cells, ports, good }) => [...cells, listed(ports), good ? "good" : "BAD"]);
}

/** The program of a test, as its operator knows it. */
export function programOf({ file, guest }: CaseTest): string {
  return guest === undefined ? basename(file.case.program[0]) : `guest (${guest})`;
}

/** Whether nothing about a report is bad. */
export function isGood({ verdicts }: Report): boolean {
  return verdicts.every(({ good }) => good);
}

/** What is bad about a report, one line for each; empty when it is good. */
export function badVerdicts({ test, verdicts }: Report): string[] {
  return verdicts.filter(({ good }) => !good)
    .map(({ about, reason }) => `${test.id}: ${about}: ${reason}`);
}

/** What became of each observation; a report without any is a row all the same. */
function flows({ test, observations }: Report, label: string) {
  if (observations.length === 0) return [{ cells: [label, "–", "–"], port: undefined }];
  return observations.map((observation) => ({
    cells: [label, observation.transport, destination(test, observation)],
    port: observation.source.port,
  }));
}

/** Where the guest went, as it wrote it itself; or that somebody came to it. */
function destination({ file, family }: CaseTest, { service, destination }: Observation): string {
  const { kind, family: own = family } = file.case.services[service];
  if (kind === "dial") return `it listens, ${own}`;
  return own === "mapped" ? `::ffff:${destination.address}` : destination.address;
}

const shown = 4;

function listed(ports: ReadonlySet<number>): string {
  const sorted = [...ports].sort((a, b) => a - b);
  if (sorted.length === 0) return "–";
  const more = sorted.length - shown;
  return sorted.slice(0, shown).join(" ") + (more > 0 ? ` and ${more} more` : "");
}
