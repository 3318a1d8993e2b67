import assert from "node:assert/strict";
import { parseCase } from "../case_file.ts";
import type { Outcome as Ended } from "../launch.ts";
import type { Observation } from "../observe.ts";
import { type CaseTest, testsOf } from "../plan.ts";
import { judge, portSet } from "../judge.ts";
import type { Report } from "../run_case.ts";
import type { Booted } from "./messages.ts";
import { asRefusal, isAbsent, isLacking, outcomeOf, refusalOutcome } from "./outcome.ts";

const yes = { tcp: "ok", udp: "ok", mptcp: "ok", sctp: "ok" };

/** Debian 12's: the option for TCP and UDP alone. */
const kernel: Booted = {
  kind: "booted",
  release: "6.1",
  socket: yes,
  portRange: { ...yes, mptcp: "ENOPROTOOPT" },
  noPort: { ...yes, mptcp: "EOPNOTSUPP" },
};

function testOf(fields: Record<string, unknown>): CaseTest {
  const text = JSON.stringify({ promise: "It is so.", ...fields });
  return testsOf({ name: "c", folder: "/nowhere", case: parseCase(text, "c") })[0];
}

Deno.test("isLacking() goes by the sockets that the case's guest makes", () => {
  const lacks = (fields: Record<string, unknown>) => isLacking(testOf(fields), kernel);
  assert.ok(lacks({ program: ["{guest}", "a = socket mptcp {family}"] }));
  assert.ok(!lacks({ program: ["{guest}", "a = socket udp ipv4"] }));
  assert.ok(
    lacks({
      matrix: { transport: ["mptcp"] },
      program: ["{guest}", "a = socket {transport} ipv4"],
    }),
  );
});

Deno.test("isLacking() takes it that other programs use TCP or UDP", () => {
  const test = testOf({ program: ["curl", "http://localhost"] });
  assert.ok(!isLacking(test, kernel));
  assert.ok(isLacking(test, { ...kernel, portRange: { ...yes, tcp: "ENOPROTOOPT" } }));
});

Deno.test("isAbsent() is where the kernel has no such sockets", () => {
  const without = { ...kernel, socket: { ...yes, mptcp: "EPROTONOSUPPORT" } };
  assert.ok(isAbsent(testOf({ program: ["{guest}", "a = socket mptcp ipv4"] }), without));
  assert.ok(!isAbsent(testOf({ program: ["{guest}", "a = socket tcp ipv4"] }), without));
});

Deno.test("outcomeOf() is good only when every verdict is", () => {
  const test = testOf({ program: ["sh"] });
  const verdicts = [{ good: true, about: "status", reason: "0" }];
  assert.equal(outcomeOf({ test, verdicts, observations: [] }).outcome, "good");
  const bad = { good: false, about: "a", reason: "expected 1, got 0" };
  assert.deepEqual(outcomeOf({ test, verdicts: [...verdicts, bad], observations: [] }), {
    outcome: "bad",
    reasons: ["a: expected 1, got 0"],
  });
});

/** A case that promises one connection from its ports. */
const promise = testOf({
  ports: "50000-50003",
  services: { a: { kind: "tcp" } },
  program: ["{guest}", "connect"],
  bare: "same",
  expect: { stdout: ["connect -> ok"], observations: { a: { count: 1, covers: false } } },
});

/** What came of it, with `sources` the ports that the peer saw. */
function report(changes: Partial<Ended>, ...sources: number[]): Report {
  const outcome = { status: 0, stdout: "connect -> ok\n", stderr: "", hung: false, ...changes };
  const observations: Observation[] = sources.map((port) => ({
    service: "a",
    transport: "tcp",
    source: { address: "127.0.0.1", port },
    destination: { address: "127.0.0.1", port: 10_000 },
    at: 0,
  }));
  const run = { outcome, observations, words: {} };
  const test = asRefusal(promise);
  const { expect, ports } = test.file.case;
  return { test, verdicts: judge(expect, run, portSet(ports), {}), observations, run };
}

const refusal = { stdout: "connect -> EADDRNOTAVAIL\n" };

Deno.test("refusalOutcome() is refused where the program was told and nobody saw a port", () => {
  assert.equal(refusalOutcome(promise, report(refusal)).outcome, "refused");
  assert.equal(refusalOutcome(promise, report({ stdout: "", status: 7 })).outcome, "refused");
});

Deno.test("refusalOutcome() is good where the promise was kept all the same", () => {
  assert.deepEqual(refusalOutcome(promise, report({}, 50_001)), { outcome: "good", reasons: [] });
});

Deno.test("refusalOutcome() is bad where a peer saw a port that it should not", () => {
  const { outcome, reasons } = refusalOutcome(promise, report(refusal, 40_000));
  assert.equal(outcome, "bad");
  assert.match(reasons.join(), /^a: expected ports inside 50000-50003, got 40000/);
});

Deno.test("refusalOutcome() is bad where the program hangs, crashes, or was not told", () => {
  for (const changes of [{ hung: true }, { status: "SIGSEGV" }, { stdout: "" }]) {
    assert.equal(refusalOutcome(promise, report(changes)).outcome, "bad");
  }
});

Deno.test("refusalOutcome() is bad where the run broke down", () => {
  const { run: _, ...broken } = report(refusal);
  const verdicts = [{ good: false, about: "run", reason: "Cannot listen" }];
  assert.deepEqual(refusalOutcome(promise, { ...broken, verdicts }), {
    outcome: "bad",
    reasons: ["run: Cannot listen"],
  });
});

Deno.test("asRefusal() expects of standard error what is ours, not what others print of their calls", () => {
  const stderrOf = (line: string) => {
    const test = testOf({ program: ["sh"], expect: { stderr: [line] } });
    return asRefusal(test).file.case.expect.stderr;
  };
  assert.equal(stderrOf("before: connect"), undefined);
  assert.deepEqual(stderrOf("portpin: Cannot use it"), ["portpin: Cannot use it"]);
});
