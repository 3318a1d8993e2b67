import assert from "node:assert/strict";
import { parseCase } from "../case_file.ts";
import { testsEverywhere } from "../plan.ts";
import type { Booted } from "./messages.ts";
import { leftOut, selectCases, testsUnder } from "./selection.ts";

const yes = { tcp: "ok", udp: "ok", mptcp: "ok", sctp: "ok" };
const booted = { kind: "booted", release: "0", socket: yes, noPort: yes } as const;

/** A kernel that has the option for everything, and one that has it for nothing. */
const able: Booted = { ...booted, portRange: yes };
const unable: Booted = {
  ...booted,
  portRange: { tcp: "ENOPROTOOPT", udp: "ENOPROTOOPT", mptcp: "EBADF", sctp: "ENOPROTOOPT" },
};

function file(name: string, fields: Record<string, unknown> = {}) {
  const text = JSON.stringify({ promise: "It is so.", program: ["{guest}"], ...fields });
  return { name, folder: "/nowhere", case: parseCase(text, name) };
}

/** `ENGINE FAMILY WORLD PORTPIN_ENGINE` of each test that is selected. */
function selected(kernel: Booted, ...words: Parameters<typeof file>): string[] {
  return testsUnder(kernel, file(...words)).map(({ engine, test }) => {
    const forced = test.file.case.environment.PORTPIN_ENGINE ?? "auto";
    return `${engine} ${test.family} ${test.world} ${forced}`;
  });
}

const families = { matrix: { family: ["ipv4", "ipv6", "mapped"] } };

Deno.test("testsUnder() forces each engine where the kernel has the option", () => {
  assert.deepEqual(selected(able, "tcp"), [
    "kernel ipv4 kernel kernel",
    // Its world sets PORTPIN_ENGINE.
    "emulation ipv4 emulation auto",
  ]);
});

Deno.test("testsUnder() leaves it to auto to emulate where the kernel lacks the option", () => {
  assert.deepEqual(selected(unable, "tcp"), [
    "kernel ipv4 kernel kernel",
    "emulation ipv4 kernel auto",
  ]);
});

Deno.test("testsUnder() emulates where the case's promise holds, and keeps a case's own engine", () => {
  assert.deepEqual(selected(unable, "tcp", { worlds: ["kernel", "emulation"] }), [
    "kernel ipv4 kernel kernel",
  ]);
  assert.deepEqual(selected(able, "tcp", { environment: { PORTPIN_ENGINE: "auto" } }), [
    "kernel ipv4 kernel auto",
  ]);
});

Deno.test("testsUnder() takes one family for each engine, the same each time", () => {
  const once = selected(able, "tcp", families);
  assert.deepEqual(once, selected(able, "tcp", families));
  const count = (list: string[], engine: string) =>
    list.filter((words) => words.startsWith(engine)).length;
  assert.deepEqual([count(once, "kernel"), count(once, "emulation")], [1, 1]);
  const emulated = selected(unable, "tcp", families);
  assert.deepEqual([count(emulated, "kernel"), count(emulated, "emulation")], [1, 1]);
});

Deno.test("testsUnder() takes all families of what only the kernel engine runs", () => {
  assert.equal(selected(able, "tcp", { ...families, worlds: ["kernel"] }).length, 3);
});

Deno.test("testsUnder() takes nothing that holds only where the kernel has the option it lacks", () => {
  assert.deepEqual(selected(unable, "tcp", { worlds: ["kernel"] }), []);
});

Deno.test("testsUnder() measures no program by what it does alone without the option that it sets", () => {
  const bare = (...program: string[]) =>
    testsUnder(unable, file("tcp", { program, bare: "same" })).map(({ test }) =>
      test.file.case.bare
    );
  assert.deepEqual(bare("{guest}", "setsockopt s IP_LOCAL_PORT_RANGE 1-2"), ["same", undefined]);
  assert.deepEqual(bare("{guest}", "connect s 127.0.0.1:1"), ["same", "same"]);
});

Deno.test("testsUnder() takes one family of what is heavy", () => {
  assert.equal(selected(able, "threads-tcp", families).length, 2);
});

Deno.test("selectCases() leaves out most programs, and what our guest does in other builds alone", async () => {
  const cases = [
    file("tcp"),
    file("elsewhere", { guests: ["aarch64"] }),
    file("program-curl", { program: ["curl"] }),
    file("program-wget", { program: ["wget"] }),
  ];
  assert.deepEqual((await selectCases(cases)).map(({ name }) => name), ["tcp", "program-curl"]);
});

Deno.test("selectCases() takes a case whose promise is about the emulation alone", async () => {
  const [found] = await selectCases([file("emulated", { worlds: ["without-51"] })]);
  assert.equal(found.name, "emulated");
  assert.deepEqual(selected(unable, "emulated", { worlds: ["without-51"] }), [
    "emulation ipv4 kernel auto",
  ]);
});

Deno.test("leftOut() counts every test that is not run, once, by reason", async () => {
  const cases = [
    file("tcp", { ...families, guests: ["glibc", "musl"] }),
    file("threads-tcp", { ...families, guests: ["glibc"], worlds: ["kernel"] }),
    file("program-wget", { program: ["wget"], worlds: ["kernel"] }),
  ];
  for (const kernel of [able, unable]) {
    const omitted = (await leftOut(kernel, cases)).reduce((sum, { tests }) => sum + tests, 0);
    const run = cases.flatMap((file) => testsUnder(kernel, file)).length;
    assert.equal(omitted + run, cases.flatMap(testsEverywhere).length);
  }
  assert.deepEqual(await leftOut(able, cases.slice(2)), [
    { reason: "other programs: what they ask of the kernel our guest asks too", tests: 1 },
  ]);
});
