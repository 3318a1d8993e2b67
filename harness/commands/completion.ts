// `portpin completion SHELL`: prints what makes a shell complete portpin's commands and options.

import { Argument, Command } from "commander";
import { bashCompletion } from "../completion/bash.ts";
import { modelOf } from "../completion/command_model.ts";
import { fishCompletion } from "../completion/fish.ts";
import { zshCompletion } from "../completion/zsh.ts";

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
type Shell = keyof typeof scripts;

export default new Command("completion")
  .description("Print the completion of commands and options for a shell")
  .addArgument(new Argument("<shell>", "whose completion").choices(Object.keys(scripts)))
  .addHelpText(
    "after",
    `
It completes the word portpin: a program of that name on PATH, or an alias such as
  alias portpin='deno task -q --config /PATH/TO/deno.json portpin'`,
  )
  .action((shell: Shell, _options: unknown, command: Command) => {
    const text = scripts[shell](modelOf(command.parent!));
    console.log(text.trimEnd());
  });
