// `portpin build [POLICY]`: compiles a policy into a preload library.

import { relative } from "node:path";
import { Command } from "commander";
import { build, type BuildOptions, defaultOut, root, targets } from "../../generator/build.ts";
import { reportingFailure } from "../../generator/failure.ts";
import { readPolicy } from "../../generator/parse_policy.ts";

export default new Command("build")
  .description(
    "Build a policy's library; without POLICY the general one, configured by environment",
  )
  .argument("[policy]", "policy file (JSONC)")
  .option("--out <file>", `the library's file (default: ${relative(root, defaultOut)})`)
  .option("--target <triple>", `one of ${targets.join(", ")} (default: this machine's)`)
  .action(reportingFailure(async (file: string | undefined, options: BuildOptions) => {
    const policy = file === undefined ? undefined : await readPolicy(file);
    console.log(await build({ ...options, policy }));
  }));
