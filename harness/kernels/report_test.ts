import assert from "node:assert/strict";
import type { Booted, Outcome, Result } from "./messages.ts";
import { caseTable, type KernelRun, kernelTable, leftOutTable, remarks, totals } from "./report.ts";

const yes = { tcp: "ok", udp: "ok", mptcp: "ok", sctp: "ok" };
const lacking = { tcp: "ENOPROTOOPT", udp: "ENOPROTOOPT", mptcp: "EBADF", sctp: "ENOPROTOOPT" };

const old: Booted = {
  kind: "booted",
  release: "5.10.0-32-amd64",
  socket: { ...yes, mptcp: "EPROTONOSUPPORT" },
  portRange: lacking,
  noPort: { ...yes, mptcp: "EBADF" },
};

function result(name: string, engine: string, outcome: Outcome, reasons: string[] = []): Result {
  const [folder] = name.split(" ");
  return { kind: "result", case: folder, test: name, engine, outcome, reasons, duration: 1 };
}

const runs: KernelRun[] = [
  {
    label: "5.10",
    seconds: 61.4,
    messages: [
      old,
      result("tcp a=1", "kernel", "refused"),
      result("tcp a=1", "emulation", "good"),
      result("tcp a=2", "kernel", "good"),
      result("tcp a=2", "emulation", "bad", ["a: got port 1", "status: 1"]),
      result("mptcp", "kernel", "absent"),
      result("mptcp", "emulation", "absent"),
      { kind: "end" },
    ],
  },
  {
    label: "6.12",
    seconds: 5,
    problem: "it ended",
    messages: [
      { ...old, release: "6.12.1-amd64", socket: yes, portRange: yes, noPort: yes },
      result("tcp a=1", "kernel", "skipped", ["missing: curl"]),
      result("tcp a=1", "emulation", "skipped", ["missing: curl"]),
    ],
  },
  { label: "7.0", seconds: 1, problem: "QEMU failed", messages: [] },
];

Deno.test("kernelTable() has what each kernel has of the options", async (t) => {
  await t.assertSnapshot(kernelTable(runs));
});

Deno.test("caseTable() has a cell for each case, kernel and engine: the worst that was seen", async (t) => {
  await t.assertSnapshot(caseTable(runs, ["kernel", "emulation"]));
});

Deno.test("leftOutTable() has a row for each reason, and how many tests it is on each kernel", async (t) => {
  const [worlds, families] = [{ reason: "worlds", tests: 12 }, { reason: "families", tests: 3 }];
  await t.assertSnapshot(leftOutTable([
    { label: "5.10", leftOut: [worlds] },
    { label: "6.12", leftOut: [families, { ...worlds, tests: 7 }] },
  ]));
});

Deno.test("remarks() names what is bad, why something was skipped, and who did not finish", () => {
  assert.deepEqual(remarks(runs), [
    "bad: 5.10 emulation: tcp a=2: a: got port 1; status: 1",
    "skipped: 6.12: tcp: missing: curl",
    "bad: 6.12: it ended",
    "bad: 7.0: QEMU failed",
  ]);
});

Deno.test("totals() counts a refusal as passed, and a machine that did not finish as failed", () => {
  assert.deepEqual(totals(runs), { passed: 3, failed: 3, skipped: 2 });
});
