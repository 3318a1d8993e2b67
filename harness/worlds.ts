/**
 * The worlds in which a case's promise must hold: what keeps the ports there, the kernel or the
 * emulation, and why. A bare run is always in the first: that is where the program alone is right.
 *
 * Any kernel can play them all. The ground truth, real old kernels, is `deno task kernels`.
 */
import { join } from "node:path";
import type { Case, World } from "./case.ts";
import { dist } from "./library.ts";

/** What makes one world. */
export interface WorldSettings {
  readonly environment?: Readonly<Record<string, string>>;
  /** A program that runs the guest's. */
  readonly launcher?: readonly string[];
  /** The namespace's ip_local_port_range. */
  readonly portRange?: string;
}

/** Answers ENOPROTOOPT for option 51, by a seccomp filter. */
const oldKernel = join(dist, "programs", "native", "old_kernel");

export const worldSettings: Readonly<Record<World, WorldSettings>> = {
  kernel: {},
  emulation: { environment: { PORTPIN_ENGINE: "emulation" } },
  // Debian 11's 5.10.
  "without-51": { launcher: [oldKernel] },
  // Before Linux 4.2.
  "without-51-and-24": { launcher: [oldKernel, "--without-24"] },
  // The kernel would ignore the ports of every case.
  "outside-range": { portRange: "20000-29999" },
};

/**
 * The worlds that a case runs in. One that says itself how the ports are kept (an engine, a policy of
 * its own, an old kernel, a range) has only its own.
 */
export function worldsOf(value: Case): readonly World[] {
  if (value.worlds !== undefined) return value.worlds;
  const saysItself = value.policy !== undefined || value.portRange !== undefined ||
    "PORTPIN_ENGINE" in value.environment ||
    value.program.some((word) => word.includes("old_kernel"));
  return saysItself ? ["kernel"] : Object.keys(worldSettings) as World[];
}
