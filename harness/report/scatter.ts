/**
 * The source ports of the tests as points, over time and over the range: so many that each engine's
 * are one path of an SVG, written as short as it can be. Pure.
 */
import { formatPorts } from "../../generator/ports.ts";
import type { World } from "../case.ts";
import { includesPort, portSet } from "../judge.ts";
import type { Cases } from "./results.ts";

/** One port that a peer saw. */
export interface Sighting {
  /** Seconds since the first one. */
  readonly time: number;
  readonly port: number;
  readonly case: string;
  readonly world: World;
  /** Whether it is one of the case's ports. */
  readonly inside: boolean;
  /** The case's ports. */
  readonly ports: string;
}

/** All, in the order of time. */
export function sightingsOf({ cases, tests }: Cases): Sighting[] {
  const sets = new Map(cases.map(({ name, ports }) => [name, portSet(ports)]));
  const seen = tests.flatMap((test) =>
    test.seen.map(([at, port]) => ({ test, at, port, set: sets.get(test.case)! }))
  ).sort((a, b) => a.at - b.at);
  return seen.map(({ test, at, port, set }) => ({
    time: (at - seen[0].at) / 1000,
    port,
    case: test.case,
    world: test.world,
    inside: includesPort(set, port),
    ports: formatPorts(set),
  }));
}

/** A path of points, to be drawn with round ends; points that fall on one another are one. */
export function pathOfDots(points: readonly (readonly [number, number])[]): string {
  const places = new Set(points.map(([x, y]) => `M${hundredths(x)} ${tenths(y)}h0`));
  return [...places].join("");
}

/** The same of crosses, `size` wide. */
export function pathOfCrosses(
  points: readonly (readonly [number, number])[],
  size: number,
): string {
  const [half, whole] = [size / 2, size];
  const places = new Set(
    points.map(([x, y]) =>
      `M${hundredths(x - half)} ${
        tenths(y - half)
      }l${whole} ${whole}m${-whole} 0l${whole} ${-whole}`
    ),
  );
  return [...places].join("");
}

/** As time needs: a case may take less than a tenth of the drawing's unit. */
function hundredths(value: number): string {
  return `${Math.round(value * 100) / 100}`;
}

function tenths(value: number): string {
  return `${Math.round(value * 10) / 10}`;
}

/** Each bin's share of `ports` in `low` to `high`, 1 being even. */
export function shares(
  ports: readonly number[],
  [low, high]: readonly [number, number],
  bins: number,
): number[] {
  const counts = Array<number>(bins).fill(0);
  for (const port of ports) counts[Math.floor((port - low) * bins / (high - low + 1))]++;
  return counts.map((each) => each * bins / ports.length);
}
