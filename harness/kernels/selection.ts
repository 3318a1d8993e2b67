/**
 * Which tests run on real kernels, under which engines. A virtual machine without KVM is some
 * twenty times slower than this one, so what does not depend on the kernel is left out: the test
 * guest runs in one build, and of the programs there are a few with ways of their own.
 */
import { join } from "node:path";
import { readPolicy } from "../../generator/parse_policy.ts";
import type { World } from "../case.ts";
import type { CaseFile } from "../case_file.ts";
import { type CaseTest, testsIn } from "../plan.ts";
import type { Booted } from "./messages.ts";
import { isAbsent, isLacking } from "./outcome.ts";

/** The columns of a kernel in the table. */
export const engines = ["kernel", "emulation"] as const;
export type Engine = typeof engines[number];

/** Cases of programs: a blocking client, one with an event loop, one that asks for its port. */
const programs = ["program-curl", "program-python-asyncio", "program-python-socketserver-tcp"];

/** Cases of hundreds of connections, which run for one family. */
const heavy = /^threads-/;

/** A test as it is run: under an engine, which is forced unless {@linkcode Selected.lacks}. */
export interface Selected {
  readonly test: CaseTest;
  readonly engine: Engine;
  /** The kernel has no such sockets. */
  readonly absent: boolean;
  /** The kernel lacks IP_LOCAL_PORT_RANGE for such sockets. */
  readonly lacks: boolean;
}

/** The cases that have tests here: none of a policy that lets nobody force an engine. */
export async function selectCases(cases: readonly CaseFile[]): Promise<CaseFile[]> {
  const forcible = await Promise.all(cases.map(isForcible));
  return cases.filter((file, index) => forcible[index] && testsIn("kernel", file).some(isSelected));
}

async function isForcible({ folder, case: { policy } }: CaseFile): Promise<boolean> {
  return policy === undefined || (await readPolicy(join(folder, policy))).environment.engine;
}

/**
 * The tests of a case under `kernel`.
 *
 * The `kernel` engine is forced everywhere, and must refuse where the kernel lacks the option; of a
 * case's families one is taken. The emulation is forced where the kernel has the option; where not, it
 * is left to `auto` to choose it, which is what the world `without-51` plays elsewhere.
 */
export function testsUnder(kernel: Booted, file: CaseFile): Selected[] {
  const select = (engine: Engine, world: World) =>
    testsIn(world, file).filter(isSelected).map((test) => ({
      test,
      engine,
      absent: isAbsent(test, kernel),
      lacks: isLacking(test, kernel),
    }));
  return [
    ...select("kernel", "kernel").filter(isInTurn).map(forcedKernel),
    ...select("emulation", "emulation").filter(({ lacks }) => !lacks),
    ...select("emulation", "without-51").filter(({ lacks }) => lacks).map(unplayed),
  ];
}

function isSelected({ file, guest, family }: CaseTest): boolean {
  if (guest === undefined) return programs.includes(file.name);
  return guest === "glibc" && (!heavy.test(file.name) || family === "ipv4");
}

/** Takes one family of each case, another from case to case, always the same of the same case. */
function isInTurn({ test: { file: { name, case: { matrix } }, family } }: Selected): boolean {
  if (matrix.family === undefined || heavy.test(name)) return true;
  const sum = [...name].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return family === matrix.family[sum % matrix.family.length];
}

/** Sets PORTPIN_ENGINE, unless the case itself does. */
function forcedKernel(selected: Selected): Selected {
  const { file } = selected.test;
  const environment = { PORTPIN_ENGINE: "kernel", ...file.case.environment };
  const test = { ...selected.test, file: { ...file, case: { ...file.case, environment } } };
  return { ...selected, test };
}

/** The real kernel needs nobody to play it. */
function unplayed(selected: Selected): Selected {
  return { ...selected, test: { ...selected.test, world: "kernel" } };
}
