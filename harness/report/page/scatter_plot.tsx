/** The scatter of the ports that peers saw, over time and over the range. */
import { scale } from "vega";
import type { World } from "../../case.ts";
import type { Cases } from "../results.ts";
import { pathOfCrosses, pathOfDots, shares, type Sighting, sightingsOf } from "../scatter.ts";
import { Wide } from "./parts.tsx";
import { counted, grouped } from "./text.ts";

const left = 56;
const plot = 820;
const margin = 28;
const side = 176;
const width = left + plot + margin + side + 8;

/** The ports of a case that does not say otherwise. */
const usual = { low: 50_000, high: 50_511, text: "50000-50511" };
const bins = 64;

/** The worlds where the kernel keeps the ports, unless a case says otherwise, and where the emulation does. */
const engines = [
  { name: "kernel", is: (world: World) => world === "kernel" },
  { name: "emulation", is: (world: World) => world !== "kernel" },
] as const;

interface Scale {
  (value: number): number;
  /** Round values of the domain, about so many. */
  ticks(count: number): number[];
}

/** One of d3's, which Vega brings. */
function linear(domain: readonly [number, number], range: readonly [number, number]): Scale {
  return scale("linear")().domain([...domain]).range([...range]);
}

export function ScatterPlot({ cases }: { cases: Cases }) {
  const all = sightingsOf(cases);
  if (all.length === 0) return <p class="note">No peer saw a port.</p>;
  const end = all.at(-1)!.time;
  const inUsual = all.filter(({ ports }) => ports === usual.text);
  const near = inUsual.filter(({ port }) => usual.low <= port && port <= usual.high);
  return (
    <figure>
      <Wide label="Source ports over time and over the range">
        <svg
          class="scatter"
          viewBox={`0 0 ${width} 640`}
          role="img"
          aria-label="Source ports over time and over the range"
          data-scatter={JSON.stringify(hints(all, end))}
        >
          <desc>
            {counted(all.length, "source port")} in {Math.ceil(end)} seconds, of which{" "}
            {grouped(all.filter(({ inside }) => inside).length)} were among the case's ports.
          </desc>
          <Panel
            title={`Cases of the usual ports, ${usual.low} to ${usual.high}`}
            top={30}
            height={300}
            domain={[usual.low, usual.high]}
            sightings={near}
            end={end}
          />
          <Histogram sightings={near} top={30} height={300} />
          <Panel
            title="All cases, all ports"
            top={384}
            height={200}
            domain={[0, 65_535]}
            sightings={all}
            end={end}
            timed
          />
          <Key top={384} all={all} />
          <g class="cursor" hidden>
            <circle r="6" />
          </g>
        </svg>
      </Wide>
      <figcaption>
        Each mark is a connection or a datagram as its peer saw it:{" "}
        {counted(all.length, "mark")}. Blue is the world of the kernel engine, where cases may
        choose another one themselves; orange are the others. Dots are among the case's ports.
        Crosses are not: ports that a program binds by number, destinations that a rule leaves
        alone, ranges that portpin is not to touch. A cross that the case does not promise is BAD
        above. On the right, how often each eight ports were seen, 1 being an even share; cut off
        where programs ask for the same few ports themselves. <output class="hovered" />
      </figcaption>
    </figure>
  );
}

/** What the script needs to say what lies under the pointer: when each case began. */
function hints(all: readonly Sighting[], end: number) {
  const starts = all.filter((one, index) => one.case !== all[index - 1]?.case)
    .map((one) => [Math.round(one.time * 100) / 100, one.case]);
  return { left, plot, end, starts };
}

interface PanelProps {
  readonly title: string;
  readonly top: number;
  readonly height: number;
  readonly domain: readonly [number, number];
  readonly sightings: readonly Sighting[];
  /** The last second. */
  readonly end: number;
  /** Whether the seconds are written below. */
  readonly timed?: boolean;
}

