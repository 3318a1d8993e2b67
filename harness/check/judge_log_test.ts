import assert from "node:assert/strict";
import type { ExpectedLog } from "../case.ts";
import { portSet } from "../judge.ts";
import { judgeLog } from "./judge_log.ts";

const ports = portSet("50000-50003");

function line(port: number, changes: object = {}): string {
  const fields = {
    ...{ time: 1, pid: 7, thread: 7, call: "connect", descriptor: 3, transport: "tcp" },
    ...{ destination: "192.0.2.7:443", rule: null, engine: "kernel", ports: "50000-50003" },
    ...{ source: `10.0.0.1:${port}`, errno: null, tries: 1 },
  };
  return `${JSON.stringify({ ...fields, ...changes })}\n`;
}

/** The reason of the one verdict. */
function judged(expected: ExpectedLog, log: string | undefined, named: number[] = []): string {
  const outcome = { status: 0, stdout: "", stderr: "", hung: false };
  const [verdict] = judgeLog(expected, { outcome, observations: [], words: {}, log }, ports, named);
  return `${verdict.good}: ${verdict.reason}`;
}

Deno.test("judgeLog() accepts a log that is as expected", () => {
  const expected = [{ source: "10.0.0.1:{port}", errno: null, tries: 1 }, { call: "connect" }];
  assert.equal(judged(expected, line(50000) + line(50001), [50000]), "true: 2 lines as expected");
  assert.equal(judged({ count: 1, each: { rule: null } }, line(1)), "true: 1 lines as expected");
  assert.equal(judged([], undefined), "true: 0 lines as expected");
});

Deno.test("judgeLog() finds out what is not", () => {
  const source = { source: "{any}:{port}" };
  assert.match(judged([source], "{}\n"), /^false: line 1 is no decision: /);
  assert.equal(judged([source], ""), "false: expected 1 lines, got 0");
  assert.equal(
    judged([{ errno: "EPIPE" }], line(50000)),
    'false: line 1: expected errno "EPIPE", got null',
  );
  assert.equal(
    judged([{ errno: null }], line(50000, { errno: "EPIPE" })),
    'false: line 1: expected errno null, got "EPIPE"',
  );
  assert.equal(judged([source], line(7)), "false: names port 7, which is outside 50000-50003");
  assert.equal(
    judged([source], line(50000), [50001]),
    "false: port 50000 is not both in the log and on standard output",
  );
});
