// The command line: `deno task portpin COMMAND`.
//
// Each command is a file in commands/; how they end is in main.ts.

import { Command } from "commander";
import configuration from "../deno.json" with { type: "json" };
import build from "./commands/build.ts";
import check from "./commands/check.ts";
import completion from "./commands/completion.ts";
import doctor from "./commands/doctor.ts";
import explain from "./commands/explain.ts";
import generate from "./commands/generate.ts";
import man from "./commands/man.ts";
import run from "./commands/run.ts";
import { enterUserDirectory } from "./handover/wrapper.ts";
import { runMain } from "./main.ts";

const program = new Command("portpin")
  .description("Make unmodified programs use the source ports that you choose")
  .version(configuration.version)
  .enablePositionalOptions()
  .showHelpAfterError("(--help says more)")
  .exitOverride();

const examples: Readonly<Record<string, string>> = {
  generate: "policy.jsonc",
  build: "policy.jsonc --out libpolicy.so",
  run: "--ports 60000-60511 -- curl -sI http://127.0.0.1:8080/",
  check: "program-curl",
  explain: "policy.jsonc --to 192.0.2.7:443/tcp",
  doctor: "--ports 60000-60511",
  completion: "bash > ~/.local/share/bash-completion/completions/portpin",
  man: "| man -l -",
};

for (const command of [generate, build, run, check, explain, doctor, completion, man]) {
  const words = `${command.name()} ${examples[command.name()]}`;
  command.addHelpText("after", `\nExample:\n  deno task portpin ${words}`);
  program.addCommand(command.copyInheritedSettings(program));
}

enterUserDirectory();
await runMain(program);