function Panel({ title, top, height, domain, sightings, end, timed = false }: PanelProps) {
  const x = linear([0, end], [left, left + plot]);
  const y = linear(domain, [top + height, top]);
  const placed = (some: readonly Sighting[]) =>
    some.map(({ time, port }) => [x(time), y(port)] as const);
  return (
    <g data-panel={JSON.stringify({ top, height, domain })}>
      <text class="title" x={left} y={top - 10}>{title}</text>
      <path class="grid" d={y.ticks(5).map((port) => `M${left} ${y(port)}h${plot}`).join("")} />
      <rect class="frame" x={left} y={top} width={plot} height={height} />
      {y.ticks(5).map((port) => <text class="end" x={left - 8} y={y(port) + 4}>{port}</text>)}
      {engines.map(({ name, is }) => {
        const own = sightings.filter(({ world }) => is(world));
        return (
          <>
            <path
              class={`dots ${name}`}
              d={pathOfDots(placed(own.filter(({ inside }) => inside)))}
            />
            <path
              class={`crosses ${name}`}
              d={pathOfCrosses(placed(own.filter(({ inside }) => !inside)), 5)}
            />
          </>
        );
      })}
      {timed &&
        x.ticks(8).map((time) => (
          <text class="middle" x={x(time)} y={top + height + 18}>{time}</text>
        ))}
      {timed && (
        <text class="middle" x={left + plot / 2} y={top + height + 38}>seconds of the run</text>
      )}
    </g>
  );
}

/** Higher shares are cut off: they are of programs that ask for the same few ports themselves. */
const shareMax = 3;

/** How often each part of the usual ports was seen, an outline for each engine. */
function Histogram(
  { sightings, top, height }: { sightings: readonly Sighting[]; top: number; height: number },
) {
  const start = left + plot + margin;
  const all = engines.map(({ name, is }) => {
    const ports = sightings.filter(({ world }) => is(world)).map(({ port }) => port);
    return { name, values: shares(ports, [usual.low, usual.high], bins) };
  }).filter(({ values }) => !values.some(Number.isNaN));
  const most = Math.max(...all.flatMap(({ values }) => values));
  const x = linear([0, shareMax], [start, start + side]);
  const each = height / bins;
  return (
    <g class="histogram">
      <text class="title" x={start} y={top - 10}>over the range</text>
      <path class="grid" d={x.ticks(4).map((share) => `M${x(share)} ${top}v${height}`).join("")} />
      {all.map(({ name, values }) => (
        <path
          class={`step ${name}`}
          d={`M${start} ${top + height}` +
            values.map((share) =>
              `H${x(Math.min(share, shareMax)).toFixed(1)}v${(-each).toFixed(2)}`
            ).join("")}
        />
      ))}
      {x.ticks(4).map((share) => (
        <text class="middle" x={x(share)} y={top + height + 16}>{share}</text>
      ))}
      {most > shareMax && (
        <text class="end" x={start + side} y={top + height + 32}>
          the longest: {most.toFixed(1)}
        </text>
      )}
    </g>
  );
}

function Key({ top, all }: { top: number; all: readonly Sighting[] }) {
  const x = left + plot + margin;
  const rows = engines.flatMap(({ name, is }) => {
    const own = all.filter(({ world }) => is(world));
    const inside = own.filter((one) => one.inside).length;
    return [
      { name, kind: "dots", text: `${name}: ${grouped(inside)} inside` },
      { name, kind: "crosses", text: `${name}: ${grouped(own.length - inside)} elsewhere` },
    ];
  });
  return (
    <g class="key">
      {rows.map(({ name, kind, text }, index) => {
        const y = top + 12 + index * 22;
        const d = kind === "dots" ? pathOfDots([[x + 4, y]]) : pathOfCrosses([[x + 4, y]], 5);
        return (
          <>
            <path class={`${kind} ${name} sample`} d={d} />
            <text x={x + 16} y={y + 4}>{text}</text>
          </>
        );
      })}
    </g>
  );
}
