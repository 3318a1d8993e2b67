// `portpin generate POLICY`: prints the policy.zon that the library would be built with.

import { Command } from "commander";
import { reportingFailure } from "../../generator/failure.ts";
import { readPolicy } from "../../generator/parse_policy.ts";
import { renderZon } from "../../generator/render_zon.ts";

export default new Command("generate")
  .description("Print the policy.zon that a policy's library is built with")
  .argument("<policy>", "policy file (JSONC)")
  .action(reportingFailure(async (file: string) => {
    await Deno.stdout.write(new TextEncoder().encode(renderZon(await readPolicy(file))));
  }));
