/** The pictures of what a connect costs against how many ports are taken: system calls and time. */
import type { Figure, Place } from "../bench/benchmark.ts";
import { colours, drawPicture } from "./picture.ts";

/** One curve: an engine, and what it meets. */
interface Curve {
  readonly name: string;
  readonly engine: string;
  readonly crowd: Place["crowd"];
  readonly destination: Place["destination"];
  readonly colour: string;
  /** Lengths of strokes and gaps; solid where empty. */
  readonly dash: readonly number[];
  readonly shape: string;
}

const ownSame = { crowd: "own", destination: "same" } as const;

/** What a picture is about. */
interface Subject {
  readonly title: string;
  readonly subtitle: readonly string[];
  readonly curves: readonly Curve[];
}

const tcpCurves: readonly Curve[] = [
  {
    name: "kernel engine",
    engine: "kernel",
    ...ownSame,
    colour: colours.kernel,
    dash: [],
    shape: "circle",
  },
  {
    name: "emulation",
    engine: "emulation",
    ...ownSame,
    colour: colours.emulation,
    dash: [],
    shape: "square",
  },
  {
    name: "emulation, the ports can be joined: taken for another destination",
    engine: "emulation",
    crowd: "own",
    destination: "another",
    colour: colours.joined,
    dash: [6, 3],
    shape: "triangle-up",
  },
  {
    name: "emulation, the ports are locked: the kernel's choice for another destination",
    engine: "emulation",
    crowd: "kernel's",
    destination: "another",
    colour: colours.locked,
    dash: [2, 3],
    shape: "diamond",
  },
  {
    name: "search by bind(2), from the low port upwards",
    engine: "search",
    ...ownSame,
    colour: colours.search,
    dash: [9, 3, 2, 3],
    shape: "cross",
  },
];

const search = tcpCurves.at(-1)!;

const udpCurves: readonly Curve[] = [
  ...tcpCurves.slice(0, 2),
  {
    name: "shared: udpShare, for a destination that has flows on these ports",
    engine: "shared",
    ...ownSame,
    colour: colours.locked,
    dash: [2, 3],
    shape: "diamond",
  },
  {
    name: "shared, the ports are taken for another destination",
    engine: "shared",
    crowd: "own",
    destination: "another",
    colour: colours.joined,
    dash: [6, 3],
    shape: "triangle-up",
  },
  search,
];

const tcp: Subject = {
  title: "What one TCP connect costs where ports are taken",
  subtitle: [
    "From socket(2) to the end of connect(2). The ports are taken by the engine's own connections",
    "to the same destination, unless a curve says otherwise. Points are medians of single connects,",
    "bands the middle 80 % of them. Bars are budgets: what the emulation may add to the kernel",
    "engine's calls. The emulation tries up to 32 ports for itself alone; then it looks up each, and",
    "joins one whose 4-tuple is free.",
  ],
  curves: tcpCurves,
};

const udp: Subject = {
  title: "What one UDP connect costs where ports are taken",
  subtitle: [
    "From socket(2) to the end of connect(2). The ports are taken by the engine's own flows to the",
    "same destination, unless a curve says otherwise. Points are medians of single connects, bands",
    "the middle 80 % of them. Shared is with udpShare: a port has a flow to each destination, and",
    "every 4-tuple is looked up under a lock; with the others a flow has its port alone.",
  ],
  curves: udpCurves,
};

