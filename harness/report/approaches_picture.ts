/** The picture of what each way to keep the ports costs a program that makes many short connections. */
import type { Figure } from "../bench/benchmark.ts";
import { colours, drawPicture } from "./picture.ts";

/** What the other pictures draw has their colours here, too. */
const inks: Readonly<Record<string, string>> = {
  "portpin, kernel engine": colours.kernel,
  "portpin, emulation": colours.emulation,
  "search by bind(2)": colours.search,
};

/** One line of a panel: times as long as bare. */
interface Line {
  readonly name: string;
  readonly threads: number;
  readonly ratio: number;
  /** The 95 % confidence interval. */
  readonly low: number;
  readonly high: number;
  /** The middle 80 % of the rounds. */
  readonly from: number;
  readonly to: number;
  readonly ink: string;
  readonly label: string;
}

/** @param figures those of `approaches`. */
export function drawApproaches(figures: readonly Figure[]): Promise<string> {
  const lines = figures.flatMap(lineOf);
  const panels = [...Map.groupBy(lines, ({ threads }) => threads).values()];
  const spec = {
    concat: panels.map((own, index) => panel(own, domainOf(lines), index === panels.length - 1)),
    columns: 1,
    spacing: 34,
  };
  return drawPicture(spec, {
    title: "What each way to keep the ports costs short connections",
    subtitle: [
      "Connect, accept, close, again and again; the time as a ratio to that of the same program bare.",
      "Bare has 28,232 ports, each way to keep them 512. Dots are medians over all rounds, dark bars",
      "the 95 % confidence interval of that median; on the right both in numbers. Faint bars are the",
      "middle 80 % of the rounds. Bare again is what chance makes of a ratio.",
    ],
    description: panels.map(describe).join(" "),
  });
}

function lineOf({ approach, cost, interval, middle }: Figure): Line[] {
  if (approach === undefined || interval === undefined || middle === undefined) return [];
  const [low, high] = interval;
  const [from, to] = middle;
  const label = `${digits(cost)} (${digits(low)}–${digits(high)})`;
  const ink = inks[approach.name] ?? colours.ink;
  return [{ ...approach, ratio: cost, low, high, from, to, ink, label }];
}

/** One for all panels, so that they can be compared: to the next tenth, with bare in it. */
function domainOf(lines: readonly Line[]): [number, number] {
  const least = Math.min(1, ...lines.map(({ low, from }) => Math.min(low, from)));
  const most = Math.max(1, ...lines.map(({ high, to }) => Math.max(high, to)));
  return [Math.floor(least * 10) / 10, Math.ceil(most * 10) / 10];
}

function tenthsIn([least, most]: readonly [number, number]): number[] {
  return Array.from({ length: Math.round((most - least) * 10) + 1 }, (_, at) => least + at / 10);
}

const width = 640;

function panel(lines: readonly Line[], domain: readonly [number, number], isLast: boolean) {
  const x = {
    type: "quantitative",
    scale: { domain, nice: false, zero: false },
    axis: {
      title: isLast ? "times as long as bare" : null,
      values: tenthsIn(domain),
      format: ".1f",
      labelFlush: false,
    },
  };
  const y = {
    field: "name",
    type: "nominal",
    sort: null,
    axis: {
      title: null,
      labelLimit: 0,
      labelFontSize: 12,
      labelPadding: 10,
      ticks: false,
      domain: false,
      minExtent: 194,
      maxExtent: 194,
    },
  };
  const color = { field: "ink", type: "nominal", scale: null };
  return {
    title: threadsOf(lines[0]),
    width,
    height: { step: 30 },
    data: { values: lines },
    layer: [
      {
        data: { values: [{ bare: 1 }] },
        mark: { type: "rule", color: colours.faint, strokeDash: [4, 3] },
        encoding: { x: { ...x, field: "bare" } },
      },
      {
        mark: { type: "bar", height: 16, opacity: 0.18 },
        encoding: { x: { ...x, field: "from" }, x2: { field: "to" }, y, color },
      },
      {
        mark: { type: "bar", height: 8, opacity: 0.42 },
        encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y, color },
      },
      {
        mark: { type: "point", filled: true, size: 44, opacity: 1 },
        encoding: { x: { ...x, field: "ratio" }, y, color },
      },
      {
        mark: { type: "text", align: "left", dx: 10, fontSize: 11.5, color: colours.ink },
        encoding: { x: { value: width }, y, text: { field: "label", type: "nominal" } },
      },
    ],
  };
}

/** The numbers of a panel, for whoever cannot see them. */
function describe(lines: readonly Line[]): string {
  return `${threadsOf(lines[0])}: ${
    lines.map(({ name, label }) => `${name} ${label}`).join("; ")
  }.`;
}

function threadsOf({ threads }: Line): string {
  return threads === 1 ? "1 thread" : `${threads} threads at once`;
}

function digits(value: number): string {
  return value.toFixed(3);
}
