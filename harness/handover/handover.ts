// Hands this process over to the guest: portpin becomes the guest by execve(2).
//
// The other way would be to stay as a parent that forwards. Measured with Deno 2.9.6: a child of
// Deno.Command got a raised RLIMIT_NOFILE, two ignored signals and an argv[0] that is not what the
// user wrote, and Deno can neither see who sent a signal (so Ctrl-C, which the terminal sends to the
// whole process group, arrives twice) nor report a stop to the shell. After execve standard streams,
// descriptors, signals, job control, pid and exit status are the guest's own because there is nobody
// in between. Compared with a program started by the shell itself, what Deno leaves behind is an
// ignored SIGPIPE (Rust's start-up) and the raised soft limit of open files; both are set back here.
// (If SIGPIPE was ignored when portpin started, nobody can know: it becomes the default, as for any
// child of most launchers. A standard stream that was closed is /dev/null: Rust's start-up too.)
//
// `deno task` does stay in between: relay.ts deals with that.

import { defaultSignal, errnos, execve, lowerFileLimit, SystemError } from "../libc.ts";
import { refusal, refusalStatus } from "../preflight/refusal.ts";
import { provideRelay } from "./relay.ts";
import { isTask, userFileLimit } from "./wrapper.ts";

export interface Guest {
  /** As the user named it, for messages. */
  readonly program: string;
  /** The file to execute. */
  readonly path: string;
  /** The program's name and its arguments, as bytes: they need not be UTF-8. */
  readonly words: Uint8Array[];
  /** `NAME=value` strings, as bytes. */
  readonly environment: Uint8Array[];
}

/**
 * Becomes the guest, or under `deno task` the relay that runs it; never returns.
 *
 * @throws {Failure} when the kernel will not execute it, or the relay cannot be built.
 */
export async function handOver(guest: Guest): Promise<never> {
  return become(isTask ? await underRelay(guest) : guest);
}

async function underRelay(guest: Guest): Promise<Guest> {
  const before = ["portpin", guest.path].map((word) => new TextEncoder().encode(word));
  return { ...guest, path: await provideRelay(), words: [...before, ...guest.words] };
}

function become({ program, path, words, environment }: Guest): never {
  const limit = userFileLimit();
  if (limit !== undefined) lowerFileLimit(limit);
  defaultSignal("SIGPIPE");
  try {
    execve(path, words, environment);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const absent = error.errno === errnos.ENOENT;
    throw refusal(
      program,
      error.reason,
      absent ? refusalStatus.notFound : refusalStatus.unusable,
    );
  }
}
