/** What portpin costs: every benchmark as a table, and the pictures of those that have curves. */
import { costText, numberText, spanText } from "../../bench/figure_text.ts";
import type { Bench } from "../results.ts";
import { type Data, there } from "./data.ts";
import { Picture, Section, Source, Wide } from "./parts.tsx";
import { grouped } from "./text.ts";

type Benchmark = Bench["benchmarks"][number];
type Figure = Extract<Benchmark, { figures: unknown }>["figures"][number];

export function Costs({ data }: { data: Data }) {
  const bench = there(data.kept.bench);
  const { occupancy, udp, approaches } = data.pictures;
  return (
    <Section id="costs" title="What it costs">
      <p>
        System calls and instructions are counted. Time is only ever a ratio to a run without
        portpin beside it, with the 95 % confidence interval of the median.
      </p>
      <Source kind="bench" data={data} />
      {occupancy !== undefined && (
        <Picture label="A TCP connect where ports are taken" svg={occupancy} />
      )}
      {udp !== undefined && <Picture label="A UDP connect where ports are taken" svg={udp} />}
      {approaches !== undefined && <Picture label="Ways to keep the ports" svg={approaches} />}
      {bench?.benchmarks.map((benchmark) => <BenchmarkPart benchmark={benchmark} />)}
    </Section>
  );
}

function BenchmarkPart({ benchmark }: { benchmark: Benchmark }) {
  const { name, measures } = benchmark;
  const heading = <h3 id={`bench-${name}`}>{name.replaceAll("-", " ")}</h3>;
  if ("skipped" in benchmark) {
    return (
      <>
        {heading}
        <p>{measures}</p>
        <p class="note">Skipped: {benchmark.skipped}</p>
      </>
    );
  }
  const { seconds, leftOut, figures } = benchmark;
  // What lies on a curve is in the picture; its rows are for whoever wants the numbers.
  const isCurve = figures.every(({ at, choice }) => at !== undefined || choice !== undefined);
  const table = <FigureTable benchmark={benchmark} figures={figures} />;
  return (
    <>
      {heading}
      <p>
        {measures}
        <small>{` Measured in ${Math.round(seconds)} s.`}</small>
      </p>
      {leftOut.map(({ what, reason }) => <p class="note">Skipped: {what}: {reason}</p>)}
      {isCurve
        ? (
          <details class="wider">
            <summary>All numbers</summary>
            {table}
          </details>
        )
        : table}
    </>
  );
}

function FigureTable(
  { benchmark, figures }: { benchmark: Benchmark; figures: readonly Figure[] },
) {
  const variants = [...new Set(figures.flatMap(({ measured }) => Object.keys(measured)))];
  const has = (key: keyof Figure) => figures.some((figure) => figure[key] !== undefined);
  const hasDetail = figures.some(({ detail }) => detail);
  return (
    <Wide label={`${benchmark.name}, in ${benchmark.unit}`}>
      <table class="figures" data-sortable>
        <caption>{benchmark.unit}</caption>
        <thead>
          <tr>
            <th scope="col" data-sort>what</th>
            {variants.map((variant) => <th scope="col" class="number" data-sort>{variant}</th>)}
            <th scope="col" class="number" data-sort>{benchmark.cost}</th>
            {has("interval") && <th scope="col">95 % interval</th>}
            {has("middle") && <th scope="col">middle 80 %</th>}
            {has("budget") && <th scope="col" class="number">budget</th>}
            {has("budget") && <th scope="col">verdict</th>}
            {hasDetail && <th scope="col">detail</th>}
          </tr>
        </thead>
        <tbody>
          {figures.map((figure) => (
            <tr>
              <th scope="row">{figure.what}</th>
              {variants.map((variant) => (
                <td class="number">
                  {figure.measured[variant] !== undefined &&
                    numberText(benchmark, figure.measured[variant])}
                </td>
              ))}
              <td class="number cost">{signed(benchmark, figure.cost)}</td>
              {has("interval") && <td>{spanText(figure.interval)}</td>}
              {has("middle") && <td>{spanText(figure.middle)}</td>}
              {has("budget") && <Budget figure={figure} />}
              {has("budget") && <Verdict figure={figure} />}
              {hasDetail && <td class="detail">{figure.detail}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

/** The budget, and how much of it is used. */
function Budget({ figure: { cost, budget } }: { figure: Figure }) {
  if (budget === undefined) return <td />;
  const used = budget === 0 ? Number(cost > 0) : Math.min(1, Math.max(0, cost / budget));
  return (
    <td class="number">
      {grouped(budget)}
      <i class="used" style={`--used:${(used * 100).toFixed(0)}%`} />
    </td>
  );
}

const verdicts = {
  good: { look: "good", text: "✓ good" },
  unclear: { look: "skipped", text: "? unclear" },
  OVER: { look: "bad", text: "✗ OVER" },
} as const;

function Verdict({ figure: { verdict } }: { figure: Figure }) {
  if (verdict === undefined) return <td />;
  const { look, text } = verdicts[verdict];
  return <td class={look}>{text}</td>;
}

/** With the signs that type has for them. */
function signed(benchmark: Benchmark, cost: number): string {
  const times = benchmark.cost === "ratio" ? "× " : "";
  return times + costText(benchmark, cost).replace("-", "−");
}
