/** Reading of what may be gone, or none of ours: files, processes, and files of proc(5). */

/** A file's text; undefined where there is no such file. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

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
