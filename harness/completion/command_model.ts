// A command as its definition has it, for whoever describes it to a shell or in a manual page.
//
// All of it is asked of commander's own objects, so that nothing is written down twice: a new command
// or option is completed and documented as soon as it is defined.

import type { Command } from "commander";
import { type Value, valueOf } from "./values.ts";

export interface OptionModel {
  /** As typed: `-V`, `--ports`; one of them at least. */
  readonly names: readonly string[];
  /** What the option takes; undefined: nothing. */
  readonly value: ValueModel | undefined;
  readonly description: string;
}

export interface ValueModel {
  /** The placeholder: `set`. */
  readonly name: string;
  readonly optional: boolean;
  readonly value: Value;
  /** The only words that will do; empty: others will, too. */
  readonly choices: readonly string[];
}

export interface ArgumentModel extends ValueModel {
  readonly variadic: boolean;
  readonly description: string;
}

export interface CommandModel {
  readonly name: string;
  readonly description: string;
  /** What follows its name: `[options] [policy]`. */
  readonly usage: string;
  readonly options: readonly OptionModel[];
  readonly arguments: readonly ArgumentModel[];
  /** Whether everything from the first argument on is another program's. */
  readonly passesThrough: boolean;
  /** What its help says after the options. */
  readonly after: string;
  readonly commands: readonly CommandModel[];
}

/**
 * The model of `command` and all below it that its help shows. `siblings` are the names of the
 * commands beside it, for commander's own help command.
 */
export function modelOf(command: Command, siblings: readonly string[] = []): CommandModel {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const names = commands.map((each) => each.name());
  return {
    name: command.name(),
    description: command.description(),
    usage: command.usage(),
    options: help.visibleOptions(command).map((option) => {
      const name = /[<[]([^>\].]+)/.exec(option.flags)?.[1];
      return {
        names: [option.short, option.long].filter((name) => name !== undefined),
        value: name === undefined ? undefined : {
          name,
          optional: option.optional,
          value: option.argChoices ?? valueOf(name),
          choices: option.argChoices ?? [],
        },
        description: option.description,
      };
    }),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      optional: !argument.required,
      variadic: argument.variadic,
      value: argument.argChoices ??
        (argument.name() === "command" ? siblings : valueOf(argument.name())),
      choices: argument.argChoices ?? [],
      description: argument.description,
    })),
    passesThrough: passesThrough(command),
    after: textAfterHelp(command),
    commands: commands.map((each) => modelOf(each, names)),
  };
}

/** Commander keeps what passThroughOptions() set to itself. */
function passesThrough(command: Command): boolean {
  return (command as unknown as { _passThroughOptions?: boolean })._passThroughOptions === true;
}

/** What addHelpText("after") added, which only the whole help has. */
function textAfterHelp(command: Command): string {
  const output = command.configureOutput();
  let text = "";
  command.configureOutput({ ...output, writeOut: (part) => text += part });
  command.outputHelp();
  command.configureOutput(output);
  return text.slice(command.helpInformation().length).trim();
}
