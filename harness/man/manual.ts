// portpin(1), made from the commands' definitions, the variables' and the exit statuses'.

import { exitStatus } from "../../generator/failure.ts";
import { variableMeanings } from "../../generator/settings.ts";
import type { CommandModel, OptionModel, ValueModel } from "../completion/command_model.ts";
import { argument, escape, literal, paragraphs, terms } from "./roff.ts";

/** The page in mdoc(7), for `program` of that version, as of `date`. */
export function manual(program: CommandModel, version: string, date: Date): string {
  const { name, description, options, commands } = program;
  const lines = [
    `.\\" Made by: ${name} man`,
    `.Dd ${formatDate(date)}`,
    `.Dt ${name.toUpperCase()} 1`,
    `.Os ${name} ${version}`,
    ".Sh NAME",
    `.Nm ${name}`,
    `.Nd ${escape(lowerFirst(description))}`,
    ".Sh SYNOPSIS",
    ...commands.flatMap((command) => [".Nm", ...synopsis(command)]),
    ".Sh DESCRIPTION",
    ".Nm",
    "is a preload library, and the commands around it, that make a program which nobody can change",
    "use the source ports that its operator chose.",
    ".Sh OPTIONS",
    ...describeOptions(options),
    ".Sh COMMANDS",
    ...commands.flatMap(describeCommand),
    ".Sh ENVIRONMENT",
    "A process that has",
    ".Dv AT_SECURE",
    "set ignores them all.",
    ...terms(
      Object.entries(variableMeanings).map(([key, { value, meaning }]) => ({
        term: `Ev ${argument(`PORTPIN_${key.toUpperCase()}=${value}`)}`,
        lines: paragraphs(meaning),
      })),
    ),
    ".Sh EXIT STATUS",
    ...terms(
      [{ status: 0, meaning: "Success." }, ...statuses()].map(({ status, meaning }) => ({
        term: argument(String(status)),
        lines: [escape(meaning)],
      })),
    ),
    ".Sh EXAMPLES",
    ...literal(commands.flatMap(examplesOf)),
    ".Sh SEE ALSO",
    seeAlso.map(([page, section]) => `.Xr ${page} ${section}`).join(" ,\n"),
  ];
  return `${lines.join("\n")}\n`;
}

/** By section, then by name. */
const seeAlso = [["ip", 7], ["sock_diag", 7], ["tcp", 7], ["udp", 7], ["ld.so", 8]] as const;

/** What the exit statuses of failure.ts mean; a program that was run gives its own. */
const statusMeanings: Readonly<Record<keyof typeof exitStatus, string>> = {
  failed: "What was asked for did not work, or does not hold.",
  usage: "The command line is wrong.",
  configuration: "A policy, an option's value or a variable cannot be used.",
};

function statuses(): { status: number; meaning: string }[] {
  const keys = Object.keys(exitStatus) as (keyof typeof exitStatus)[];
  return keys.map((key) => ({ status: exitStatus[key], meaning: statusMeanings[key] }));
}

function describeCommand(command: CommandModel): string[] {
  return [
    `.Ss ${argument(command.name)}`,
    ".Nm",
    ...synopsis(command),
    ".Pp",
    ...paragraphs(sentence(command.description)),
    ...terms(
      command.arguments.map((each) => ({
        term: `Ar ${argument(each.name)}`,
        lines: paragraphs(sentence(each.description) + choicesOf(each)),
      })),
    ),
    ...describeOptions(command.options.filter(({ names }) => !names.includes("--help"))),
    ...notesOf(command),
  ];
}

/** `.Cm build`, and what may follow it. */
function synopsis({ name, usage }: CommandModel): string[] {
  return [`.Cm ${argument(name)}`, escape(usage)];
}

function describeOptions(options: readonly OptionModel[]): string[] {
  return terms(options.map(({ names, value, description }) => ({
    term: names.map((name) => `Fl ${argument(name.slice(1))}`).join(" , ") +
      (value === undefined ? "" : ` Ar ${argument(value.name)}`),
    lines: paragraphs(sentence(description) + (value === undefined ? "" : choicesOf(value))),
  })));
}

function choicesOf({ choices }: ValueModel): string {
  return choices.length === 0 ? "" : ` One of ${choices.join(", ")}.`;
}

const exampleHeading = "Example:\n";

/** What a command's help says after its options, but for the example; indented lines as they are. */
function notesOf({ after }: CommandModel): string[] {
  const text = after.split(exampleHeading)[0].trim();
  if (text === "") return [];
  const lines = text.split("\n");
  const isLiteral = (line: string) => line.startsWith("  ");
  const plain = lines.filter((line) => !isLiteral(line)).join("\n");
  const shown = lines.filter(isLiteral).map((line) => line.trim());
  return [".Pp", ...paragraphs(plain), ...(shown.length === 0 ? [] : literal(shown))];
}

/** The command lines under `Example:` of a command's help. */
function examplesOf({ after }: CommandModel): string[] {
  const [, text = ""] = after.split(exampleHeading);
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

function sentence(text: string): string {
  if (text === "") return "";
  const first = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

/** `November 22, 2026`, in UTC: what mdoc(7) has after .Dd. */
function formatDate(date: Date): string {
  return date.toLocaleDateString("en-US", { dateStyle: "long", timeZone: "UTC" });
}
