// The harness itself: that a run which breaks its promise is found out. The program is bash, which
// connects by itself.

import assert from "node:assert/strict";
import { parseCase } from "./case_file.ts";
import { type Report, runTest } from "./run_case.ts";
import { testsOf } from "./plan.ts";

const connect = "exec 3<>/dev/tcp/$0/$1 && echo hello >&3 && read -r answer <&3 && echo $answer";
const connecting = ["bash", "-c", connect, "{a.address}", "{a.port}"];

/** Runs a case that has `fields`; `unchecked` ones are what its file could not say. */
async function run(fields: object, unchecked: object = {}): Promise<Report> {
  const text = JSON.stringify({
    promise: "It is so.",
    services: { a: { kind: "tcp" } },
    program: connecting,
    ...fields,
  });
  const parsed = { ...parseCase(text, "c"), ...unchecked };
  const [test] = testsOf({ name: "c", folder: import.meta.dirname!, case: parsed });
  return await runTest(test);
}

function badOf({ verdicts }: Report): string[] {
  return verdicts.filter(({ good }) => !good).map(({ about, reason }) => `${about}: ${reason}`);
}

Deno.test("runTest() is content with a kept promise", async () => {
  const report = await run({ bare: "same", expect: { stdout: ["hello"] } });
  assert.deepEqual(badOf(report), []);
  assert.equal(report.observations.length, 1);
});

Deno.test("runTest() finds out a library that was not loaded", async () => {
  // The wrong range would give it away too, but by luck a port may lie in it.
  const bad = badOf(await run({}, { preload: [] }));
  assert.ok(bad.includes("library: was not loaded: it did not object to PORTPIN_PORTS=witness"));
});

Deno.test("runTest() finds out a library that does nothing", async () => {
  const environment = { PORTPIN_OFF: "1" };
  const bad = badOf(await run({ environment, ports: "50000", bare: "same" }));
  assert.match(bad.join("\n"), /^a: expected ports inside 50000, got \d+$/);
});

Deno.test("runTest() judges the bare run by an expectation of its own", async () => {
  const bad = badOf(await run({ bare: { status: 1, stdout: ["bye"] } }));
  assert.deepEqual(bad, [
    "bare status: expected 1, got 0",
    'bare standard output: line 1: expected "bye", got "hello"',
  ]);
});

Deno.test("runTest() finds out a program that looks different under the library", async () => {
  const program = ["sh", "-c", "echo ${LD_PRELOAD:+preloaded}"];
  const bad = badOf(await run({ program, services: {}, bare: "same" }));
  assert.deepEqual(bad, ['same as bare: standard output line 1 is "preloaded", bare ""']);
});

Deno.test("runTest() gives the library's place among others, and the others alone when bare", async () => {
  const program = ["sh", "-c", "echo $LD_PRELOAD"];
  const report = await run({
    program,
    services: {},
    preload: ["{folder}/a.so", "{library}"],
    expect: { stdout: ["{folder}/a.so:{dist}/libportpin.so"] },
    bare: { stdout: ["{folder}/a.so"] },
  });
  assert.deepEqual(badOf(report), []);
});

Deno.test("runTest() waits for datagrams that nobody answers, and finds one too many", async () => {
  const send = "for i in 1 2 3; do echo $i >/dev/udp/$0/$1; done";
  const fields = {
    program: ["bash", "-c", send, "{a.address}", "{a.port}"],
    services: { a: { kind: "udp" } },
  };
  const expecting = (count: number) => ({ expect: { observations: { a: { count } } } });
  assert.deepEqual(badOf(await run({ ...fields, ...expecting(3) })), []);
  assert.deepEqual(badOf(await run({ ...fields, ...expecting(2) })), [
    "a: expected 2 observations, got 3",
  ]);
});

Deno.test("runTest() tells that a server ended before it listened", async () => {
  const bad = badOf(
    await run({
      program: ["sh", "-c", "echo no configuration >&2; exit 1"],
      services: { f: { kind: "front" } },
      driver: ["true"],
    }),
  );
  assert.deepEqual(bad, ["status: expected 0, got 1\nno configuration"]);
});
