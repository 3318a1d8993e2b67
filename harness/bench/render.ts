/** Results as text for a terminal and a README, and as data for whatever draws them. */
import type { Bench } from "../report/results.ts";
import { renderTable } from "../report/table.ts";
import type { Versions } from "../report/versions.ts";
import { type Benchmark, type Figure, type Result, verdictOf } from "./benchmark.ts";
import { costText, numberText, spanText } from "./figure_text.ts";

/** A heading, what is measured, and a table; or why there is none. */
export function renderResult(result: Result): string {
  const { name, measures, unit } = result.benchmark;
  const heading = `${name} [${unit}]\n${measures.replaceAll(". ", ".\n")}\n`;
  if ("skipped" in result) return `${heading}\nskipped: ${result.skipped}`;
  const lines = [
    heading,
    renderFigures(result.benchmark, result.figures),
    ...result.leftOut.map(({ what, reason }) => `skipped: ${what}: ${reason}`),
    `measured in ${result.seconds.toFixed(0)} s`,
  ];
  return lines.join("\n");
}

function renderFigures(benchmark: Benchmark, figures: readonly Figure[]): string {
  const columns = [
    column("measured", ({ what }) => what),
    ...[...new Set(figures.flatMap(({ measured }) => Object.keys(measured)))].map((variant) =>
      column(variant, ({ measured }) => numberText(benchmark, measured[variant]))
    ),
    column(benchmark.cost, ({ cost }) => costText(benchmark, cost)),
    column("95 % interval", ({ interval }) => spanText(interval)),
    column("middle 80 %", ({ middle }) => spanText(middle)),
    column("budget", ({ budget }) => budget?.toLocaleString("en-US")),
    column("verdict", verdictOf),
    column("detail", ({ detail }) => detail || undefined),
  ].filter(({ cellOf }) => figures.some((figure) => cellOf(figure) !== undefined));
  return renderTable(
    columns.map(({ title }) => title),
    figures.map((figure) => columns.map(({ cellOf }) => cellOf(figure) ?? "")),
  );
}

/** A column without any cell is left out. */
function column(title: string, cellOf: (figure: Figure) => string | undefined) {
  return { title, cellOf };
}

/** What the page shows, and `--json` writes. */
export function keptOf(results: readonly Result[], versions: Versions): Bench {
  const benchmarks = results.map(({ benchmark, ...outcome }) => {
    const { name, measures, unit, cost } = benchmark;
    if ("skipped" in outcome) return { name, measures, unit, cost, skipped: outcome.skipped };
    const { seconds, leftOut, figures } = outcome;
    const judged = figures.map((figure) => ({ ...figure, verdict: verdictOf(figure) }));
    return { name, measures, unit, cost, seconds, leftOut, figures: judged };
  });
  return { versions, benchmarks };
}