/** One point of a curve. */
interface Point {
  readonly curve: string;
  readonly taken: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** @param calls the figures of `occupancy-calls`; @param times those of `occupancy-time`. */
export function drawOccupancy(
  calls: readonly Figure[],
  times: readonly Figure[],
): Promise<string> {
  return draw(tcp, calls, times);
}

/** @param calls the figures of `udp-calls`; @param times those of `udp-time`. */
export function drawUdpOccupancy(
  calls: readonly Figure[],
  times: readonly Figure[],
): Promise<string> {
  return draw(udp, calls, times);
}

function draw(
  { title, subtitle, curves }: Subject,
  calls: readonly Figure[],
  times: readonly Figure[],
): Promise<string> {
  const sizes = [...new Set(calls.flatMap(({ at }) => at === undefined ? [] : [at.ports]))];
  const row = (figures: readonly Figure[], axis: Axis, isTop: boolean) =>
    sizes.map((ports, column) => panel(curves, figures, ports, axis, isTop, column === 0));
  const spec = {
    concat: [...row(calls, callsAxis, true), ...row(times, timeAxis, false)],
    columns: sizes.length,
    bounds: "flush",
    spacing: { row: 44, column: 92 },
    resolve: { scale: { color: "shared", shape: "shared", strokeDash: "shared" } },
  };
  return drawPicture(spec, { title, subtitle, description: describe(curves, calls, times) });
}

/** What a row of panels measures. */
interface Axis {
  readonly title: string;
  readonly domain: readonly [number, number];
  readonly values: readonly number[];
  /** A Vega expression of a label. */
  readonly label: string;
}

const callsAxis: Axis = {
  title: "system calls of one connect",
  domain: [1, 200_000],
  values: [1, 10, 100, 1_000, 10_000, 100_000],
  label: "format(datum.value, ',')",
};

const timeAxis: Axis = {
  title: "time of one connect",
  domain: [1, 300_000],
  values: [1, 10, 100, 1_000, 10_000, 100_000],
  label: "datum.value < 1000 ? datum.value + ' µs' : datum.value / 1000 + ' ms'",
};

function panel(
  curves: readonly Curve[],
  figures: readonly Figure[],
  ports: number,
  axis: Axis,
  isTop: boolean,
  isLeft: boolean,
) {
  const here = figures.filter(({ at }) => at?.ports === ports);
  const x = {
    field: "taken",
    type: "ordinal",
    sort: null,
    scale: { padding: 0.35 },
    axis: { title: isTop ? null : "ports taken", labelAngle: 0, grid: false },
  };
  const y = {
    type: "quantitative",
    scale: { type: "log", domain: axis.domain },
    axis: {
      title: isLeft ? axis.title : null,
      minExtent: 56,
      maxExtent: 56,
      values: axis.values,
      labelExpr: axis.label,
    },
  };
  const look = (property: "colour" | "dash" | "shape") => ({
    field: "curve",
    type: "nominal",
    scale: scale(curves, property),
    legend,
  });
  return {
    ...isTop ? { title: `${ports.toLocaleString("en-US")} ports` } : {},
    width: 440,
    height: 300,
    layer: [
      {
        data: { values: pointsOf(curves, here) },
        mark: { type: "area", opacity: 0.13, line: false },
        encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color: look("colour") },
      },
      {
        data: { values: pointsOf(curves, here) },
        mark: { type: "line", strokeWidth: 2 },
        encoding: {
          x,
          y: { ...y, field: "value" },
          color: look("colour"),
          strokeDash: look("dash"),
        },
      },
      {
        data: { values: pointsOf(curves, here) },
        mark: { type: "point", filled: true, size: 62, opacity: 1 },
        encoding: {
          x,
          y: { ...y, field: "value" },
          color: look("colour"),
          shape: look("shape"),
        },
      },
      {
        data: { values: budgetsOf(here) },
        mark: { type: "tick", orient: "horizontal", size: 26, thickness: 2.5, color: colours.ink },
        encoding: { x, y: { ...y, field: "value" } },
      },
      {
        data: { values: budgetsOf(here) },
        mark: { type: "text", dy: -9, fontSize: 10.5, color: colours.ink },
        encoding: { x, y: { ...y, field: "value" }, text: { field: "label" } },
      },
    ],
  };
}

const legend = {
  title: null,
  orient: "bottom",
  direction: "vertical",
  offset: 30,
  rowPadding: 6,
  symbolOpacity: 1,
  // A dashed outline would spoil the shape.
  symbolStrokeWidth: 0,
};

/** From a curve's name to how it looks. */
function scale(curves: readonly Curve[], property: "colour" | "dash" | "shape") {
  const range = curves.map((curve) => property === "dash" ? [...curve.dash] : curve[property]);
  return { domain: curves.map(({ name }) => name), range };
}

function pointsOf(curves: readonly Curve[], figures: readonly Figure[]): Point[] {
  return curves.flatMap((curve) =>
    figures.filter(({ at }) => at !== undefined && isOn(curve, at)).map((figure) => ({
      curve: curve.name,
      taken: percent(figure.at!),
      value: figure.measured[curve.engine],
      low: figure.spread![curve.engine][0],
      high: figure.spread![curve.engine][1],
    }))
  );
}

/** Where no port is taken all crowds are alike, and measured once. */
function isOn(curve: Curve, place: Place): boolean {
  const { crowd, destination } = place.occupancy === 0 ? ownSame : curve;
  return place.crowd === crowd && place.destination === destination;
}

/** The most that the emulation may come to: the kernel's number and the budget. */
function budgetsOf(figures: readonly Figure[]) {
  return figures.flatMap(({ at, budget, measured }) => {
    if (budget === undefined || at?.crowd !== "own" || at.destination !== "same") return [];
    const label = `+${budget.toLocaleString("en-US")}`;
    return [{ taken: percent(at), value: measured.kernel + budget, label }];
  });
}

function percent({ occupancy }: Place): string {
  return `${Math.round(occupancy * 100)} %`;
}

/** The numbers of what goes to the same destination, for whoever cannot see them. */
function describe(
  curves: readonly Curve[],
  calls: readonly Figure[],
  times: readonly Figure[],
): string {
  const engines = curves.filter(({ crowd, destination }) =>
    crowd === ownSame.crowd && destination === ownSame.destination
  ).map(({ engine }) => engine);
  const sentences = (figures: readonly Figure[], unit: string) =>
    figures.filter(({ at }) => at?.crowd === "own" && at.destination === "same").map((figure) => {
      const numbers = engines.map((engine) =>
        `${engine} ${Math.round(figure.measured[engine]).toLocaleString("en-US")}`
      );
      return `${figure.what}: ${numbers.join(", ")} ${unit}.`;
    });
  return [...sentences(calls, "system calls"), ...sentences(times, "microseconds")].join(" ");
}
