import assert from "node:assert/strict";
import type { Connection } from "./judge_program.ts";
import {
  isGood,
  type ProgramReport,
  renderJson,
  renderJunit,
  renderText,
  summaryOf,
} from "./program_report.ts";

function connection(changes: Partial<Connection>): Connection {
  return {
    transport: "tcp",
    source: { address: "10.1.1.1", port: 50000 },
    destination: { address: "2001:db8::7", port: 443 },
    process: { pid: 7, name: "client" },
    witnesses: ["log", "kernel"],
    verdict: "inside",
    reason: null,
    ...changes,
  };
}

const query = connection({
  transport: "udp",
  source: { address: "10.1.1.1", port: 33333 },
  destination: null,
  process: null,
  witnesses: ["kernel"],
  verdict: "outside",
  reason: 'not through the library: "a" < \x01 & b',
});

function report(changes: Partial<ProgramReport> = {}): ProgramReport {
  return {
    ...{ program: ["client"], status: 3, ports: "50000-50003", source: "" },
    ...{ connections: [connection({}), query], problems: [], notes: [] },
    ...changes,
  };
}

Deno.test("renderText() has a row for each connection, and the reasons below", () => {
  const text = renderText(report({ problems: ["nobody came to {tcp}"], notes: ["a note"] }));
  assert.deepEqual(text.split("\n"), [
    "process   transport  source          destination        seen by     verdict",
    "────────  ─────────  ──────────────  ─────────────────  ──────────  ───────",
    "client 7  tcp        10.1.1.1:50000  [2001:db8::7]:443  log kernel  inside",
    "–         udp        10.1.1.1:33333  –                  kernel      OUTSIDE",
    'outside: 10.1.1.1:33333 to –: not through the library: "a" < \x01 & b',
    "bad: nobody came to {tcp}",
    "note: a note",
    "the program ended with 3",
    "1 inside, 1 outside, 0 left, 0 failed",
  ]);
});

Deno.test("isGood() wants nothing outside and no problem; the program's status is no matter", () => {
  assert.equal(isGood(report()), false);
  const connections = (["inside", "left", "failed"] as const).map((verdict) =>
    connection({ verdict })
  );
  assert.equal(isGood(report({ connections })), true);
  assert.equal(isGood(report({ connections, problems: ["one"] })), false);
  assert.equal(summaryOf(report({ connections })), "1 inside, 0 outside, 1 left, 1 failed");
});

Deno.test("renderJson() is the whole report", () => {
  assert.deepEqual(JSON.parse(renderJson(report())), { good: false, ...report() });
});

Deno.test("renderJunit() is well-formed whatever the texts are", () => {
  const xml = renderJunit(report({ program: ["a\n<b>"], problems: ["one", "two"] }));
  assert.match(xml, /<testsuites tests="3" failures="2">/);
  assert.match(xml, /<testsuite name="a&#10;&lt;b&gt;" /);
  assert.match(
    xml,
    /<failure message="not through the library: &quot;a&quot; &lt; \ufffd &amp; b"\/>/,
  );
  assert.match(xml, /<failure message="one&#10;two"\/>/);
});
