/** Sizes of the general library, for every target that it is built for. */
import { targets } from "../../generator/build.ts";
import { libraryFor } from "../library.ts";
import type { Benchmark } from "./benchmark.ts";

const budgets: Readonly<Record<string, number>> = { "x86_64-linux": 16_384 };

export const sizes: Benchmark = {
  name: "size",
  measures: "Size of the general library's file.",
  unit: "bytes",
  cost: "total",
  requires: [],
  connects: false,
  async run({ progress }) {
    const figures = [];
    for (const target of targets) {
      progress(target);
      const { size } = await Deno.stat(await libraryFor(target));
      figures.push({ what: target, measured: {}, cost: size, budget: budgets[target] });
    }
    return figures;
  },
};
