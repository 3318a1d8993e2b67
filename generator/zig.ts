// Finds the compiler: a Zig 0.16 on PATH, else the one that npm brought.

import { join } from "node:path";
import { exitStatus, Failure } from "./failure.ts";

/** The series whose language and build system the shim is written for. */
const series = "0.16";

export interface Zig {
  readonly path: string;
  /** What to add to the environment when running it. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The compiler to use for the repository at `root`.
 *
 * The npm packages keep the binary and its library apart, so that binary must be told where its
 * library is. `deno task` itself creates node_modules (`nodeModulesDir: auto`).
 *
 * @throws {Failure} when there is neither.
 */
export async function findZig(root: string): Promise<Zig> {
  const onPath: Zig = { path: "zig", environment: {} };
  const onPathVersion = await versionOf(onPath);
  if (onPathVersion?.startsWith(`${series}.`)) return onPath;

  const packages = join(root, "node_modules", "@zigc");
  const fromNpm: Zig = {
    path: join(packages, "linux-x64", "bin", "zig"),
    environment: { ZIG_LIB_DIR: join(packages, "lib") },
  };
  if (await versionOf(fromNpm) !== undefined) return fromNpm;

  const found = onPathVersion === undefined ? "no zig that runs" : `zig ${onPathVersion}`;
  throw new Failure(
    `portpin: Cannot build without Zig ${series}: ${found} is on PATH, and none that runs is ` +
      `in ${packages} (\`deno install\` puts one there on x86_64)`,
    exitStatus.failed,
  );
}

/**
 * The compiler's version; undefined when it cannot be run or, as the npm binary that `deno task`
 * puts on PATH, does not find its own library. (`zig version` would not look for it.)
 */
async function versionOf(zig: Zig): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(zig.path, {
      args: ["env"],
      env: zig.environment,
      stderr: "null",
    }).output();
    if (!success) return undefined;
    return /^\s*\.version = "(.+)",$/m.exec(new TextDecoder().decode(stdout))?.[1];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}
