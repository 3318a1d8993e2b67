// `portpin explain [POLICY]`: says in words what a policy does here, on this kernel and in this
// network namespace, with the PORTPIN_ variables that are set now.

import { Command } from "commander";
import { explain } from "../../generator/explain.ts";
import { reportingFailure } from "../../generator/failure.ts";
import { viewKernel } from "../../generator/kernel_view.ts";
import { readPolicy } from "../../generator/parse_policy.ts";
import { generalPolicy } from "../../generator/policy.ts";
import { environmentSettings } from "../../generator/settings.ts";

export default new Command("explain")
  .description(
    "Say in words what a policy does on this kernel, with the PORTPIN_ variables that are set; " +
      "without POLICY, what these do to the general library",
  )
  .argument("[policy]", "policy file (JSONC)")
  .action(reportingFailure(async (file: string | undefined) => {
    const policy = file === undefined ? generalPolicy : await readPolicy(file);
    const settings = environmentSettings((name) => Deno.env.get(name));
    for (const { kind, text } of explain(policy, settings, await viewKernel())) {
      console.log(kind === "warning" ? `Warning: ${text}` : text);
    }
  }));
