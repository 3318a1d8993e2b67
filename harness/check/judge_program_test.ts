import assert from "node:assert/strict";
import { parsePolicy } from "../../generator/parse_policy.ts";
import type { Policy } from "../../generator/policy.ts";
import { portSet } from "../judge.ts";
import type { Observation } from "../observe.ts";
import type { Evidence } from "./gather.ts";
import { judgeProgram } from "./judge_program.ts";
import { type LogLine, parseEnd } from "./log_line.ts";
import type { Sighting } from "./watch.ts";

const rules = [
  { to: { networks: ["10.0.0.0/8"] }, leave: true },
  { to: { networks: ["198.51.100.0/24"] }, ports: "40000-40003" },
];
const policy = policyWith({ rules });

function policyWith(keys: object): Policy {
  const text = JSON.stringify({ name: "test", ports: "50000-50003", ...keys });
  return parsePolicy(text, "test.jsonc");
}

function line(source: string, destination: string | null, changes: Partial<LogLine> = {}): LogLine {
  return {
    ...{ time: 1, pid: 7, thread: 7, call: "connect", descriptor: 3, transport: "tcp" },
    ...{ destination, rule: null, engine: "kernel", ports: "50000-50003", source },
    ...{ errno: null, tries: 1 },
    ...changes,
  } as LogLine;
}

function seen(
  source: string,
  destination: string | null,
  changes: Partial<Sighting> = {},
): Sighting {
  return {
    transport: "tcp",
    source: parseEnd(source),
    destination: destination === null ? null : parseEnd(destination),
    isListening: false,
    inode: 1,
    process: { pid: 7, name: "client" },
    ...changes,
  };
}

function met(source: string, destination: string, transport: "tcp" | "udp" = "tcp"): Observation {
  const ends = { source: parseEnd(source), destination: parseEnd(destination) };
  return { service: "tcp", transport, ...ends, at: 1 };
}

/** `SOURCE WITNESSES VERDICT: REASON` of each connection. */
function judged(
  evidence: Partial<Evidence> & { lines?: LogLine[] },
  judge: Policy = policy,
): string[] {
  const { lines = [], ...others } = evidence;
  const connections = judgeProgram(judge, {
    log: { lines, problems: [] },
    observations: [],
    sightings: [],
    names: new Map([[7, "client"]]),
    ephemeral: portSet("32768-60999"),
    ...others,
  });
  return connections.map(({ source, witnesses, verdict, reason }) =>
    `${source.address}:${source.port} ${witnesses.join()} ${verdict}: ${reason}`
  );
}

Deno.test("judgeProgram() puts what the witnesses saw together", () => {
  const ends = ["10.1.1.1:50000", "192.0.2.7:443"] as const;
  const lines = [line("[::ffff:10.1.1.1]:50000", "[::ffff:192.0.2.7]:443")];
  assert.deepEqual(judged({ lines, observations: [met(...ends)], sightings: [seen(...ends)] }), [
    "10.1.1.1:50000 log,peer,kernel inside: null",
  ]);
});

Deno.test("judgeProgram() tells what did not pass the library, and why", () => {
  const process = { pid: 8, name: "busybox", problem: "/bin/busybox is statically linked" };
  const sightings = [
    seen("10.1.1.1:33333", "192.0.2.7:443", { process }),
    seen("10.1.1.1:33334", "192.0.2.53:53", { transport: "udp" }),
    seen("10.1.1.1:50001", "192.0.2.7:443"),
  ];
  const [child, query, lucky] = judged({ sightings });
  assert.match(child, /kernel outside: not through the library: .*busybox is statically linked$/);
  assert.match(query, /outside: not through the library: a DNS query inside libc/);
  assert.match(lucky, /inside: not through the library: a raw system call/);
});

Deno.test("judgeProgram() tells a port that the program bound, and one that could not be kept", () => {
  const lines = [
    line("10.1.1.1:20000", "192.0.2.7:443"),
    line("10.1.1.1:33333", "192.0.2.8:443", { engine: "leave", ports: null }),
  ];
  assert.deepEqual(judged({ lines }), [
    "10.1.1.1:20000 log outside: the program has bound this port itself",
    "10.1.1.1:33333 log outside: the policy could not be kept, and leaves it then",
  ]);
});

Deno.test("judgeProgram() goes by the rules, also for what is not in the log", () => {
  const lines = [line("10.1.1.1:40001", "198.51.100.9:443", { rule: 1, ports: "40000-40003" })];
  const sightings = [
    seen("10.1.1.1:33333", "10.0.0.9:443"),
    seen("10.1.1.1:50001", "198.51.100.9:80"),
  ];
  const [ruled, left, other] = judged({ lines, sightings });
  assert.equal(ruled, "10.1.1.1:40001 log inside: null");
  assert.equal(left, "10.1.1.1:33333 kernel left: a rule leaves it alone");
  assert.match(other, /^10\.1\.1\.1:50001 kernel outside: not through the library/);
});

Deno.test("judgeProgram() lets a call that failed be, unless a peer saw it", () => {
  const lines = [
    line("0.0.0.0:0", "192.0.2.7:443", { errno: "EADDRNOTAVAIL" }),
    line("10.1.1.1:33333", "192.0.2.7:80", { errno: "EINPROGRESS" }),
    line("10.1.1.1:33334", "192.0.2.7:81", { errno: "EINTR" }),
  ];
  const observations = [met("10.1.1.1:33334", "192.0.2.7:81")];
  assert.deepEqual(judged({ lines, observations }), [
    "0.0.0.0:0 log failed: connect failed with EADDRNOTAVAIL",
    "10.1.1.1:33333 log outside: the program has bound this port itself",
    "10.1.1.1:33334 log,peer outside: the program has bound this port itself",
  ]);
});

