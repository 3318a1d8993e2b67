// Programs of every kind that preflight tells apart, compiled where they are needed.
//
// All are made without a C library, which takes Zig milliseconds; the ones with a loader get it by
// linking an empty library of their own.

import { join } from "node:path";
import { root } from "../../generator/build.ts";
import { findZig } from "../../generator/zig.ts";

/** A temporary directory; `using` removes it. */
export class TemporaryDirectory implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "portpin-test-" });

  constructor() {
    Deno.chmodSync(this.path, 0o755);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes an executable file. */
  executable(name: string, content: string | Uint8Array): string {
    const path = this.file(name);
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
    Deno.chmodSync(path, 0o755);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

async function zig(...args: string[]): Promise<void> {
  const { path, environment } = await findZig(root);
  const { success, stderr } = await new Deno.Command(path, { args, env: environment }).output();
  if (!success) throw new Error(`zig ${args.join(" ")}:\n${new TextDecoder().decode(stderr)}`);
}

/** A statically linked program; its exit status is what the Zig expression gives. */
export async function staticProgram(
  directory: TemporaryDirectory,
  { name, status = "0", pie = false }: { name: string; status?: string; pie?: boolean },
): Promise<string> {
  const [source, out] = [directory.file(`${name}.zig`), directory.file(name)];
  Deno.writeTextFileSync(
    source,
    `const std = @import("std");\npub fn main() u8 {\n    return ${status};\n}\n`,
  );
  await zig("build-exe", "-OReleaseSmall", pie ? "-fPIE" : "-fno-PIE", `-femit-bin=${out}`, source);
  return out;
}

/** A program for `target` that names its usual loader. `declarations` are C. It is never run. */
export async function dynamicProgram(
  directory: TemporaryDirectory,
  target: string,
  declarations = "",
): Promise<string> {
  const [source, library] = [directory.file(`${target}.c`), directory.file(`lib-${target}.so`)];
  const out = directory.file(target);
  Deno.writeTextFileSync(source, `${declarations}\nvoid _start(void) { for (;;); }\n`);
  const common = ["cc", "-target", target, "-nostdlib", "-fPIC", source];
  await zig(...common, "-shared", "-o", library);
  await zig(...common, "-pie", library, `-Wl,-rpath,${directory.path}`, "-o", out);
  return out;
}

/**
 * The file with one more note segment, in place of its GNU stack segment. There is no Go compiler
 * here; this is the note that cmd/link writes, as it lies in Go programs (owner `Go`, type 4).
 */
export function withGoNote(elf: Uint8Array): Uint8Array {
  const note = new Uint8Array(12 + 4 + 8);
  const noteView = new DataView(note.buffer);
  [4, 8, 4].forEach((word, index) => noteView.setUint32(index * 4, word, true));
  note.set(new TextEncoder().encode("Go\0\0build-id"), 12);

  const result = new Uint8Array(elf.length + note.length);
  result.set(elf);
  result.set(note, elf.length);
  const view = new DataView(result.buffer);
  const [headers, count] = [Number(view.getBigUint64(32, true)), view.getUint16(56, true)];
  const gnuStack = 0x6474e551;
  for (let at = headers; at < headers + count * 56; at += 56) {
    if (view.getUint32(at, true) !== gnuStack) continue;
    view.setUint32(at, 4, true);
    view.setBigUint64(at + 8, BigInt(elf.length), true);
    view.setBigUint64(at + 32, BigInt(note.length), true);
    return result;
  }
  throw new Error("Cannot add a note: the file has no PT_GNU_STACK");
}

/**
 * Whether this is root of all users, not of a user namespace with a single one. What only root can set
 * up has no tests otherwise; `.ci/run` runs them as root and as an ordinary user.
 */
export const ownsEveryUser = Deno.uid() === 0 &&
  /^\s*0\s+0\s+4294967295$/m.test(Deno.readTextFileSync("/proc/self/uid_map"));

/** A program that the kernel will not execute (ETXTBSY) as long as this is open for writing. */
export class BusyProgram implements Disposable {
  readonly #writer: Deno.FsFile;

  constructor(readonly path: string) {
    Deno.copyFileSync("/usr/bin/true", path);
    Deno.chmodSync(path, 0o755);
    this.#writer = Deno.openSync(path, { write: true });
  }

  [Symbol.dispose](): void {
    this.#writer.close();
  }
}
