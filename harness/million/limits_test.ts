import assert from "node:assert/strict";
import { exitStatus, Failure } from "../../generator/failure.ts";
import {
  type Machine,
  machineLimits,
  type Measured,
  measuredLimits,
  memoryReserve,
  requireRoom,
} from "./limits.ts";
import { readMachine } from "./machine.ts";

const ports = 28_232;
const large: Machine = {
  openFiles: 20_000,
  filesLeft: 2_500_000,
  processes: { left: 30_000, limit: "kernel.pid_max" },
};
const measured: Measured = {
  memory: { perFlow: 8000, left: memoryReserve + 8_000_000_000 },
  conntrack: { perFlow: 0, left: Infinity },
};

function refusal(flows: number, limits: ReturnType<typeof machineLimits>): string | undefined {
  try {
    requireRoom(flows, limits);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Failure && error.status === exitStatus.failed);
    return error.message;
  }
}

function refusedBy(change: Partial<Machine>, flows = 1_000_000): string | undefined {
  return refusal(flows, machineLimits({ ...large, ...change }, ports));
}

function refusedAfter(flows: number, values: Measured): string | undefined {
  return refusal(flows, measuredLimits(flows, values));
}

Deno.test("a large machine has room for a million", () => {
  assert.equal(refusedBy({}), undefined);
  assert.equal(refusedBy({ filesLeft: undefined }), undefined);
});

Deno.test("the narrowest limit is named, and the flows that it allows are the most", () => {
  const processes = { left: 21, limit: "the pids limit of the cgroup" };
  const few = { openFiles: 1024, processes, filesLeft: 50_000 };
  const message = "portpin: Cannot hold 1000000 flows: there are 21 more processes " +
    "(the pids limit of the cgroup); the largest --flows here is 10000";
  assert.equal(refusedBy(few), message);
  assert.equal(refusedBy(few, 10_000), undefined);
  assert.match(refusedBy(few, 10_001)!, /is 10000$/);
});

Deno.test("open files limit a process, ourselves and the machine", () => {
  assert.match(refusedBy({ openFiles: 1024 })!, /1024 open files .*\(RLIMIT_NOFILE\).* is 112000$/);
  assert.match(refusedBy({ openFiles: 20 })!, /RLIMIT_NOFILE.* is 0$/);
  assert.match(
    refusedBy({ filesLeft: 110_000 })!,
    /110000 more open files .*\(fs.file-max\).* is 50000$/,
  );
});

Deno.test("what a flow was measured to take limits them, too", () => {
  assert.equal(refusedAfter(1_000_000, measured), undefined);
  const message = "portpin: Cannot hold 1000001 flows: there are 9074 MB of memory, and 9074 MB " +
    "are needed: 8.0 kB for each, and 1074 MB that stay free; the largest --flows here is 1000000";
  assert.equal(refusedAfter(1_000_001, measured), message);
  const tracked = { ...measured, conntrack: { perFlow: 1, left: 262_144 } };
  assert.match(refusedAfter(1_000_000, tracked)!, /nf_conntrack_max\).* is 262144$/);
  const unseen = { ...measured, memory: { perFlow: 0, left: memoryReserve + 7_500_000 } };
  assert.match(refusedAfter(1_000_000, unseen)!, /7.5 kB for each.* is 1000$/);
  const nothing = { ...measured, memory: { perFlow: 8000, left: 0 } };
  assert.match(refusedAfter(1, nothing)!, /is 0$/);
});

Deno.test("readMachine() reads this machine", () => {
  const { openFiles, filesLeft, processes } = readMachine();
  assert.ok(openFiles > 0 && processes.left > 0 && processes.limit !== "");
  assert.ok(filesLeft === undefined || filesLeft > 0);
});
