// Completion for zsh(1), by its _arguments and _describe; see zshcompsys(1).

import type { ArgumentModel, CommandModel, OptionModel } from "./command_model.ts";
import { quote } from "./quote.ts";
import type { Value } from "./values.ts";

/** The script for `program`; to be sourced, or a file `_PROGRAM` in a directory of $fpath. */
export function zshCompletion(program: CommandModel): string {
  const { name, commands, options } = program;
  const described = commands.map(({ name, description }) =>
    `                ${quote(`${escape(name)}:${escape(description)}`)}`
  );
  const cases = commands.map((command) => {
    const specs = [...command.options.map(optionSpec), ...command.arguments.map(argumentSpec)];
    const lines = specs.map((spec) => `                    ${quote(spec)}`).join(" \\\n");
    return `                ${command.name})\n                    _arguments ${
      command.passesThrough ? "-A '-*' " : ""
    }\\\n${lines} ;;`;
  });
  return `#compdef ${name}
# zsh completion for ${name}, made by: ${name} completion zsh

_${name}() {
    local curcontext=$curcontext state line
    local -a commands
    _arguments -C \\
${options.map((option) => `        ${quote(optionSpec(option))} \\`).join("\n")}
        '1:command:->command' '*::argument:->argument'
    case $state in
        command)
            commands=(
${described.join("\n")}
            )
            _describe -t commands command commands ;;
        argument)
            case $words[1] in
${cases.join("\n")}
            esac ;;
    esac
}

if [[ $funcstack[1] == _${name} ]]; then
    _${name} "$@"
else
    compdef _${name} ${name}
fi
`;
}

/** `--option=[what it does]:value:action`; see "_arguments" in zshcompsys(1). */
function optionSpec({ names, value, description }: OptionModel): string {
  // The long name alone: a short one is typed sooner than completed.
  const option = names.at(-1)!;
  const takes = value === undefined
    ? ""
    : `${value.optional ? "::" : ":"}${escape(value.name)}:${action(value.value)}`;
  return `${option}${value !== undefined && option.startsWith("--") ? "=" : ""}[${
    escape(description)
  }]${takes}`;
}

function argumentSpec(argument: ArgumentModel): string {
  const { name, optional, variadic, value } = argument;
  const place = variadic ? "*" : optional ? ":" : "";
  return `${place}:${escape(name)}:${action(value)}`;
}

function action(value: Value): string {
  if (value === "file") return "_files";
  if (value === "program") return "_command_names -e";
  return value === "text" ? " " : `(${value.join(" ")})`;
}

/** A colon and brackets end the parts of a specification. */
function escape(text: string): string {
  return text.replaceAll(/[\\:[\]]/g, "\\$&");
}
