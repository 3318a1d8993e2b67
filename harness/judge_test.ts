import assert from "node:assert/strict";
import { Case, type Expectation } from "./case.ts";
import {
  defaultExpectations,
  includesPort,
  judge,
  judgeSameness,
  judgeWitness,
  portSet,
  type Run,
} from "./judge.ts";
import type { Outcome } from "./launch.ts";
import type { Observation } from "./observe.ts";

const ports = portSet("50000-50003");

/** A case's expectation as its file would say it, and how the services it leaves out are judged. */
function expecting(expect: unknown, services: Record<string, unknown> = { a: { kind: "tcp" } }) {
  const parsed = Case.parse({ promise: "It is so.", program: ["true"], services, expect });
  return [parsed.expect, defaultExpectations(parsed.services)] as const;
}

function run(observations: Observation[], outcome: Partial<Outcome> = {}, words = {}): Run {
  return {
    outcome: { status: 0, stdout: "", stderr: "", hung: false, ...outcome },
    observations,
    words: { scratch: "/tmp/scratch", ...words },
  };
}

function seen(port: number, changes: Partial<Observation> = {}): Observation {
  return {
    service: "a",
    transport: "tcp",
    source: { address: "127.0.0.1", port },
    destination: { address: "127.0.0.1", port: 10000 },
    at: 1,
    ...changes,
  };
}

/** What is bad about a run, one line each; empty when all is good. */
function badOf(
  [expectation, unnamed]: readonly [Expectation, ReturnType<typeof defaultExpectations>],
  judged: Run,
): string[] {
  return judge(expectation, judged, ports, unnamed)
    .filter(({ good }) => !good)
    .map(({ about, reason }) => `${about}: ${reason}`);
}

Deno.test("judge() accepts a run that is as expected", () => {
  assert.deepEqual(badOf(expecting({}), run([seen(50000)])), []);
});

Deno.test("judge() refuses a source port outside the ports", () => {
  assert.deepEqual(badOf(expecting({}), run([seen(50000), seen(50004)])), [
    "a: expected ports inside 50000-50003, got 50004",
  ]);
});

Deno.test("judge() refuses a service that nobody came to, named or not", () => {
  const none = ["a: expected an observation, got none"];
  assert.deepEqual(badOf(expecting({}), run([])), none);
  assert.deepEqual(badOf(expecting({ observations: { a: {} } }), run([])), none);
  assert.deepEqual(badOf(expecting({}), run([seen(50000, { service: "b" })])), none);
});

Deno.test("judge() asks nothing of a front", () => {
  assert.deepEqual(badOf(expecting({}, { f: { kind: "front" } }), run([])), []);
});

Deno.test("judge() compares source addresses, by name in the family of each observation", () => {
  const from = (address: string, destination: string) =>
    seen(50000, {
      transport: "udp",
      source: { address, port: 50000 },
      destination: { address: destination, port: 10000 },
    });
  const four = from("192.0.2.7", "192.0.2.129");
  const six = from("2001:db8::7", "2001:db8::129");
  const natural = from("192.0.2.1", "192.0.2.129");
  const near = from("fe80::7%77", "fe80::129%77");
  const expectingFrom = (address: unknown) => {
    const parsed = Case.parse({
      promise: "It is so.",
      program: ["true"],
      network: "pair",
      services: { a: { kind: "udp" } },
      expect: { observations: { a: { address } } },
    });
    return [parsed.expect, defaultExpectations(parsed.services)] as const;
  };
  assert.deepEqual(badOf(expectingFrom("source"), run([four, six, near])), []);
  assert.deepEqual(badOf(expectingFrom(["source", "natural"]), run([four, natural])), []);
  assert.deepEqual(badOf(expectingFrom("192.0.2.7"), run([four])), []);
  assert.deepEqual(badOf(expectingFrom("source"), run([six, natural])), [
    "a: expected source address 2001:db8::7, 192.0.2.7, got 2001:db8::7, 192.0.2.1",
  ]);
  assert.deepEqual(badOf(expectingFrom(["source", "192.0.2.9"]), run([four])), [
    "a: expected source address 192.0.2.7, 192.0.2.9, got 192.0.2.7",
  ]);
});

Deno.test("judge() compares the count, exact or between two bounds", () => {
  const two = [seen(50000), seen(50001)];
  assert.deepEqual(badOf(expecting({ observations: { a: { count: 2 } } }), run(two)), []);
  assert.deepEqual(badOf(expecting({ observations: { a: { count: 3 } } }), run(two)), [
    "a: expected 3 observations, got 2",
  ]);
  const between = (min: number, max: number) =>
    badOf(expecting({ observations: { a: { count: { min, max } } } }), run(two));
  assert.deepEqual(between(1, 2), []);
  assert.deepEqual(between(3, 4), ["a: expected 3 to 4 observations, got 2"]);
  assert.deepEqual(between(0, 1), ["a: expected 0 to 1 observations, got 2"]);
});

