/** The picture of which ports the engines choose: in which order, and how evenly. */
import type { Choice } from "../bench/benchmark.ts";
import { colours, drawPicture } from "./picture.ts";

/** Bars of a distribution: so many that the shape is seen, so few that chance does not hide it. */
const bars = 64;

const engines = [
  { engine: "kernel", name: "kernel engine", colour: colours.kernel },
  { engine: "emulation", name: "emulation", colour: colours.emulation },
] as const;

/** @param choices one for each engine, range and number of destinations. */
export function drawPorts(choices: readonly Choice[]): Promise<string> {
  const lows = [...new Set(choices.map(({ low }) => low))];
  const widest = widestShare(choices);
  const spec = {
    concat: lows.flatMap((low) => [
      ...engines.map((each) => orderPanel(find(choices, low, each.engine, "one"), each)),
      ...engines.map((each) => evennessPanel(pair(choices, low, each.engine), each, widest)),
    ]),
    columns: engines.length,
    bounds: "flush",
    spacing: { row: 110, column: 84 },
  };
  return drawPicture(spec, {
    title: "Which ports are chosen where none is taken",
    subtitle: [
      "Dots: the ports of the first connects to one destination, in their order. The kernel goes",
      "up by 1 to 8 ports each time, from a secret start for each pair of addresses; the emulation",
      "starts anywhere each time. Lines: how often each part of the range was chosen, 1 being an",
      "even share; solid to one destination, dotted to many. The grey band holds 95 % of what",
      "chance does; df are degrees of freedom, p the probability of such a χ² or a higher one.",
    ],
    description: choices.map(describe).join(" "),
  });
}

function find(
  choices: readonly Choice[],
  low: number,
  engine: string,
  destinations: Choice["destinations"],
): Choice {
  return choices.find((choice) =>
    choice.low === low && choice.engine === engine && choice.destinations === destinations
  )!;
}

function pair(choices: readonly Choice[], low: number, engine: string): [Choice, Choice] {
  return [find(choices, low, engine, "one"), find(choices, low, engine, "many")];
}

const width = 420;

function orderPanel(
  { low, high, first }: Choice,
  { name, colour, engine }: typeof engines[number],
) {
  const size = (high - low + 1).toLocaleString("en-US");
  return {
    title: `${name}, ${size} ports (${low}–${high})`,
    width,
    height: 150,
    data: { values: first.map((port, index) => ({ nth: index + 1, port })) },
    mark: { type: "point", filled: true, size: 20, opacity: 0.9, color: colour },
    encoding: {
      x: {
        field: "nth",
        type: "quantitative",
        axis: { title: "connect, to one destination", grid: false },
        scale: { domain: [0, first.length], nice: false },
      },
      y: {
        field: "port",
        type: "quantitative",
        axis: {
          title: engine === "kernel" ? "port" : null,
          format: "d",
          tickCount: 5,
          minExtent: 44,
          maxExtent: 44,
        },
        scale: { domain: [low, high], nice: false },
      },
    },
  };
}

function evennessPanel(
  [one, many]: [Choice, Choice],
  { colour, engine }: typeof engines[number],
  widest: number,
) {
  const connects = sum(one.counts);
  const chance = 1.96 / Math.sqrt(connects / bars);
  const names = ["one destination", "many destinations"];
  const x = {
    field: "port",
    type: "quantitative",
    axis: { title: "port", format: "d", grid: false, tickCount: 6 },
    scale: { domain: [one.low, one.high], nice: false },
  };
  const y = {
    type: "quantitative",
    axis: {
      title: engine === "kernel" ? "share" : null,
      format: ".1f",
      tickCount: 5,
      minExtent: 44,
      maxExtent: 44,
    },
    scale: { domain: [1 - widest, 1 + widest], nice: false },
  };
  return {
    title: {
      text: `${connects.toLocaleString("en-US")} connects`,
      fontSize: 12,
      subtitle: [one, many].map((choice) =>
        `${choice.destinations} destination${choice.destinations === "one" ? "" : "s"}: ${
          verdict(choice)
        }`
      ),
    },
    width,
    height: 150,
    layer: [
      {
        data: { values: [{ low: 1 - chance, high: 1 + chance }] },
        mark: { type: "rect", color: colours.faint, opacity: 0.16 },
        encoding: { y: { ...y, field: "low" }, y2: { field: "high" } },
      },
      {
        data: { values: [...sharesOf(one, names[0]), ...sharesOf(many, names[1])] },
        mark: { type: "line", interpolate: "step-after", strokeWidth: 1.6 },
        encoding: {
          x,
          y: { ...y, field: "share" },
          color: {
            field: "name",
            scale: { domain: names, range: [colour, colours.ink] },
            legend: null,
          },
          strokeDash: {
            field: "name",
            scale: { domain: names, range: [[1, 0], [2, 2]] },
            legend: null,
          },
        },
      },
    ],
    resolve: { scale: { color: "independent" } },
  };
}

/** Each bar's share of the connects, 1 being even; the last one twice, so that its step has an end. */
function sharesOf({ low, high, counts }: Choice, name: string) {
  const all = sum(counts);
  const each = counts.length / bars;
  const portAt = (bar: number) => low + (high + 1 - low) * bar / bars;
  const shares = Array.from({ length: bars }, (_, bar) => ({
    name,
    port: portAt(bar),
    share: sum(counts.slice(bar * each, (bar + 1) * each)) / all * bars,
  }));
  return [...shares, { ...shares.at(-1)!, port: high }];
}

/** The farthest that any share is from 1, with some room. */
function widestShare(choices: readonly Choice[]): number {
  const shares = choices.flatMap((choice) => sharesOf(choice, "").map(({ share }) => share));
  return Math.ceil(Math.max(...shares.map((share) => Math.abs(share - 1))) * 10 + 0.2) / 10;
}

function verdict({ chiSquared, degreesOfFreedom, probability }: Choice): string {
  return `χ² ${chiSquared.toFixed(0)}, df ${degreesOfFreedom}, ` +
    `p ${probability < 0.001 ? "below 0.001" : probability.toFixed(3)}`;
}

function describe(choice: Choice): string {
  const { engine, low, high, destinations } = choice;
  return `${engine}, ports ${low} to ${high}, ${destinations} destination${
    destinations === "one" ? "" : "s"
  }: ${verdict(choice)}.`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
