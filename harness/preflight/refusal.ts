// What is said when a program cannot be run under portpin, with a shell's exit statuses.

import { Failure } from "../../generator/failure.ts";

/** As the POSIX shell and env(1) report a command that they could not start. */
export const refusalStatus = {
  /** It was found, but cannot be run (here: or cannot be preloaded). */
  unusable: 126,
  /** It was not found. */
  notFound: 127,
} as const;

/** Why `program` (as the user wrote it) cannot be run. */
export function refusal(
  program: string,
  reason: string,
  status: number = refusalStatus.unusable,
): Failure {
  return new Failure(`portpin: Cannot run ${shown(program)}: ${reason}`, status);
}

/** A name for a message of one line: as it is, or quoted when that would be hard to read. */
export function shown(name: string): string {
  // deno-lint-ignore no-control-regex
  return name === "" || /[\x00-\x20\x7f]/.test(name) ? JSON.stringify(name) : name;
}
