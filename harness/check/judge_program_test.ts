import assert from "node:assert/strict";
import { parsePolicy } from "../../generator/parse_policy.ts";
import { portSet } from "../judge.ts";
import type { Observation } from "../observe.ts";
import { type Evidence, judgeProgram } from "./judge_program.ts";
import { type LogLine, parseEnd } from "./log_line.ts";
import type { Sighting } from "./watch.ts";

const policy = parsePolicy(
  JSON.stringify({
    name: "test",
    ports: "50000-50003",
    rules: [
      { to: { networks: ["10.0.0.0/8"] }, leave: true },
      { to: { networks: ["198.51.100.0/24"] }, ports: "40000-40003" },
    ],
  }),
  "test.jsonc",
);

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
function judged(evidence: Partial<Evidence> & { lines?: LogLine[] }): string[] {
  const { lines = [], ...others } = evidence;
  const connections = judgeProgram(policy, {
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
    "10.1.1.1:33333 log outside: the ports could not be kept, and the policy leaves it then",
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