Deno.test("judge() places ports outside, in a set of the expectation's own, or anywhere", () => {
  const placed = (place: string, port: number) =>
    badOf(expecting({ observations: { a: { ports: place } } }), run([seen(port)]));
  assert.deepEqual(placed("outside", 40000), []);
  assert.deepEqual(placed("outside", 50003), [
    "a: expected ports outside 50000-50003, got 50003",
  ]);
  assert.deepEqual(placed("40000,50001-50002", 40000), []);
  assert.deepEqual(placed("40000,50001-50002", 50000), [
    "a: expected ports inside 40000,50001-50002, got 50000",
  ]);
  assert.deepEqual(placed("any", 1), []);
});

Deno.test("judge() compares the ports that were said with those that were seen", () => {
  const said = expecting({ stdout: ["from {port}"], observations: { a: { ports: "stdout" } } });
  const judged = (stdout: string, port: number) => badOf(said, run([seen(port)], { stdout }));
  assert.deepEqual(judged("from 50001\n", 50001), []);
  assert.deepEqual(judged("from 50001\n", 50002), [
    "a: the program said 50001, its peers saw 50002",
  ]);
  assert.deepEqual(judged("from 40000\n", 40000), [
    "standard output: names port 40000, which is outside 50000-50003",
  ]);
});

Deno.test("judge() tells distinct source ports from equal ones", () => {
  const spread = (value: string, ...list: number[]) =>
    badOf(
      expecting({ observations: { a: { spread: value } } }),
      run(list.map((port) => seen(port, { transport: "udp" }))),
    );
  assert.deepEqual(spread("distinct", 50000, 50001), []);
  assert.deepEqual(spread("distinct", 50000, 50000), [
    "a: expected distinct ports, got 1 for 2 observations",
  ]);
  assert.deepEqual(spread("same", 50000, 50000), []);
  assert.deepEqual(spread("same", 50000, 50001), [
    "a: expected one port for all, got 50000, 50001",
  ]);
});

Deno.test("judge() asks for every port of the set with covers", () => {
  const all = [50000, 50001, 50002, 50003].map((port) => seen(port));
  const covering = (expected: object, observations: Observation[]) =>
    badOf(expecting({ observations: { a: { covers: true, ...expected } } }), run(observations));
  assert.deepEqual(covering({}, all), []);
  assert.deepEqual(covering({}, all.slice(1)), [
    "a: expected every port of 50000-50003, got 50001, 50002, 50003",
  ]);
  assert.deepEqual(covering({ ports: "50000-50001" }, all.slice(0, 2)), []);
  assert.deepEqual(covering({ ports: "50000-50001" }, all.slice(0, 1)), [
    "a: expected every port of 50000-50001, got 50000",
  ]);
});

Deno.test("judge() asks for the transport", () => {
  const tcp = expecting({ observations: { a: { transport: "tcp" } } });
  assert.deepEqual(badOf(tcp, run([seen(50000)])), []);
  assert.deepEqual(badOf(tcp, run([seen(50000, { transport: "udp" })])), [
    "a: expected tcp, got udp from port 50000",
  ]);
});

Deno.test("judge() takes all services together", () => {
  const together = expecting(
    { observations: { together: { count: 3, spread: "same" } } },
    { a: { kind: "tcp" }, b: { kind: "tcp" } },
  );
  const b = { service: "b", destination: { address: "127.0.0.2", port: 10000 } };
  assert.deepEqual(badOf(together, run([seen(50000), seen(50000, b)])), [
    "together: expected 3 observations, got 2",
  ]);
  assert.deepEqual(badOf(together, run([seen(50000), seen(50001, b), seen(50002, b)])), [
    "together: expected one port for all, got 50000, 50001, 50002",
  ]);
});

Deno.test("judge() refuses two open connections with one 4-tuple", () => {
  const twice = ["4-tuples: two open connections from 127.0.0.1 50000 to 127.0.0.1 10000"];
  const judged = (...observations: Observation[]) => badOf(expecting({}), run(observations));
  assert.deepEqual(judged(seen(50000), seen(50000, { at: 2 })), twice);
  assert.deepEqual(judged(seen(50000, { until: 3 }), seen(50000, { at: 2 })), twice);
  assert.deepEqual(judged(seen(50000, { until: 2 }), seen(50000, { at: 2 })), []);
  const elsewhere = { destination: { address: "127.0.0.2", port: 10000 } };
  assert.deepEqual(judged(seen(50000), seen(50000, elsewhere)), []);
});

