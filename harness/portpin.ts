// The command line: `deno task portpin COMMAND`.
//
// Each command is a file in commands/. Usage errors are one message and status 2; what a command
// cannot do is its Failure (generator/failure.ts); anything else that is thrown is a bug and keeps
// its stack trace.

import { Command, CommanderError } from "commander";
import configuration from "../deno.json" with { type: "json" };
import { exitStatus } from "../generator/failure.ts";
import build from "./commands/build.ts";
import check from "./commands/check.ts";
import completion from "./commands/completion.ts";
import doctor from "./commands/doctor.ts";
import explain from "./commands/explain.ts";
import generate from "./commands/generate.ts";
import man from "./commands/man.ts";
import run from "./commands/run.ts";
import { enterUserDirectory } from "./handover/wrapper.ts";

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

/** As a reader that went away (`portpin --help | head -1`) expects: no message, no failure. */
function quietOnBrokenPipe(event: ErrorEvent | PromiseRejectionEvent): void {
  const error = "error" in event ? event.error : event.reason;
  if (!(error instanceof Deno.errors.BrokenPipe)) return;
  event.preventDefault();
  Deno.exit(0);
}

globalThis.addEventListener("error", quietOnBrokenPipe);
globalThis.addEventListener("unhandledrejection", quietOnBrokenPipe);
enterUserDirectory();
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  Deno.exit(error.exitCode === 0 ? 0 : exitStatus.usage);
}
