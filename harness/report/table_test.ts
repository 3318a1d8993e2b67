import assert from "node:assert/strict";
import { parseCase } from "../case_file.ts";
import { type CaseTest, testsOf } from "../plan.ts";
import type { Report } from "../run_case.ts";
import { badVerdicts, heading, programOf, rowsOf } from "./rows.ts";
import { renderTable } from "./table.ts";

const [ipv4, mapped] = testsOf({
  name: "program-sh",
  folder: "/nowhere",
  case: parseCase(
    JSON.stringify({
      promise: "It is so.",
      matrix: { family: ["ipv4", "mapped"] },
      services: { a: { kind: "tcp" }, d: { kind: "dial", transport: "tcp" } },
      program: ["/bin/sh"],
    }),
    "c",
  ),
});

/** A report about `test` with an observation from each of `ports`. */
function report(test: CaseTest, ports: number[], service = "a", good = true): Report {
  return {
    test,
    verdicts: [{ good: true, about: "status", reason: "0" }, { good, about: "a", reason: "why" }],
    observations: ports.map((port) => ({
      service,
      transport: "tcp",
      source: { address: "127.0.0.1", port },
      destination: { address: "127.0.0.1", port: 10000 },
      at: 0,
    })),
  };
}

Deno.test("rowsOf() puts together what goes from one program to one destination", () => {
  const reports = [report(mapped, [50004]), report(ipv4, [50002]), report(ipv4, [50001, 50002])];
  assert.deepEqual(rowsOf(reports, programOf), [
    ["sh", "tcp", "127.0.0.1", "50001 50002", "good"],
    ["sh", "tcp", "::ffff:127.0.0.1", "50004", "good"],
  ]);
});

Deno.test("rowsOf() calls a row bad when any of its reports is", () => {
  const reports = [report(ipv4, [50001]), report(ipv4, [50002], "a", false)];
  assert.deepEqual(rowsOf(reports, programOf), [["sh", "tcp", "127.0.0.1", "50001 50002", "BAD"]]);
  assert.deepEqual(badVerdicts(reports[1]), ["program-sh family=ipv4: a: why"]);
});

Deno.test("rowsOf() has a row for a report without observations, and for one that listens", () => {
  assert.deepEqual(rowsOf([report(ipv4, [])], programOf), [["sh", "–", "–", "–", "good"]]);
  const listens = rowsOf([report(ipv4, [50001], "d")], programOf);
  assert.deepEqual(listens, [["sh", "tcp", "it listens, ipv4", "50001", "good"]]);
});

Deno.test("rowsOf() shows the first of many ports", () => {
  const [row] = rowsOf([report(ipv4, [6, 5, 4, 3, 2, 1])], programOf);
  assert.equal(row[3], "1 2 3 4 and 2 more");
});

Deno.test("renderTable() makes each column as wide as its widest cell", () => {
  const rows = [["a", "tcp", "127.0.0.1", "1", "good"], ["longer name", "udp", "::1", "2", "BAD"]];
  const expected = [
    "program      transport  destination  source port  verdict",
    "───────────  ─────────  ───────────  ───────────  ───────",
    "a            tcp        127.0.0.1    1            good",
    "longer name  udp        ::1          2            BAD",
  ];
  assert.equal(renderTable(["program", ...heading], rows), expected.join("\n"));
});
