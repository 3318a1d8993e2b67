/** Sizes of the library, for every target that it is built for, and without the second engine. */
import { join } from "node:path";
import { build, targets } from "../../generator/build.ts";
import { generalPolicy, type Policy } from "../../generator/policy.ts";
import type { Benchmark, Figure } from "./benchmark.ts";

const bothEngines = 26 * 1024;
const kernelAlone = 16 * 1024;

/** A policy that leaves no room for the emulation: it is not in the library then. */
const withoutEmulation: Policy = {
  ...generalPolicy,
  engine: "kernel",
  environment: { ...generalPolicy.environment, engine: false },
};

export const sizes: Benchmark = {
  name: "size",
  measures: "Size of the library's file: the general one, with both engines, unless it says so.",
  unit: "bytes",
  cost: "total",
  requires: [],
  connects: false,
  async run({ progress }) {
    const folder = await Deno.makeTempDir({ prefix: "portpin-" });
    const out = join(folder, "libportpin.so");
    const figures: Figure[] = [];
    const measure = async (what: string, target: string, policy: Policy, budget?: number) => {
      progress(what);
      const { size } = await Deno.stat(await build({ policy, target, out }));
      figures.push({ what, measured: {}, cost: size, budget });
    };
    const [here] = targets;
    await measure(`${here}, kernel engine alone`, here, withoutEmulation, kernelAlone);
    for (const target of targets) {
      await measure(target, target, generalPolicy, target === here ? bothEngines : undefined);
    }
    await Deno.remove(folder, { recursive: true });
    return figures;
  },
};
