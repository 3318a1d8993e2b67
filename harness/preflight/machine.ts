// Names of processors, and the target that `portpin build` makes a library for.

import type { Target } from "../../generator/build.ts";
import type { Machine } from "./elf.ts";

/** Machines that a library can be built for: `e_machine` of elf.h, width, byte order. */
const machines: readonly (Machine & { readonly name: string; readonly target: Target })[] = [
  { number: 62, bits: 64, endian: "little", name: "x86-64", target: "x86_64-linux" },
  { number: 3, bits: 32, endian: "little", name: "32-bit x86", target: "x86-linux" },
  { number: 183, bits: 64, endian: "little", name: "AArch64", target: "aarch64-linux" },
  { number: 40, bits: 32, endian: "little", name: "32-bit ARM", target: "arm-linux" },
  { number: 243, bits: 64, endian: "little", name: "64-bit RISC-V", target: "riscv64-linux" },
  {
    number: 21,
    bits: 64,
    endian: "little",
    name: "little-endian 64-bit PowerPC",
    target: "powerpc64le-linux",
  },
  { number: 22, bits: 64, endian: "big", name: "64-bit s390", target: "s390x-linux" },
];

export function sameMachine(a: Machine, b: Machine): boolean {
  return a.number === b.number && a.bits === b.bits && a.endian === b.endian;
}

/** In words. */
export function machineName(machine: Machine): string {
  const known = machines.find((known) => sameMachine(known, machine));
  return known?.name ??
    `ELF machine ${machine.number} (${machine.bits}-bit, ${machine.endian}-endian)`;
}

/** What to build the library for; undefined when no library can be. */
export function machineTarget(machine: Machine): Target | undefined {
  return machines.find((known) => sameMachine(known, machine))?.target;
}
