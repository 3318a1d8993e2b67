/** What every command line of ours does with what commander throws, and where nothing can be written. */
import { type Command, CommanderError } from "commander";
import { exitStatus, systemReason } from "../generator/failure.ts";

/**
 * Runs `program` with our arguments; it must override exits. Usage errors end with status 2, which
 * commander has said why. What a command cannot do is its Failure (generator/failure.ts); anything else
 * that is thrown is a bug and keeps its stack trace, but for standard output that cannot be written.
 */
export async function runMain(program: Command): Promise<void> {
  globalThis.addEventListener("error", (event) => endForOutput(event, event.error));
  globalThis.addEventListener("unhandledrejection", (event) => endForOutput(event, event.reason));
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    Deno.exit(error.exitCode === 0 ? 0 : exitStatus.usage);
  }
}

/**
 * As a reader that went away (`portpin --help | head -1`) expects: no message, no failure. Of a full disk
 * there is one line.
 */
function endForOutput(event: Event, error: unknown): void {
  if (error instanceof Deno.errors.BrokenPipe) {
    event.preventDefault();
    Deno.exit(0);
  }
  if (!isOfStream(error)) return;
  event.preventDefault();
  console.error(`portpin: Cannot write to standard output: ${systemReason(error)}`);
  Deno.exit(exitStatus.failed);
}

/** Whether a disk could not take it, and Deno names no file, as it does of all others. */
function isOfStream(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const codes = ["ENOSPC", "EDQUOT", "EFBIG", "EIO"];
  return codes.includes((error as NodeJS.ErrnoException).code ?? "") &&
    /\(os error \d+\)$/.test(error.message);
}
