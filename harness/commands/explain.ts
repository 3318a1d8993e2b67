// `portpin explain [POLICY] [--to DESTINATION]`: says in words what a policy does here, on this
// kernel and in this network namespace, with the PORTPIN_ variables that are set now.

import { Command } from "commander";
import { parseDestination } from "../../generator/destination.ts";
import { explain } from "../../generator/explain.ts";
import { exitStatus, Failure, reportingFailure } from "../../generator/failure.ts";
import { viewKernel } from "../../generator/kernel_view.ts";
import { readPolicyAndLines } from "../../generator/parse_policy.ts";
import { generalPolicy } from "../../generator/policy.ts";
import type { Destination } from "../../generator/rules.ts";
import { environmentSettings } from "../../generator/settings.ts";

export default new Command("explain")
  .description(
    "Say in words what a policy does on this kernel, with the PORTPIN_ variables that are set; " +
      "without POLICY, what these do to the general library",
  )
  .argument("[policy]", "policy file (JSONC)")
  .option(
    "--to <destination>",
    "say only what it does to ADDRESS:PORT, with /tcp (default), /udp or /sctp",
  )
  .action(reportingFailure(async (file: string | undefined, { to }: { to?: string }) => {
    const destination = to === undefined ? undefined : destinationOf(to);
    const read = file === undefined
      ? { policy: generalPolicy, ruleLines: [] }
      : await readPolicyAndLines(file);
    const settings = environmentSettings((name) => Deno.env.get(name));
    for (const { kind, text } of explain(read, settings, await viewKernel(), destination)) {
      console.log(kind === "warning" ? `Warning: ${text}` : text);
    }
  }));

/** @throws {Failure} with the usage status. */
function destinationOf(text: string): Destination {
  const parsed = parseDestination(text);
  if (parsed.ok) return parsed.value;
  const lines = parsed.problems.map(({ reason }) => `portpin: Cannot use --to ${text}: ${reason}`);
  throw new Failure(lines.join("\n"), exitStatus.usage);
}
