/** Reading of what may be gone, or none of ours: processes, and files of proc(5). */

/** What `read` gives; `otherwise` where there is no such file or process (any more), or it is not for us. */
export function readOr<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const expected = ["ENOENT", "ESRCH", "EACCES", "EPERM", "ENOTDIR", "EINVAL"];
    if (expected.includes((error as NodeJS.ErrnoException).code ?? "")) return otherwise;
    throw error;
  }
}
