// Provides relay.zig as a program: what stands between `deno task` and the guest.
//
// Observed with Deno 2.9.6: `deno task` sends on to its child every signal that it gets, those of
// the terminal included, so one Ctrl-C arrives twice; and it does not stop at Ctrl-Z, while its
// child does. Neither can be mended from inside the guest, and Deno cannot tell who sent a signal.
//
// What cannot be mended at all: `deno task` catches signals that were ignored, so they are no longer
// when its child starts. `nohup deno task portpin run …` does not keep SIGHUP from the guest;
// `deno task portpin run … -- nohup …` does.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { root } from "../../generator/build.ts";
import { exitStatus, Failure } from "../../generator/failure.ts";
import { findZig } from "../../generator/zig.ts";
import { ScratchFolder } from "../scratch.ts";

const source = join(import.meta.dirname!, "relay.zig");

/**
 * The absolute path of the relay, compiled when it is not there yet.
 *
 * @throws {Failure} without Zig, and when the compiler fails (with its own words).
 */
export async function provideRelay(): Promise<string> {
  const key = createHash("sha256").update(Deno.readFileSync(source)).digest("hex").slice(0, 16);
  const relay = join(root, ".zig-cache", "portpin", `relay-${key}`);
  try {
    if (Deno.statSync(relay).isFile) return relay;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await compile(relay);
  return relay;
}

async function compile(relay: string): Promise<void> {
  const zig = await findZig(root);
  using directory = new ScratchFolder("relay");
  const beside = join(directory.path, "relay");
  const { success, stderr } = await new Deno.Command(zig.path, {
    args: [
      "build-exe",
      // A stack size below every limit: Zig raises the limit to it, and the guest inherits that.
      ...["-OReleaseSmall", "-fstrip", "-fsingle-threaded", "--stack", "65536"],
      ...["-target", `${Deno.build.arch}-linux`, `-femit-bin=${beside}`, source],
    ],
    cwd: directory.path,
    env: zig.environment,
  }).output();
  if (!success) {
    const said = new TextDecoder().decode(stderr).trimEnd();
    throw new Failure(`portpin: Cannot build the relay:\n${said}`, exitStatus.failed);
  }
  // Copied beside its place first: nobody must ever execute half a file.
  Deno.mkdirSync(join(relay, ".."), { recursive: true });
  const whole = `${relay}.${crypto.randomUUID()}`;
  Deno.copyFileSync(beside, whole);
  Deno.renameSync(whole, relay);
}
