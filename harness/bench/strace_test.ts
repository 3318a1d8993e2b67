import assert from "node:assert/strict";
import { addedCalls, callsBetween, callsPerCycle, parseSummary, total } from "./strace.ts";

const summary = `    calls syscall
--------- ----------------
       54 close
        4 rt_sigaction
        1 pread64
--------- ----------------
       59 total
`;

Deno.test("parseSummary() reads every name and leaves the total out", () => {
  const calls = parseSummary(summary);
  assert.deepEqual([...calls], [["close", 54], ["rt_sigaction", 4], ["pread64", 1]]);
});

Deno.test("parseSummary() refuses what does not add up", () => {
  assert.throws(() => parseSummary(summary.replace("        4 rt_sigaction\n", "")), /Cannot read/);
  assert.throws(() => parseSummary(""), /Cannot read/);
});

Deno.test("callsPerCycle() does not count start-up", () => {
  const few = new Map([["mmap", 8], ["connect", 10], ["socket", 10]]);
  const many = new Map([["mmap", 8], ["connect", 110], ["socket", 110], ["close", 50]]);
  assert.deepEqual(
    [...callsPerCycle(few, many, 100)],
    [["connect", 1], ["socket", 1], ["close", 0.5]],
  );
});

Deno.test("callsPerCycle() rounds away what happens less than once in two hundred cycles", () => {
  const few = new Map([["openat", 3], ["read", 1]]);
  const many = new Map([["openat", 21], ["read", 20_001]]);
  assert.deepEqual([...callsPerCycle(few, many, 4_000)], [["read", 5]]);
});

Deno.test("addedCalls() names what came and what went, and adds it up", () => {
  const bare = new Map([["bind", 1], ["connect", 1], ["ppoll", 2]]);
  const portpin = new Map([["connect", 1], ["getsockopt", 2.5], ["bind", 2], ["ppoll", 1]]);
  assert.deepEqual(addedCalls(bare, portpin), {
    cost: 2.5,
    detail: "+1 bind, +2.5 getsockopt, −1 ppoll",
  });
});

Deno.test("addedCalls() adds nothing to the same", () => {
  assert.deepEqual(addedCalls(new Map([["send", 1]]), new Map([["send", 1]])), {
    cost: 0,
    detail: "",
  });
});

Deno.test("total() is exact to two decimals", () => {
  assert.equal(total(new Map([["a", 0.1], ["b", 0.2]])), 0.3);
});

const trace = `execve(0x7ffd, 0x7ffe, 0x7fff) = 0
getppid() = 0x11
socket(0x2, 0x1, 0) = 0x4
connect(0x4, 0x7ffd, 0x10) = 0
getppid() = 0x11
accept(0x3, 0x7ffd, 0x7ffe) = 0x5
getppid() = 0x11
socket(0x2, 0x1, 0) = 0x4
bind(0x4, 0x7ffd, 0x10) = -1 EADDRINUSE (Address already in use)
bind(0x4, 0x7ffd, 0x10) = 0
connect(0x4, 0x7ffd, 0x10) = 0
getppid() = 0x11
exit_group(0) = ?
`;

Deno.test("callsBetween() counts between the marks of a pair, and not between pairs", () => {
  assert.deepEqual(callsBetween("getppid", trace), [2, 4]);
  assert.deepEqual(callsBetween("getppid", ""), []);
  assert.deepEqual(callsBetween("getppid", "getppid() = 1\ngetppid() = 1\n"), [0]);
});

Deno.test("callsBetween() refuses a mark without its other", () => {
  const cut = trace.slice(0, trace.lastIndexOf("getppid"));
  assert.throws(() => callsBetween("getppid", cut), /lacks its other/);
});
