// Builds a policy into a library: policy.zon → `zig build` → one file, put in place atomically.
//
// The same policy gives the same bytes, wherever the repository lies and wherever it is built
// from: the target is always named (so the builder's own processor does not matter), the library
// holds no path, and everything intermediate lies under `.zig-cache`, named by content.

import { join, resolve } from "node:path";
import { exitStatus, Failure, unwritable } from "./failure.ts";
import { generalPolicy, type Policy } from "./policy.ts";
import { renderZon } from "./render_zon.ts";
import { findZig } from "./zig.ts";

/** The targets that build.zig knows, as `ARCHITECTURE-OS`. */
export const targets = [
  "x86_64-linux",
  "x86-linux",
  "aarch64-linux",
  "arm-linux",
  "riscv64-linux",
  "powerpc64le-linux",
  "s390x-linux",
] as const;

export type Target = typeof targets[number];

/** The repository's root, which holds build.zig. */
export const root = resolve(import.meta.dirname!, "..");

/** Where the general library is built to. */
export const defaultOut = join(root, "dist", "libportpin.so");

export interface BuildOptions {
  /** Default: the general policy, configured by environment alone. */
  policy?: Policy;
  /** The library's file, relative to the current directory. Default: {@linkcode defaultOut}. */
  out?: string;
  /** One of {@linkcode targets}. Default: the architecture of this process. */
  target?: string;
}

/**
 * Builds the library and gives its absolute path.
 *
 * Zig's cache makes it quick when nothing changed. Safe to run several times at once.
 *
 * @throws {Failure} for an unknown target, without Zig 0.16, when the compiler fails (with its own
 * words), and when `out` cannot be written.
 */
export async function build(options: BuildOptions = {}): Promise<string> {
  const { policy = generalPolicy } = options;
  const out = resolve(options.out ?? defaultOut);
  const target = parseTarget(options.target ?? `${Deno.build.arch}-linux`);

  const zon = renderZon(policy);
  const directory = join(root, ".zig-cache", "portpin", await digest(zon));
  const zonFile = join(directory, "policy.zon");
  const prefix = join(directory, target);
  try {
    await Deno.mkdir(directory, { recursive: true });
    await putInPlace(zonFile, (file) => Deno.writeTextFile(file, zon));
  } catch (error) {
    throw unwritable(zonFile, error);
  }

  await runZigBuild("the library", [
    `-Dpolicy=${zonFile}`,
    `-Dtarget=${target}`,
    "--prefix",
    prefix,
  ]);

  try {
    await Deno.mkdir(resolve(out, ".."), { recursive: true });
    await putInPlace(out, (file) => Deno.copyFile(join(prefix, "lib", "libportpin.so"), file));
  } catch (error) {
    throw unwritable(out, error);
  }
  return out;
}

/** @throws {Failure} naming the supported targets. */
export function parseTarget(text: string): Target {
  const target = targets.find((known) => known === text);
  if (target !== undefined) return target;
  throw new Failure(
    `portpin: Cannot build for ${text}: expected one of ${targets.join(", ")}`,
    exitStatus.usage,
  );
}

/**
 * Runs `zig build` with `args`, which make `what`.
 *
 * @throws {Failure} without Zig 0.16, and when the compiler fails (with its own words).
 */
export async function runZigBuild(what: string, args: readonly string[]): Promise<void> {
  const zig = await findZig(root);
  const { success, stdout, stderr } = await new Deno.Command(zig.path, {
    args: ["build", "--error-style", "minimal", "--summary", "none", ...args],
    cwd: root,
    env: zig.environment,
  }).output();
  if (success) return;
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("").trimEnd();
  throw new Failure(
    `portpin: Cannot build ${what}: zig build failed\n${said}`,
    exitStatus.failed,
  );
}

/** Writes beside `file`, then renames: nobody ever sees half a file, or has one mapped replaced. */
async function putInPlace(file: string, write: (file: string) => Promise<void>): Promise<void> {
  const beside = `${file}.${crypto.randomUUID()}`;
  try {
    await write(beside);
    await Deno.rename(beside, file);
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw error;
  }
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).toHex().slice(0, 16);
}
