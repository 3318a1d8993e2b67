/** All the pictures that there are of a bench: the bench writes each to a file, the page shows it. */
import type { Figure } from "../bench/benchmark.ts";
import { drawApproaches } from "./approaches_picture.ts";
import { drawOccupancy, drawUdpOccupancy } from "./occupancy_picture.ts";
import { drawPorts } from "./ports_picture.ts";
import { type Bench, figuresOf } from "./results.ts";

/** The pictures' names, which are those of their files, and the benchmarks that each is drawn of. */
const drawn = {
  occupancy: {
    of: ["occupancy-calls", "occupancy-time"],
    draw: ([calls, times]) => drawOccupancy(calls, times),
  },
  udp: {
    of: ["udp-calls", "udp-time"],
    draw: ([calls, times]) => drawUdpOccupancy(calls, times),
  },
  approaches: {
    of: ["approaches"],
    draw: ([figures]) => drawApproaches(figures),
  },
  ports: {
    of: ["port-choice"],
    draw: ([figures]) => drawPorts(figures.flatMap(({ choice }) => choice ?? [])),
  },
} satisfies Record<string, {
  readonly of: readonly string[];
  readonly draw: (figures: readonly (readonly Figure[])[]) => Promise<string>;
}>;

/** A picture's name. */
export type PictureName = keyof typeof drawn;

/** The SVG of each picture for which all was measured. */
export async function drawPictures(bench: Bench): Promise<Map<PictureName, string>> {
  const pictures = new Map<PictureName, string>();
  for (const name of Object.keys(drawn) as PictureName[]) {
    const { of, draw } = drawn[name];
    const figures = of.map((benchmark) => figuresOf(bench, benchmark));
    if (figures.every(({ length }) => length > 0)) pictures.set(name, await draw(figures));
  }
  return pictures;
}