Deno.test("judge() lets one UDP socket send several datagrams", () => {
  const datagram = seen(50000, { transport: "udp" });
  assert.deepEqual(badOf(expecting({}), run([datagram, datagram])), []);
});

Deno.test("judge() compares the status, and shows what the program said", () => {
  const stderr = "first\nsecond\n";
  assert.deepEqual(badOf(expecting({}), run([seen(50000)], { status: 7, stderr })), [
    "status: expected 0, got 7\nfirst\nsecond",
  ]);
  assert.deepEqual(
    badOf(expecting({ status: "SIGSEGV" }), run([seen(50000)], { status: "SIGSEGV" })),
    [],
  );
});

Deno.test("judge() refuses a program that hung, whatever its status", () => {
  const hung = run([seen(50000)], { status: "SIGKILL", hung: true });
  assert.deepEqual(badOf(expecting({ status: "SIGKILL" }), hung), [
    "status: the program had to be killed: it did not end",
  ]);
});

Deno.test("judge() compares standard output line by line", () => {
  const lines = expecting({ stdout: ["one", "two {a.port} {number} {any}."] });
  const judged = (stdout: string) =>
    badOf(lines, run([seen(50000)], { stdout }, { "a.port": "10000" }));
  assert.deepEqual(judged("one\ntwo 10000 5 x y.\n"), []);
  assert.deepEqual(judged("one\n"), [
    'standard output: line 2: expected "two {a.port} {number} {any}.", got no line',
  ]);
  assert.deepEqual(judged("one\ntwo 10000 5 .\nthree\n"), [
    'standard output: line 3: expected no line, got "three"',
  ]);
  assert.deepEqual(judged("One\ntwo 10000 5 .\n"), [
    'standard output: line 1: expected "one", got "One"',
  ]);
});

Deno.test("judge() asks for silence with an empty list", () => {
  assert.deepEqual(badOf(expecting({ stdout: [] }), run([seen(50000)])), []);
  assert.deepEqual(badOf(expecting({ stdout: [] }), run([seen(50000)], { stdout: "\n" })), [
    'standard output: line 1: expected no line, got ""',
  ]);
});

Deno.test("judge() refuses words of portpin's that the case does not expect", () => {
  const stderr = "a warning of the program's\nportpin: Cannot do it\n";
  assert.deepEqual(badOf(expecting({}), run([seen(50000)], { stderr })), [
    'standard error: expected nothing of portpin, got "portpin: Cannot do it"',
  ]);
  const expected = expecting({ stderr: ["{any}", "portpin: Cannot do {any}"] });
  assert.deepEqual(badOf(expected, run([seen(50000)], { stderr })), []);
});

Deno.test("judgeSameness() overlooks ports and scratch folders, and nothing else", () => {
  const of = (stdout: string, status = 0) => run([], { stdout, status });
  assert.equal(judgeSameness(of("from 40000\n"), of("from 50001\n")).good, true);
  const folder = run([], { stdout: "/tmp/b/file\n" }, { scratch: "/tmp/b" });
  assert.equal(judgeSameness(of("/tmp/scratch/file\n"), folder).good, true);
  assert.deepEqual(judgeSameness(of("port 40000\n"), of("port 0\n")), {
    good: false,
    about: "same as bare",
    reason: 'standard output line 1 is "port 0", bare "port {port}"',
  });
  assert.equal(judgeSameness(of("errno 111\n"), of("errno 110\n")).good, false);
  assert.equal(judgeSameness(of("a\n"), of("a\nb\n")).good, false);
  assert.equal(judgeSameness(of("", 1), of("")).reason, "status 0, bare 1");
});

Deno.test("judgeWitness() believes nothing but the library's own objection", () => {
  const objection = "portpin: Cannot use PORTPIN_PORTS=witness: expected LOW-HIGH";
  assert.equal(judgeWitness(`${objection}\n`).good, true);
  assert.equal(judgeWitness(`some warning\n${objection}\n`).good, true);
  assert.equal(judgeWitness("").good, false);
  assert.equal(judgeWitness(`the program says: ${objection}\n`).good, false);
});

Deno.test("includesPort() counts both ends of a range in", () => {
  const set = portSet("10-12,20");
  const inside = [9, 10, 12, 13, 19, 20, 21].filter((port) => includesPort(set, port));
  assert.deepEqual(inside, [10, 12, 20]);
});
