// What runs in a virtual machine: all tests of the cases named as arguments (default: all), under
// each engine; the messages go to standard output. It needs no machine of its own to run in.

import { readCases } from "../case_file.ts";
import { guests } from "../guests.ts";
import { launch } from "../launch.ts";
import { namespaceProblem } from "../namespace.ts";
import { type CaseTest, skipReason } from "../plan.ts";
import { type Report, runTest } from "../run_case.ts";
import { type Answers, type Booted, type Message, protocols, type Result } from "./messages.ts";
import { asRefusal, isAbsent, isLacking, outcomeOf, refusalOutcome } from "./outcome.ts";
import { engines, selectTests, withEngine } from "./selection.ts";

const booted = await lookAtKernel();
say(booted);
for (const test of await selectTests(await readCases(Deno.args))) {
  for (const engine of engines) say(await tryTest(test, engine));
}
say({ kind: "end" });

function say(message: Message): void {
  console.log(JSON.stringify(message));
}

/** Sets the options on sockets of each protocol, bare; the kernel's headers tell nothing. */
async function lookAtKernel(): Promise<Booted> {
  const answers = await Promise.all(protocols.map(async (protocol) => {
    const options = ["IP_LOCAL_PORT_RANGE 50000-50001", "IP_BIND_ADDRESS_NO_PORT 1"];
    const set = options.map((option) => `setsockopt s ${option}`);
    const argv = [guests.glibc.path, `s = socket ${protocol} ipv4`, ...set];
    const { stdout } = await launch({ argv, environment: {}, cwd: "/" }).outcome;
    const lines = [...stdout.matchAll(/ -> (\S+)$/gm)];
    return [protocol, lines.map(([_, answer]) => answer)] as const;
  }));
  const [socket, portRange, noPort] = [0, 1, 2].map((line) =>
    Object.fromEntries(answers.map(([protocol, words]) => [protocol, words[line]])) as Answers
  );
  return { kind: "booted", release: Deno.osRelease(), socket, portRange, noPort };
}

async function tryTest(test: CaseTest, engine: string): Promise<Result> {
  const start = performance.now();
  const conclusion = await conclude(test, engine);
  const duration = Math.round(performance.now() - start);
  return { kind: "result", case: test.file.name, test: test.id, engine, ...conclusion, duration };
}

async function conclude(
  test: CaseTest,
  engine: string,
): Promise<Pick<Result, "outcome" | "reasons">> {
  const reason = skipReason(test, namespaceProblem());
  if (reason !== undefined) return { outcome: "skipped", reasons: [reason] };
  if (isAbsent(test, booted)) return { outcome: "absent", reasons: [] };
  const forced = withEngine(test, engine);
  if (engine !== "kernel" || !isLacking(test, booted)) return outcomeOf(await attempt(forced));
  return refusalOutcome(forced, await attempt(asRefusal(forced)));
}

/** A test that breaks down is bad, and the others go on. */
async function attempt(test: CaseTest): Promise<Report> {
  try {
    return await runTest(test);
  } catch (error) {
    const reason = error instanceof Error ? error.message : `${error}`;
    return { test, verdicts: [{ good: false, about: "run", reason }], observations: [] };
  }
}
