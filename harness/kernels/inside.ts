// What runs in a virtual machine: all tests of the cases named as arguments (default: all), under
// each engine; the messages go to standard output. It needs no machine of its own to run in.

import { readCases } from "../case_file.ts";
import { guests } from "../guests.ts";
import { launch } from "../launch.ts";
import { namespaceProblem } from "../namespace.ts";
import { type CaseTest, skipReason } from "../plan.ts";
import { type Report, runTest } from "../run_case.ts";
import { type Answers, type Booted, type Message, protocols, type Result } from "./messages.ts";
import { asRefusal, outcomeOf, refusalOutcome } from "./outcome.ts";
import { selectCases, type Selected, testsUnder } from "./selection.ts";

const booted = await lookAtKernel();
say(booted);
for (const file of await selectCases(await readCases(Deno.args))) {
  for (const selected of testsUnder(booted, file)) say(await tryTest(selected));
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

async function tryTest(selected: Selected): Promise<Result> {
  const { test: { file, id }, engine } = selected;
  const start = performance.now();
  const conclusion = await conclude(selected);
  const duration = Math.round(performance.now() - start);
  return { kind: "result", case: file.name, test: id, engine, ...conclusion, duration };
}

async function conclude(
  { test, engine, absent, lacks }: Selected,
): Promise<Pick<Result, "outcome" | "reasons">> {
  if (absent) return { outcome: "absent", reasons: [] };
  const reason = skipReason(test, namespaceProblem());
  if (reason !== undefined) return { outcome: "skipped", reasons: [reason] };
  if (engine === "emulation" || !lacks) return outcomeOf(await attempt(test));
  return refusalOutcome(test, await attempt(asRefusal(test)));
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
