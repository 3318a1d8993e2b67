/**
 * What became of a test on a kernel that need not have the options.
 *
 * - `good`: as the case promises.
 * - `refused`: the kernel lacks the option and the `kernel` engine was forced, so the promise cannot
 *   be kept; the program was told by an errno, and no peer saw a port that it should not have. Only
 *   where {@linkcode isLacking} says so: anywhere else this would be bad.
 * - `absent`: the kernel has no such sockets at all, as 5.10 has no MPTCP; nothing was run.
 * - `bad`: anything else that was run.
 *
 * Pure.
 */
import { defaultExpectations, judge, portSet, type Run, type Verdict } from "../judge.ts";
import type { CaseTest } from "../plan.ts";
import type { Report } from "../run_case.ts";
import { type Booted, type Outcome, type Protocol, protocols } from "./messages.ts";

/** Whether the kernel has no such sockets as the test is about. */
export function isAbsent(test: CaseTest, { socket }: Booted): boolean {
  return protocolsOf(test).some((protocol) => socket[protocol] !== "ok");
}

/** Whether the kernel cannot keep ports for some socket that the test's program makes. */
export function isLacking(test: CaseTest, { portRange }: Booted): boolean {
  return protocolsOf(test).some((protocol) => portRange[protocol] !== "ok");
}

/** The protocols of the sockets that a test is about: what its guest makes, else plain TCP and UDP. */
function protocolsOf({ file, values }: CaseTest): Protocol[] {
  const words = [...file.case.program, ...file.case.driver ?? []];
  const made = words.flatMap((word) => /\bsocket (\S+)/.exec(word)?.slice(1) ?? [])
    .map((word) => word.replace(/^\{(\w+)\}$/, (_, name) => values[name]));
  const known = protocols.filter((protocol) => made.includes(protocol));
  return known.length === 0 ? ["tcp", "udp"] : known;
}

/**
 * The test with nothing promised but what a refusal must keep: no peer sees a port it should not.
 * It is not run bare: only the library refuses. Nor need other libraries print what they would of
 * calls that now never come to them.
 */
export function asRefusal(test: CaseTest): CaseTest {
  const { case: promised, ...file } = withoutWaiting(test).file;
  const expectations = {
    ...defaultExpectations(promised.services),
    ...promised.expect.observations,
  };
  const observations = Object.entries(expectations).map(([name, { ports }]) =>
    [name, {
      count: { min: 0, max: Number.MAX_SAFE_INTEGER },
      ports: ports === "stdout" ? "inside" : ports,
      covers: false,
    }] as const
  );
  const { status } = promised.expect;
  const ours = promised.expect.stderr?.some((line) => line.startsWith("portpin: "));
  const stderr = ours ? promised.expect.stderr : undefined;
  const expect = { status, stderr, observations: Object.fromEntries(observations) };
  return { ...test, file: { ...file, case: { ...promised, bare: undefined, expect } } };
}

/** What our guest does, for many seconds, where the answer to a refused call is to come. */
const waiting = /^(recv(from)?|answer) /;

/** The test without these operations, and without what they were to print. */
function withoutWaiting(test: CaseTest): CaseTest {
  const { case: promised, ...file } = test.file;
  if (test.guest === undefined) return test;
  const calm = (words: readonly string[]) => words.filter((word) => !waiting.test(word));
  const { expect } = promised;
  const changed = {
    ...promised,
    program: calm(promised.program),
    expect: { ...expect, stdout: expect.stdout && calm(expect.stdout) },
  };
  return { ...test, file: { ...file, case: changed } };
}

/** The outcome of a test that was run as it is. */
export function outcomeOf({ verdicts }: Report): { outcome: Outcome; reasons: string[] } {
  const reasons = verdicts.filter(({ good }) => !good).map(describe);
  return { outcome: reasons.length === 0 ? "good" : "bad", reasons };
}

/** The outcome of `test` by the report on {@linkcode asRefusal} of it. */
export function refusalOutcome(
  test: CaseTest,
  { verdicts, run }: Report,
): { outcome: Outcome; reasons: string[] } {
  const reasons = verdicts.filter((verdict) => !verdict.good && !isMereStatus(verdict, run))
    .map(describe);
  if (reasons.length > 0 || run === undefined) return { outcome: "bad", reasons };
  const { expect, ports, services } = withoutWaiting(test).file.case;
  const promised = judge(expect, run, portSet(ports), defaultExpectations(services));
  if (promised.every(({ good }) => good)) return { outcome: "good", reasons: [] };
  if (wasTold(run)) return { outcome: "refused", reasons: [] };
  const broken = promised.filter(({ good }) => !good).map(describe);
  return { outcome: "bad", reasons: ["neither kept nor refused", ...broken] };
}

/** A program that is refused may fail as it likes, but neither hang nor crash. */
function isMereStatus({ about }: Verdict, run: Run | undefined): boolean {
  return about === "status" && run !== undefined && !run.outcome.hung &&
    typeof run.outcome.status === "number";
}

/** Whether a call failed as one that is refused, by what the program says or ends with. */
function wasTold({ outcome }: Run): boolean {
  const { status, stdout, stderr, driverError = "" } = outcome;
  const errnos = /EADDRNOTAVAIL|ENOPROTOOPT|EOPNOTSUPP|address not available|assign requested/i;
  return status !== 0 || errnos.test(stdout + stderr + driverError);
}

function describe({ about, reason }: Verdict): string {
  return `${about}: ${reason}`;
}
