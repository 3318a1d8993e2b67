/**
 * Which tests run on real kernels, under which engines. A virtual machine without KVM is some
 * twenty times slower than this one, so what does not depend on the kernel is left out: all that is,
 * with the reason, is in {@linkcode leftOut}. Every case of our guest runs.
 */
import { join } from "node:path";
import { readPolicy } from "../../generator/parse_policy.ts";
import type { World } from "../case.ts";
import type { CaseFile } from "../case_file.ts";
import { type CaseTest, testsEverywhere, testsIn } from "../plan.ts";
import type { Booted } from "./messages.ts";
import { isAbsent, isLacking } from "./outcome.ts";

/** The columns of a kernel in the table. */
export const engines = ["kernel", "emulation"] as const;
export type Engine = typeof engines[number];

/** Cases of programs: a blocking client, one with an event loop, one that asks for its port. */
const programs = ["program-curl", "program-python-asyncio", "program-python-socketserver-tcp"];

/**
 * Cases of hundreds of connections, and of programs that are slow to start. They run for one family:
 * the others differ in nothing but the address.
 */
const heavy = /^(threads|program)-/;

/** Cases in which strangers send as fast as they can. */
const floods = ["udp-share-strangers"];

/** A test as it is run: under an engine, which is forced unless {@linkcode Selected.lacks}. */
export interface Selected {
  readonly test: CaseTest;
  /** The same as `deno task test` runs it. */
  readonly origin: CaseTest;
  readonly engine: Engine;
  /** The kernel has no such sockets. */
  readonly absent: boolean;
  /** The kernel lacks IP_LOCAL_PORT_RANGE for such sockets. */
  readonly lacks: boolean;
}

/** The cases that have tests here: none of a policy that lets nobody force an engine. */
export async function selectCases(cases: readonly CaseFile[]): Promise<CaseFile[]> {
  const forcible = await Promise.all(cases.map(isForcible));
  return cases.filter((file, index) =>
    forcible[index] && testsEverywhere(file).some((test) => whyLeftOut(test) === undefined)
  );
}

async function isForcible({ folder, case: { policy } }: CaseFile): Promise<boolean> {
  return policy === undefined || (await readPolicy(join(folder, policy))).environment.engine;
}

/**
 * The tests of a case under `kernel`.
 *
 * The `kernel` engine is forced everywhere, and must refuse where the kernel lacks the option. The
 * emulation is forced where the kernel has the option; where not, it is left to `auto` to choose it,
 * which is what the world `without-51` plays elsewhere. Of a case's families one is taken.
 */
export function testsUnder(kernel: Booted, file: CaseFile): Selected[] {
  const select = (engine: Engine, world: World) => {
    const tests = testsIn(world, file).filter((test) => whyLeftOut(test) === undefined);
    return tests.filter(isInTurn).map((test) => ({
      test,
      origin: test,
      engine,
      absent: isAbsent(test, kernel),
      lacks: isLacking(test, kernel),
    }));
  };
  return [
    ...select("kernel", "kernel").filter(isPromised).map(forcedKernel),
    ...select("emulation", "emulation").filter(({ lacks }) => !lacks),
    ...select("emulation", "without-51").filter(({ lacks }) => lacks).map(unplayed),
  ];
}

/** Why a test runs on no kernel; undefined when it runs on some. */
function whyLeftOut({ file, guest, family, world }: CaseTest): string | undefined {
  const { name, case: { matrix } } = file;
  if (world === "outside-range") {
    return "the world outside-range: portpin reads that range itself, alike on every kernel";
  }
  if (world === "without-51-and-24") {
    return "the world without-51-and-24: no kernel here is so old, and a player is alike on each";
  }
  if (floods.includes(name)) {
    return "floods: a virtual machine is too slow to hear itself among them";
  }
  if (guest === undefined && !programs.includes(name)) {
    return "other programs: what they ask of the kernel our guest asks too";
  }
  if (guest !== undefined && guest !== "glibc") {
    return "other builds of our guest: they ask the same of the kernel";
  }
  if (heavy.test(name) && family !== (matrix.family?.[0] ?? family)) {
    return "other families of what is heavy, threads-* and program-*";
  }
}

