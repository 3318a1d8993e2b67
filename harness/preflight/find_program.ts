// Finds a program as execvp(3) does: on PATH, unless its name has a slash.

import { errnos, errnoText, executableErrno } from "../libc.ts";
import { refusal, refusalStatus } from "./refusal.ts";

/** What execvp of glibc and musl uses when PATH is not set. */
const defaultPath = "/bin:/usr/bin";

/**
 * The path to execute for `program`: relative when the name or the element of PATH is.
 *
 * @throws {Failure} with status 127 when there is none, 126 when there is but not to be executed.
 */
export function findProgram(program: string, searchPath: string | undefined): string {
  const found = locateProgram(program, searchPath);
  if (typeof found === "string") return found;
  throw refusal(program, found.reason, found.status);
}

/** As {@linkcode findProgram}, with the problem as a value. */
export function locateProgram(program: string, searchPath: string | undefined): string | Problem {
  if (program === "") return { reason: "its name is empty", status: refusalStatus.notFound };
  if (program.includes("/")) return problemOf(program) ?? program;
  let unusable: Problem | undefined;
  for (const directory of (searchPath ?? defaultPath).split(":")) {
    const path = directory === "" ? program : `${directory}/${program}`;
    const problem = problemOf(path);
    if (problem === undefined) return path;
    if (problem.status === refusalStatus.unusable) {
      unusable ??= { ...problem, reason: `${path}: ${problem.reason}` };
    }
  }
  return unusable ?? { reason: "no such program on PATH", status: refusalStatus.notFound };
}

/** Why a program cannot be executed, and the exit status that says so. */
export interface Problem {
  readonly reason: string;
  readonly status: number;
}

/** Why `path` cannot be executed; undefined when it can. */
function problemOf(path: string): Problem | undefined {
  const errno = executableErrno(path);
  if (errno !== undefined) {
    const absent = errno !== errnos.EACCES;
    return {
      reason: explained(path, errno),
      status: absent ? refusalStatus.notFound : refusalStatus.unusable,
    };
  }
  const { isFile, isDirectory } = Deno.statSync(path);
  if (isFile) return undefined;
  const reason = isDirectory ? "it is a directory" : "it is not a regular file";
  return { reason, status: refusalStatus.unusable };
}

function explained(path: string, errno: number): string {
  if (errno === errnos.ENOENT) return "no such file";
  if (errno !== errnos.EACCES) return errnoText(errno);
  try {
    const { isFile, mode } = Deno.statSync(path);
    if (!isFile || mode === null) return errnoText(errno);
    return (mode & 0o111) === 0
      ? "it is not executable"
      : "it is not executable by this user, or its file system is mounted noexec";
  } catch {
    return errnoText(errno);
  }
}
