/** The builds of our test guest, and how each is launched with a preload library. */
import { join } from "node:path";
import type { Target } from "../generator/build.ts";
import type { Guest } from "./case.ts";
import { dist } from "./library.ts";

/** One build of the guest. */
export interface GuestBuild {
  readonly path: string;
  /** What its library must be built for; undefined: this machine. */
  readonly target?: Target;
  /** The program of qemu-user that runs it, and the folder that has its dynamic linker. */
  readonly emulator?: { readonly program: string; readonly sysroot: string };
  /** The file without which it cannot be started: its dynamic linker. */
  readonly needs: string;
}

/** All of them. `zig build programs` makes the files. */
export const guests: Readonly<Record<Guest, GuestBuild>> = {
  glibc: { path: pathOf("glibc"), needs: "/lib64/ld-linux-x86-64.so.2" },
  musl: { path: pathOf("musl"), needs: "/lib/ld-musl-x86_64.so.1" },
  nolibc: { path: pathOf("nolibc"), needs: "/lib64/ld-linux-x86-64.so.2" },
  x86: { path: pathOf("x86"), target: "x86-linux", needs: "/lib/ld-linux.so.2" },
  aarch64: emulated("aarch64", "ld-linux-aarch64.so.1"),
  s390x: emulated("s390x", "ld64.so.1"),
};

function pathOf(name: Guest): string {
  return join(dist, "programs", name, "guest");
}

/** A guest for another machine, with that machine's glibc as Debian packages it for cross-building. */
function emulated(name: "aarch64" | "s390x", loader: string): GuestBuild {
  const sysroot = `/usr/${name}-linux-gnu`;
  return {
    path: pathOf(name),
    target: `${name}-linux`,
    emulator: { program: `qemu-${name}`, sysroot },
    needs: `${sysroot}/lib/${loader}`,
  };
}