Deno.test("judgeProgram() leaves out servers, and what comes to them", () => {
  const sightings = [
    seen("0.0.0.0:8080", null, { isListening: true }),
    seen("10.1.1.1:8080", "192.0.2.7:55555"),
    seen("0.0.0.0:5353", null, { transport: "udp" }),
  ];
  assert.deepEqual(judged({ sightings }), []);
});

Deno.test("judgeProgram() knows the port of a UDP socket by its bind or its first message", () => {
  const lines = [
    line("127.0.0.1:50000", null, { call: "bind", transport: "udp" }),
    line("0.0.0.0:50001", "192.0.2.7:53", { call: "send", transport: "udp" }),
  ];
  const sightings = [
    seen("0.0.0.0:50001", null, { transport: "udp" }),
    seen("0.0.0.0:33333", null, { transport: "udp" }),
  ];
  const observations = [met("127.0.0.1:50000", "192.0.2.7:53", "udp")];
  const [sent, bound, raw] = judged({ lines, sightings, observations });
  assert.equal(sent, "0.0.0.0:50001 log,kernel inside: null");
  assert.equal(bound, "127.0.0.1:50000 log,peer inside: null");
  assert.match(raw, /^0\.0\.0\.0:33333 kernel outside: not through the library/);
});

Deno.test("judgeProgram() without a log goes by the ports alone", () => {
  const sightings = [
    seen("10.1.1.1:50000", "192.0.2.7:443"),
    seen("10.1.1.1:33333", "192.0.2.7:443"),
  ];
  assert.deepEqual(judged({ log: undefined, sightings }), [
    "10.1.1.1:50000 kernel inside: null",
    "10.1.1.1:33333 kernel outside: unknown: the policy allows no log",
  ]);
});

/** The reasons of a policy whose source is 192.0.2.7, and for some destinations 192.0.2.8. */
function judgedBySource(evidence: Partial<Evidence> & { lines?: LogLine[] }): string[] {
  const source = "192.0.2.7";
  const partners = { to: { networks: ["198.51.100.0/24"] }, source: "192.0.2.8" };
  return judged(evidence, policyWith({ source, rules: [rules[0], partners] }));
}

Deno.test("judgeProgram() wants the source of the policy, or of the rule that matches", () => {
  const lines = [
    line("192.0.2.7:50000", "203.0.113.9:443"),
    line("192.0.2.1:50001", "203.0.113.9:443"),
    line("192.0.2.8:50002", "198.51.100.9:443", { rule: 1 }),
    line("192.0.2.7:50003", "198.51.100.9:443", { rule: 1 }),
    line("192.0.2.1:33333", "203.0.113.9:80", { engine: "leave" }),
    line("192.0.2.1:33334", "10.0.0.9:443", { rule: 0, engine: "leave" }),
  ];
  const sightings = [seen("192.0.2.1:50003", "203.0.113.9:81")];
  const [raw, ...logged] = judgedBySource({ lines, sightings }).reverse();
  assert.deepEqual(logged.reverse(), [
    "192.0.2.7:50000 log inside: null",
    "192.0.2.1:50001 log outside: from 192.0.2.1, not 192.0.2.7: the program has bound this socket itself",
    "192.0.2.8:50002 log inside: null",
    "192.0.2.7:50003 log outside: from 192.0.2.7, not 192.0.2.8: the program has bound this socket itself",
    "192.0.2.1:33333 log outside: from 192.0.2.1, not 192.0.2.7: the policy could not be kept, and leaves it then",
    "192.0.2.1:33334 log left: a rule leaves it alone",
  ]);
  assert.match(
    raw,
    /kernel outside: from 192\.0\.2\.1, not 192\.0\.2\.7: not through the library: /,
  );
});

Deno.test("judgeProgram() wants no source to loopback, in another family, or where none was seen", () => {
  const lines = [
    line("127.0.0.1:50000", "127.0.0.1:443"),
    line("127.0.0.1:50001", "0.0.0.0:443"),
    line("[2001:db8::1]:50002", "[2001:db8:9::9]:443"),
    line("0.0.0.0:50003", "203.0.113.9:53", { call: "send", transport: "udp" }),
  ];
  const sightings = [seen("0.0.0.0:50003", null, { transport: "udp" })];
  for (const text of judgedBySource({ lines, sightings })) assert.match(text, / inside: null$/);
  const loopback = policyWith({ source: "127.0.0.9" });
  assert.deepEqual(judged({ lines: lines.slice(0, 2) }, loopback), [
    "127.0.0.1:50000 log outside: from 127.0.0.1, not 127.0.0.9: the program has bound this socket itself",
    "127.0.0.1:50001 log outside: from 127.0.0.1, not 127.0.0.9: the program has bound this socket itself",
  ]);
});

Deno.test("judgeProgram() believes the peer which address a message came from", () => {
  const to = "203.0.113.9:53";
  const lines = [line("0.0.0.0:50000", to, { call: "send", transport: "udp" })];
  const observations = ["192.0.2.7:50000", "192.0.2.1:50000", "192.0.2.7:50000"]
    .map((source) => met(source, to, "udp"));
  assert.deepEqual(judgedBySource({ lines, observations }), [
    "192.0.2.7:50000 log,peer inside: null",
    "192.0.2.1:50000 log,peer outside: from 192.0.2.1, not 192.0.2.7: the program has bound this socket itself",
  ]);
});
