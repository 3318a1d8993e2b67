// `portpin doctor`: what this kernel, this network namespace and these libcs can do for the ports.

import { Command } from "commander";
import { exitStatus, reportingFailure } from "../../generator/failure.ts";
import { usedPorts } from "../../generator/explain_ports.ts";
import { viewKernel } from "../../generator/kernel_view.ts";
import { generalPolicy } from "../../generator/policy.ts";
import { environmentSettings, flagSetting, withSettings } from "../../generator/settings.ts";
import { diagnose } from "../doctor/diagnose.ts";
import { examine } from "../doctor/examine.ts";
import { charsetOf, renderReport } from "../doctor/report.ts";

interface DoctorOptions {
  readonly ports?: string;
  readonly source?: string;
  readonly json?: true;
}

export default new Command("doctor")
  .description(
    "Try what this kernel, network namespace and libc can do, and say what to change",
  )
  .option("--ports <set>", "LOW-HIGH, a port, or several of these separated by commas")
  .option("--source <address>", "the address to send from: an IPv4 and/or an IPv6 one")
  .option("--json", "print JSON, as harness/doctor/doctor.schema.json describes it")
  .addHelpText(
    "after",
    `
PORTPIN_ variables that are set count too. The exit status is 0 when some engine can keep the ports
of every TCP and UDP socket, and 1 when not.`,
  )
  .action(reportingFailure(async ({ json, ...options }: DoctorOptions) => {
    const flags = (["ports", "source"] as const).flatMap((key) => {
      const text = options[key];
      return text === undefined ? [] : [flagSetting(key, text)];
    });
    const variables = environmentSettings((name) => Deno.env.get(name))
      .filter(({ key }) => !flags.some((flag) => flag.key === key));
    const policy = withSettings(generalPolicy, [...variables, ...flags]);
    const kernel = await viewKernel();
    const facts = await examine(kernel, usedPorts(policy, policy.ports), policy.source);
    const off = variables.some(({ key }) => key === "off");
    const report = diagnose(facts, policy, kernel, off);
    console.log(
      json
        ? JSON.stringify(report, null, 2)
        : renderReport(report, charsetOf((name) => Deno.env.get(name))),
    );
    Deno.exit(report.kept ? 0 : exitStatus.failed);
  }));
