/** What made a measurement: our own commit, and the versions of all that it rests on. */
import { z } from "zod";
import { root } from "../../generator/build.ts";
import { findZig } from "../../generator/zig.ts";

export const Versions = z.strictObject({
  /** In full; undefined outside a git checkout. */
  commit: z.string().regex(/^[0-9a-f]{40,64}$/).optional(),
  /** Whether files differed from that commit, or were new. */
  modified: z.boolean(),
  /** When it ended, ISO 8601 in UTC. */
  time: z.iso.datetime(),
  /** As `uname -r` and `uname -m` have it. */
  kernel: z.string(),
  architecture: z.string(),
  processors: z.int(),
  deno: z.string(),
  /** Undefined where there is none. */
  zig: z.string().optional(),
  /** The C library of this machine, such as `glibc 2.36`; undefined where it does not say. */
  libc: z.string().optional(),
});
export type Versions = z.infer<typeof Versions>;

/** What a commit is called in a git checkout. */
export type Commit = Pick<Versions, "commit" | "modified">;

export async function readVersions(): Promise<Versions> {
  return {
    ...await readCommit(),
    time: new Date().toISOString(),
    kernel: Deno.osRelease(),
    architecture: Deno.build.arch,
    processors: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
    zig: await zigVersion(),
    libc: await outputOf("getconf", ["GNU_LIBC_VERSION"]),
  };
}

/** The commit that is checked out here. */
export async function readCommit(): Promise<Commit> {
  // Whoever runs this runs the checkout's code anyway: git need not ask whose it is.
  const git = ["-c", "safe.directory=*", "-C", root];
  const commit = await outputOf("git", [...git, "rev-parse", "HEAD"]);
  if (commit === undefined) return { modified: false };
  const changes = await outputOf("git", [...git, "status", "--porcelain"]);
  return { commit, modified: changes !== "" };
}

async function zigVersion(): Promise<string | undefined> {
  const zig = await findZig(root).catch(() => undefined);
  return zig && await outputOf(zig.path, ["version"], zig.environment);
}

/** What a program prints, without the line's end; undefined where it cannot be run, or fails. */
async function outputOf(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  try {
    const command = new Deno.Command(program, { args: [...args], env, stderr: "null" });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}
