/** Sizes of the library, for every target that it is built for, and without what can be left out. */
import { join } from "node:path";
import { build, targets } from "../../generator/build.ts";
import { generalPolicy, type Policy } from "../../generator/policy.ts";
import type { Benchmark, Figure } from "./benchmark.ts";

/** Policies that leave out of the library what they never need. DESIGN.md says how large each may be. */
const { environment } = generalPolicy;
const bothEngines: Policy = {
  ...generalPolicy,
  environment: { ...environment, source: false, log: false },
};
const kernelAlone: Policy = {
  ...bothEngines,
  engine: "kernel",
  environment: { ...bothEngines.environment, engine: false },
};
const kibibyte = 1_024;

export const sizes: Benchmark = {
  name: "size",
  measures: "Size of the library's file: the general one, with all that the environment can ask " +
    "for, unless it says so.",
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
    await measure(`${here}, kernel engine alone`, here, kernelAlone, 16 * kibibyte);
    await measure(`${here}, both engines alone`, here, bothEngines, 29 * kibibyte);
    for (const target of targets) {
      await measure(target, target, generalPolicy, target === here ? 44 * kibibyte : undefined);
    }
    await Deno.remove(folder, { recursive: true });
    return figures;
  },
};
