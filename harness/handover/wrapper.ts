// Undoes what `deno task` did on the way here, so that the user's command line means what it would
// mean if portpin were a program on PATH.
//
// `deno task` runs us as its child in the repository's directory, with a few variables changed and
// carriage returns dropped from arguments; its own directory, environment and command line are still
// the user's. Deno also raises the soft limit of open files to the hard one at its start. (Deno
// 2.9.6, observed; commands/run_test.ts observes it again.)

import { realpathSync } from "node:fs";
import { root } from "../../generator/build.ts";
import { readOr } from "../read_or.ts";

/** The variables that `deno task` may set for what it runs. */
const taskVariables = new Set([
  ...["INIT_CWD", "OLDPWD", "PWD", "npm_config_user_agent"],
  // A `node` of Deno's own, where there is none; and the commands of npm packages.
  ...["DENO_NODE_SHIM_ACTIVE", "PATH"],
]);

/**
 * Whether our parent is the `deno task` of this repository; said once, before anything changes
 * directory. (A task of the user's own that starts portpin means its own directory.)
 */
export const isTask = isDenoRunning(Deno.ppid, "task") && isHere(root);

/** Goes to the directory that the user is in. */
export function enterUserDirectory(): void {
  if (isTask) Deno.chdir(`/proc/${Deno.ppid}/cwd`);
}

/** The user's environment as the bytes of its `NAME=value` strings: they need not be UTF-8. */
export function userEnvironment(): Uint8Array[] {
  const own = nulTerminated("/proc/self/environ");
  if (!isTask) return own;
  const set = (entry: Uint8Array) => taskVariables.has(nameOf(entry));
  const before = nulTerminated(`/proc/${Deno.ppid}/environ`).filter(set);
  return [...own.filter((entry) => !set(entry)), ...before];
}

/**
 * The soft limit of open files before Deno raised it: that of the nearest ancestor that is not
 * Deno. Undefined when it cannot be known.
 */
export function userFileLimit(): bigint | undefined {
  let pid = Deno.ppid;
  while (isDeno(pid)) pid = parentOf(pid);
  const limits = readOr(undefined, () => Deno.readTextFileSync(`/proc/${pid}/limits`));
  const soft = limits && /^Max open files +(\d+)/m.exec(limits)?.[1];
  return soft ? BigInt(soft) : undefined;
}

/** The last `count` words of the user's command line, as bytes: they need not be UTF-8. */
export function lastWords(count: number): Uint8Array[] {
  const words = nulTerminated(`/proc/${isTask ? Deno.ppid : "self"}/cmdline`);
  return words.slice(words.length - count);
}

/** The name of a `NAME=value` string. */
export function nameOf(entry: Uint8Array): string {
  const equals = entry.indexOf("=".charCodeAt(0));
  return new TextDecoder().decode(equals < 0 ? entry : entry.subarray(0, equals));
}

function isDeno(pid: number): boolean {
  return readOr(undefined, () => Deno.readLinkSync(`/proc/${pid}/exe`)) ===
    realpathSync("/proc/self/exe");
}

/** Whether the process is Deno with this subcommand, which is its first word but for options. */
function isDenoRunning(pid: number, subcommand: string): boolean {
  if (!isDeno(pid)) return false;
  const words = nulTerminated(`/proc/${pid}/cmdline`).map((word) => new TextDecoder().decode(word));
  return words.slice(1).find((word) => !word.startsWith("-")) === subcommand;
}

function isHere(directory: string): boolean {
  return realpathSync(".") === realpathSync(directory);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
}

function nulTerminated(path: string): Uint8Array[] {
  const bytes = Deno.readFileSync(path);
  const parts: Uint8Array[] = [];
  for (let begin = 0; begin < bytes.length;) {
    const nul = bytes.indexOf(0, begin);
    const end = nul < 0 ? bytes.length : nul;
    parts.push(bytes.subarray(begin, end));
    begin = end + 1;
  }
  return parts;
}
