// What went wrong, said to the user: the lines to print and the exit status, never a stack trace.

/** The exit statuses of portpin itself; a guest that ran gives its own. */
export const exitStatus = {
  /** Something portpin needed did not work: the compiler, a file to write. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** A policy, flag value or environment value cannot be used (EX_CONFIG of sysexits.h). */
  configuration: 78,
} as const;

/** A failure that is shown as its message alone. `message` holds one or more whole lines. */
export class Failure extends Error {
  override readonly name = "Failure";

  constructor(message: string, readonly status: number, options?: ErrorOptions) {
    super(message, options);
  }
}

/** What the operating system said, without the number, the call and the file that Deno adds to it. */
export function systemReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ \(os error \d+\).*$/s, "").replace(/^Failed to spawn '.*': /s, "");
}

/** What is thrown where a file cannot be written. */
export function unwritable(file: string, error: unknown): Failure {
  const message = `portpin: Cannot write ${file}: ${systemReason(error)}`;
  return new Failure(message, exitStatus.failed, { cause: error });
}

/**
 * Wraps a command's action so that a {@linkcode Failure} is printed to standard error and ends the
 * process with its status. Any other error is a bug and keeps its stack trace.
 */
export function reportingFailure<A extends unknown[]>(
  action: (...args: A) => void | Promise<void>,
): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      await action(...args);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      try {
        console.error(error.message);
      } finally {
        // Also where nobody takes the message.
        Deno.exit(error.status);
      }
    }
  };
}