/**
 * Takes one family of each case, another from case to case, always the same of the same case; all
 * of one that the emulation does not run.
 */
function isInTurn({ file, family }: CaseTest): boolean {
  const { name, case: { matrix } } = file;
  const emulated = testsIn("emulation", file).length + testsIn("without-51", file).length > 0;
  if (matrix.family === undefined || heavy.test(name) || !emulated) return true;
  const sum = [...name].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return family === matrix.family[sum % matrix.family.length];
}

/** Where the kernel engine refuses, their programs wait for a connection that never comes. */
const waiting = ["self-connect-listener"];

/**
 * Where the kernel lacks the option, what promises something of the kernel alone promises nothing,
 * and neither does a case of which no refusal is promised.
 */
function isPromised({ test: { file }, lacks }: Selected): boolean {
  return !lacks || !(isOfKernelAlone(file) || promisesNoRefusal(file));
}

/** What a refusal leaves of these is no promise: they have a source, or wait for their peer. */
function promisesNoRefusal({ name, case: { network } }: CaseFile): boolean {
  return network === "pair" || waiting.includes(name);
}

function isOfKernelAlone({ case: { worlds } }: CaseFile): boolean {
  return worlds?.length === 1 && worlds[0] === "kernel";
}

/** Tests that `deno task test` runs and a kernel does not, with the reason. */
export interface LeftOut {
  readonly reason: string;
  readonly tests: number;
}

/** All of `cases` that does not run under `kernel`, by reason. */
export async function leftOut(kernel: Booted, cases: readonly CaseFile[]): Promise<LeftOut[]> {
  const reasons = new Map<string, number>();
  for (const file of cases) {
    const forcible = await isForcible(file);
    const run = new Set(forcible ? testsUnder(kernel, file).map(({ origin }) => origin.id) : []);
    for (const test of testsEverywhere(file).filter(({ id }) => !run.has(id))) {
      const reason = whyLeftOut(test) ?? (forcible ? whyNotUnder(test) : unforcible);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  }
  return Array.from(reasons, ([reason, tests]) => ({ reason, tests }));
}

const unforcible = "policies that let nobody force an engine";

/** Why a test that runs on some kernel does not run on this one, by its world. */
function whyNotUnder({ file, world }: CaseTest): string {
  if (isOfKernelAlone(file)) return "what holds only where the kernel has the option";
  if (world === "kernel") {
    return promisesNoRefusal(file)
      ? "other families, and refusals of what has a source or waits for its peer"
      : "other families under the kernel engine: one of each case runs";
  }
  return world === "emulation"
    ? "the emulation forced: other families, and all where the kernel lacks the option"
    : "the world without-51: other families, and all where the kernel has the option";
}

/** Sets PORTPIN_ENGINE, unless the case itself does. */
function forcedKernel(selected: Selected): Selected {
  const { file } = selected.test;
  const environment = { PORTPIN_ENGINE: "kernel", ...file.case.environment };
  const test = { ...selected.test, file: { ...file, case: { ...file.case, environment } } };
  return { ...selected, test };
}

/**
 * The real kernel needs nobody to play it. And where the program itself sets the option that the
 * kernel lacks, what it does alone is no measure of what is right.
 */
function unplayed(selected: Selected): Selected {
  const { file } = selected.test;
  const { program, bare } = file.case;
  const setsOption = program.some((word) => word.includes("IP_LOCAL_PORT_RANGE"));
  const unmeasured = { ...file, case: { ...file.case, bare: setsOption ? undefined : bare } };
  return { ...selected, test: { ...selected.test, world: "kernel", file: unmeasured } };
}
