// Completion for fish(1): a `complete` command for each command, option and argument.

import type { CommandModel, OptionModel } from "./command_model.ts";
import { quoteForFish } from "./quote.ts";
import type { Value } from "./values.ts";

/** The script for `program`; to be sourced, or put into a completions directory. */
export function fishCompletion(program: CommandModel): string {
  const { name, commands, options } = program;
  const complete = (condition: string, words: string[]) =>
    ["complete", "-c", name, "-n", quoteForFish(condition), ...words].join(" ");
  const lines = [
    `# fish completion for ${name}, made by: ${name} completion fish`,
    `complete -c ${name} -f`,
    ...options.map((option) => complete("__fish_use_subcommand", optionWords(option))),
    ...commands.map((command) =>
      complete("__fish_use_subcommand", [
        ...["-a", quoteForFish(command.name), "-d", quoteForFish(command.description)],
      ])
    ),
    ...commands.flatMap((command) => {
      const condition = `__fish_seen_subcommand_from ${command.name}`;
      return [
        ...command.options.map((option) => complete(condition, optionWords(option))),
        ...command.arguments.slice(0, 1).filter(({ value }) => value !== "text")
          .map(({ value }) => complete(condition, valueWords(value))),
      ];
    }),
  ];
  return `${lines.join("\n")}\n`;
}

function optionWords({ names, value, description }: OptionModel): string[] {
  return [
    ...names.flatMap((name) =>
      name.startsWith("--") ? ["-l", name.slice(2)] : ["-s", name.slice(1)]
    ),
    ...(value === undefined ? [] : ["-r", ...valueWords(value.value)]),
    ...["-d", quoteForFish(description)],
  ];
}

function valueWords(value: Value): string[] {
  if (value === "file") return ["-F"];
  if (value === "text") return ["-f"];
  if (value === "program") return ["-F", "-a", quoteForFish("(__fish_complete_command)")];
  return ["-f", "-a", quoteForFish(value.join(" "))];
}
