/**
 * Which tests run on real kernels, under which engines. A virtual machine without KVM is some
 * twenty times slower than this one, so what does not depend on the kernel is left out: the test
 * guest runs in one build, and of the programs there are a few with ways of their own.
 */
import { join } from "node:path";
import { readPolicy } from "../../generator/parse_policy.ts";
import { engines as allEngines } from "../../generator/policy.ts";
import type { CaseFile } from "../case_file.ts";
import { type CaseTest, testsOf } from "../plan.ts";

/** Each is forced in turn; what `auto` chooses is one of them. */
export const engines: readonly string[] = allEngines.filter((engine) => engine !== "auto");

/** Cases of programs: a blocking client, one with an event loop, one that asks for its port. */
const programs = ["program-curl", "program-python-asyncio", "program-python-socketserver-tcp"];

/** Cases of hundreds of connections, which run for one family. */
const heavy = /^threads-/;

/** The tests of `cases`, in their order; none of a policy that lets nobody force an engine. */
export async function selectTests(cases: readonly CaseFile[]): Promise<CaseTest[]> {
  const forcible = await Promise.all(cases.map(isForcible));
  return cases.filter((_, index) => forcible[index]).flatMap(testsOf).filter(isSelected);
}

async function isForcible({ folder, case: { policy } }: CaseFile): Promise<boolean> {
  return policy === undefined || (await readPolicy(join(folder, policy))).environment.engine;
}

function isSelected({ file, guest, family }: CaseTest): boolean {
  if (guest === undefined) return programs.includes(file.name);
  return guest === "glibc" && (!heavy.test(file.name) || family === "ipv4");
}

/** The test under `engine`, unless the case itself says which. */
export function withEngine(test: CaseTest, engine: string): CaseTest {
  const environment = { PORTPIN_ENGINE: engine, ...test.file.case.environment };
  return { ...test, file: { ...test.file, case: { ...test.file.case, environment } } };
}
