// Completion for bash(1), version 4.4 or newer: one function, a case for each command and option.

import type { CommandModel, OptionModel } from "./command_model.ts";
import { quote } from "./quote.ts";
import type { Value } from "./values.ts";

/** The script for `program`; to be sourced, or put where bash-completion looks for it. */
export function bashCompletion(program: CommandModel): string {
  const all = [program, ...program.commands];
  const name = (command: CommandModel) => command === program ? "" : command.name;
  const valued = all.flatMap((command) =>
    command.options.filter(({ value }) => value !== undefined).map((option) => ({
      pattern: option.names.map((each) => quote(`${name(command)} ${each}`)).join(" | "),
      option,
    }))
  );
  return `# bash completion for ${program.name}, made by: ${program.name} completion bash

_${program.name}() {
    local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]}
    local command='' ended='' position=0 index each
    # bash takes --option=value for three words.
    [[ $word == = ]] && word=''
    [[ $previous == = ]] && previous=\${COMP_WORDS[COMP_CWORD - 2]}
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        each=\${COMP_WORDS[index]}
        if [[ $ended ]]; then
            ((position++))
            continue
        fi
        case "$command $each" in
            *' --') ended=1 ;;
${
    valued.length === 0 ? "" : `            ${valued.map(({ pattern }) => pattern).join(" | ")})
                ((index++))
                [[ \${COMP_WORDS[index]} == = ]] && ((index++)) ;;
`
  }            *' '-*) ;;
            ' '*) command=$each ;;
            *)
                ((position++))
                case $command in
                    ${passing(program)}) ended=1 ;;
                esac ;;
        esac
    done

    if [[ ! $ended ]]; then
        case "$command $previous" in
${
    valued.map(({ pattern, option }) =>
      `            ${pattern})\n${reply(option.value!.value, 16)}\n                return ;;`
    ).join("\n")
  }
        esac
        if [[ $word == -* ]]; then
            case $command in
${
    all.map((command) =>
      `                ${quote(name(command))})\n${reply(optionWords(command.options), 20)} ;;`
    ).join("\n")
  }
            esac
            return
        fi
    fi
    case "$command $position" in
        ' 0')
${reply(program.commands.map((command) => command.name), 12)} ;;
${program.commands.flatMap(positions).join("\n")}
    esac
}

complete -F _${program.name} ${program.name}
`;
}

/** The commands whose options end at their first argument. */
function passing({ commands }: CommandModel): string {
  const names = commands.filter(({ passesThrough }) => passesThrough).map(({ name }) => name);
  return names.length === 0 ? "''" : names.map(quote).join(" | ");
}

function optionWords(options: readonly OptionModel[]): string[] {
  return options.flatMap(({ names }) => names);
}

/** A case for each argument of `command`; a variadic one is for all that follow, too. */
function positions(command: CommandModel): string[] {
  return command.arguments.map(({ value, variadic }, index) => {
    const pattern = `${quote(`${command.name} `)}${variadic ? "*" : index}`;
    return `        ${pattern})\n${reply(value, 12)} ;;`;
  });
}

/** The command that sets COMPREPLY. */
function reply(value: Value, indent: number): string {
  const generate = (what: string) =>
    `${" ".repeat(indent)}mapfile -t COMPREPLY < <(compgen ${what} -- "$word")`;
  if (value === "text") return `${" ".repeat(indent)}:`;
  if (value === "program") return `${files(indent)}\n${generate("-c")}`;
  if (value === "file") return `${files(indent)}\n${generate("-f")}`;
  return generate(`-W ${quote(value.join(" "))}`);
}

/** Makes readline quote names and add slashes; it cannot be called outside of a completion. */
function files(indent: number): string {
  return `${" ".repeat(indent)}compopt -o filenames 2> /dev/null`;
}
