import assert from "node:assert/strict";
import { type LogLine, parseEnd, parseLog } from "./log_line.ts";

const line: LogLine = {
  time: 1795305421.000042,
  pid: 7,
  thread: 8,
  call: "connect",
  descriptor: 3,
  transport: "tcp",
  destination: "192.0.2.7:443",
  rule: 0,
  engine: "kernel",
  ports: "50000-50511,60000",
  source: "[::ffff:10.0.0.1]:50012",
  errno: "EINPROGRESS",
  tries: 2,
};

function problemsOf(changes: object): readonly string[] {
  return parseLog(`${JSON.stringify({ ...line, ...changes })}\n`).problems;
}

Deno.test("parseLog() reads every line", () => {
  const text = JSON.stringify(line);
  assert.deepEqual(parseLog(`${text}\n${text}\n`), { lines: [line, line], problems: [] });
  assert.deepEqual(parseLog(""), { lines: [], problems: [] });
});

Deno.test("parseLog() refuses what is not exactly a decision", () => {
  const text = JSON.stringify(line);
  assert.match(
    parseLog(`${text}\n${text.slice(9)}\n`).problems[0],
    /^line 2 .*: expected JSON, got /,
  );
  assert.match(parseLog(text).problems[0], /^line 1 is no decision: it has no end, got /);
  const { time, ...others } = line;
  assert.match(
    parseLog(`${JSON.stringify({ ...others, time })}\n`).problems[0],
    /not in their order/,
  );
  assert.match(problemsOf({ more: 1 })[0], /Unrecognized key/);
  assert.match(problemsOf({ pid: undefined })[0], /pid/);
  for (
    const bad of [{ call: "open" }, { source: "::1:7" }, { errno: 0 }, { tries: -1 }, {
      ports: "7-",
    }]
  ) {
    assert.equal(problemsOf(bad).length, 1, JSON.stringify(bad));
  }
});

Deno.test("parseEnd() takes an end apart", () => {
  assert.deepEqual(parseEnd("192.0.2.7:443"), { address: "192.0.2.7", port: 443 });
  assert.deepEqual(parseEnd("[::1]:80"), { address: "::1", port: 80 });
});
