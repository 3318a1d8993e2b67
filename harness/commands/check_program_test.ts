// `portpin check --program` with real programs: ones that pass the library, and ones that do not.
//
// The ports lie outside the ephemeral ones, so what the kernel chose is never inside by luck.

import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../generator/build.ts";
import { checkProgram } from "../check/check_program.ts";
import type { ProgramReport } from "../check/program_report.ts";
import { BusyProgram, staticProgram, TemporaryDirectory } from "../preflight/programs_for_tests.ts";
import { findInstalled } from "../servers/programs.ts";

const portpin = [Deno.execPath(), "run", "--quiet", "-A", join(root, "harness", "portpin.ts")];
const ports = ["--ports", "61000-61511"];

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(words: string[]): Promise<Outcome> {
  const [command, ...args] = words;
  const { code, stdout, stderr } = await new Deno.Command(command, { args }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

function check(...words: string[]): Promise<Outcome> {
  return run([...portpin, "check", ...words]);
}

/** Runs the program, and reads the JSON. */
async function report(
  ...program: string[]
): Promise<ProgramReport & { code: number; good: boolean; err: string }> {
  const { code, out, err } = await check("--program", "--json", ...ports, "--", ...program);
  try {
    return { ...JSON.parse(out), code, err };
  } catch {
    throw new Error(`expected JSON, got status ${code}, ${out}${err}`);
  }
}

/** A test that is skipped, visibly, where one of the programs is missing. */
function testWith(programs: string[], name: string, fn: () => Promise<void>) {
  const missing = programs.filter((program) => findInstalled(program) === undefined);
  const suffix = missing.length === 0 ? "" : ` (skipped: missing: ${missing.join(", ")})`;
  Deno.test({ name: name + suffix, ignore: missing.length > 0, fn });
}

testWith(["curl"], "check --program finds a good program good", async () => {
  const { code, good, status, connections, err } = await report("curl", "-s", "http://{http}/");
  assert.deepEqual([code, good, status, err], [0, true, 0, "hello\n"]);
  assert.equal(connections.length, 1);
  const [{ verdict, reason, witnesses, source }] = connections;
  assert.deepEqual([verdict, reason, source.address], ["inside", null, "127.0.0.1"]);
  assert.ok(witnesses.includes("log") && witnesses.includes("peer"));
  assert.ok(source.port >= 61000 && source.port <= 61511);
});

testWith(["bash"], "check --program knows a program that ended before anybody looked", async () => {
  const line = 'exec 3<>"/dev/tcp/$0/$1"';
  const { code, connections } = await report("bash", "-c", line, "{tcp.address}", "{tcp.port}");
  assert.deepEqual([code, connections.map(({ verdict }) => verdict)], [0, ["inside"]]);
});

/** Linux's numbers of socket(2) and connect(2), by machine. */
const numbers = { x86_64: [41, 42], aarch64: [198, 203] }[Deno.build.arch as string];
const rawConnect = `
import ctypes, socket, struct, sys
libc = ctypes.CDLL(None)
fd = libc.syscall(${numbers?.[0]}, 2, 1, 0)
port = int(sys.argv[2])
address = struct.pack("=H", 2) + struct.pack(">H", port) + socket.inet_aton(sys.argv[1]) + bytes(8)
assert libc.syscall(${numbers?.[1]}, fd, address, len(address)) == 0
`;

testWith(["python3"], "check --program finds out a raw system call", async () => {
  const words = ["python3", "-c", rawConnect, "{tcp.address}", "{tcp.port}"];
  const { code, status, good, connections } = await report(...words);
  assert.deepEqual([code, status, good, connections.length], [1, 0, false, 1]);
  const [{ verdict, reason, witnesses }] = connections;
  assert.equal(verdict, "outside");
  assert.match(reason!, /^not through the library: .*a raw system call, io_uring, or /);
  assert.ok(witnesses.includes("peer") && !witnesses.includes("log"));
});

testWith(
  ["sh"],
  "check --program finds out a static child, at a destination of the user's",
  async () => {
    using directory = new TemporaryDirectory();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const status = `blk: {
    const linux = std.os.linux;
    const fd: i32 = @intCast(linux.socket(linux.AF.INET, linux.SOCK.STREAM, 0));
    const to: linux.sockaddr.in = .{ .port = std.mem.nativeToBig(u16, ${port}), .addr = std.mem.nativeToBig(u32, 0x7f000001) };
    if (linux.errno(linux.connect(fd, @ptrCast(&to), @sizeOf(linux.sockaddr.in))) != .SUCCESS) break :blk 1;
    var byte: [1]u8 = undefined;
    break :blk if (linux.read(fd, &byte, 1) == 0) 0 else 1;
  }`;
    const child = await staticProgram(directory, { name: "child", status });
    // The child stays connected until it has been seen.
    const seen = Promise.withResolvers<void>();
    const program = ["sh", "-c", '"$0"; exit 5', child];
    const checking = checkProgram(program, { ports: "61000-61511" }, ({ destination }) => {
      if (destination?.port === port) seen.resolve();
    });
    const connection = await listener.accept();
    await seen.promise;
    connection.close();
    const { status: own, connections } = await checking;
    assert.deepEqual([own, connections.length], [5, 1]);
    const [{ process, verdict, reason, witnesses, destination }] = connections;
    assert.deepEqual([process?.name, verdict, witnesses, destination], [
      "child",
      "outside",
      ["kernel"],
      { address: "127.0.0.1", port },
    ]);
    assert.equal(reason, `not through the library: ${child} is statically linked`);
  },
);

const isolate = ["unshare", "--user", "--map-root-user", "--mount", "--net"];
const isolation = await run([...isolate, "true"]).catch((error) => ({ code: 1, err: `${error}` }));

/** A test in namespaces of its own; skipped, visibly, where there can be none. */
function testIsolated(name: string, fn: () => Promise<void>) {
  const suffix = isolation.code === 0 ? "" : ` (skipped: ${isolation.err.trim()})`;
  Deno.test({ name: name + suffix, ignore: isolation.code !== 0, fn });
}

/** Runs `words` there, behind what the shell does by `steps`. */
function runIsolated(steps: string[], words: string[]): Promise<Outcome> {
  const script = ["PATH=$PATH:/usr/sbin:/sbin", "ip link set lo up", ...steps, 'exec "$@"'];
  return run([...isolate, "sh", "-c", script.join(" && "), "sh", ...words]);
}

const lookUp = `
import socket
try:
    socket.getaddrinfo("name.portpin.invalid", 80)
except socket.gaierror:
    pass
`;

testIsolated("check --program finds out the DNS queries of getaddrinfo", async () => {
  using directory = new TemporaryDirectory();
  const [resolver, names] = [directory.file("resolv.conf"), directory.file("nsswitch.conf")];
  // The socket that asks is there until it has been seen.
  Deno.writeTextFileSync(resolver, "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n");
  Deno.writeTextFileSync(names, "hosts: files dns\n");
  const steps = [
    `mount --bind ${resolver} "$(readlink -f /etc/resolv.conf)"`,
    `mount --bind ${names} "$(readlink -f /etc/nsswitch.conf)"`,
  ];
  const checking = join(import.meta.dirname!, "name_server_for_tests.ts");
  const words = [Deno.execPath(), "run", "--quiet", "-A", checking, "python3", "-c", lookUp];
  const { code, out, err } = await runIsolated(steps, words);
  assert.equal(code, 0, out + err);
  const { connections } = JSON.parse(out) as ProgramReport;
  assert.ok(connections.length > 0);
  for (const { transport, destination, verdict, reason } of connections) {
    assert.deepEqual([transport, destination?.port, verdict], ["udp", 53, "outside"]);
    assert.match(reason!, /^not through the library: a DNS query inside libc/);
  }
});

/** Connects twice to a server of its own; the second time from an address of its own choice. */
const connectTwice = `
import socket
server = socket.create_server(("192.0.2.129", 0))
first = socket.create_connection(server.getsockname())
second = socket.create_connection(server.getsockname(), source_address=("192.0.2.1", 0))
`;

testIsolated("check --program judges the source, from wherever it is given", async () => {
  using directory = new TemporaryDirectory();
  const policy = directory.file("policy.jsonc");
  Deno.writeTextFileSync(
    policy,
    '{ "name": "p", "ports": "61000-61511", "source": "192.0.2.7", "environment": ["PORTPIN_LOG"] }',
  );
  const addresses = ["192.0.2.1", "192.0.2.7", "192.0.2.129"];
  const steps = [
    ...addresses.map((address) => `ip address add ${address}/32 dev lo`),
    "echo '50000 61999' >/proc/sys/net/ipv4/ip_local_port_range",
  ];
  const ways = [
    [[], [...ports, "--source", "192.0.2.7"]],
    [["env", "PORTPIN_SOURCE=192.0.2.7"], ports],
    [[], ["--policy", policy]],
  ];
  for (const [before, options] of ways) {
    const { code, out, err } = await runIsolated(steps, [
      ...[...before, ...portpin, "check", "--program", "--json", ...options],
      ...["--", "python3", "-c", connectTwice],
    ]);
    assert.equal(code, 1, out + err);
    const { source, connections } = JSON.parse(out) as ProgramReport;
    assert.equal(source, "192.0.2.7");
    assert.deepEqual(
      connections.map(({ source, verdict, reason }) => [source.address, verdict, reason]),
      [
        ["192.0.2.7", "inside", null],
        [
          "192.0.2.1",
          "outside",
          "from 192.0.2.1, not 192.0.2.7: the program has bound this socket itself",
        ],
      ],
    );
  }
});

Deno.test("check --program shows the status of a program that fails, which is no verdict", async () => {
  const { code, status, connections } = await report("sh", "-c", "echo word; exit 3");
  assert.deepEqual([code, status, connections], [0, 3, []]);
  assert.equal((await report("sh", "-c", "kill -KILL $$")).status, "SIGKILL");
  const { out } = await check("--program", ...ports, "--", "sh", "-c", "exit 3");
  assert.equal(
    out,
    "no connection was seen\nthe program ended with 3\n0 inside, 0 outside, 0 left, 0 failed\n",
  );
});

Deno.test("check --program says when nobody came to a listener, and leaves other braces alone", async () => {
  const { code, problems, program } = await report("echo", "{udp} {dns.port} {other} ${HOME}");
  assert.equal(code, 1);
  assert.deepEqual(problems, ["nobody came to {udp}", "nobody came to {dns}"]);
  assert.match(program[1], /^127\.0\.0\.1:\d+ \d+ \{other\} \$\{HOME\}$/);
});

testWith(["bash"], "check --program goes by a policy, also by one that allows no log", async () => {
  using directory = new TemporaryDirectory();
  const policy = directory.file("policy.jsonc");
  Deno.writeTextFileSync(policy, '{ "name": "p", "ports": "61200-61299", "environment": [] }');
  const { code, out } = await check(
    ...["--program", "--json", "--policy", policy, "--", "bash", "-c"],
    ...['exec 3<>"/dev/tcp/$0/$1"', "{tcp.address}", "{tcp.port}"],
  );
  const { connections, ports, notes } = JSON.parse(out) as ProgramReport;
  assert.deepEqual([code, ports, connections.length], [0, "61200-61299", 1]);
  assert.match(notes[0], /^the policy allows no log/);
});

Deno.test("check --program counts the environment as the library does", async () => {
  using directory = new TemporaryDirectory();
  const policy = directory.file("policy.jsonc");
  Deno.writeTextFileSync(
    policy,
    '{ "name": "p", "ports": "61200-61299", "whenUnkept": "leave", ' +
      '"environment": ["PORTPIN_PORTS", "PORTPIN_LOG", "PORTPIN_OFF"] }',
  );
  const words = [...portpin, "check", "--program", "--json", "--policy", policy, "--", "true"];
  const portsWith = async (...variables: string[]) => {
    const { out } = await run(["env", ...variables, ...words]);
    return (JSON.parse(out) as ProgramReport).ports;
  };
  assert.equal(await portsWith("PORTPIN_PORTS=61000-61001"), "61000-61001");
  // What the policy forbids is ignored; and what cannot be used is nothing to the library.
  assert.equal(await portsWith("PORTPIN_PORTS=61000-61001", "PORTPIN_SLICE=0/2"), "61000-61001");
  assert.equal(await portsWith("PORTPIN_PORTS=61000-"), "61200-61299");
  const off = await run(["env", "PORTPIN_OFF=1", ...words]);
  assert.deepEqual([off.code, off.out], [78, ""]);
  assert.match(off.err, /^portpin: Cannot check with PORTPIN_OFF=1: .*\n$/);
});

testWith(["bash"], "check --program writes JUnit's XML", async () => {
  using directory = new TemporaryDirectory();
  const file = directory.file("report.xml");
  const program = ["bash", "-c", 'exec 3<>"/dev/tcp/$0/$1" # <&>', "{tcp.address}", "{tcp.port}"];
  const junit = (name: string) => check("--program", "--junit", name, ...ports, "--", ...program);
  assert.equal((await junit(file)).code, 0);
  const text = Deno.readTextFileSync(file);
  assert.match(text, /<testsuites tests="2" failures="0">/);
  assert.match(text, /<testsuite name="bash -c exec 3&lt;&gt;&quot;\/dev.* # &lt;&amp;&gt; 127/);
  assert.match(
    text,
    /name="tcp 127\.0\.0\.1:61\d+ to 127\.0\.0\.1:\d+"\/>\n.*name="run \(status 0\)"\/>/,
  );
});

Deno.test("check --program refuses a report that has no place before it starts the program", async () => {
  using directory = new TemporaryDirectory();
  const program = ["sh", "-c", 'echo ran; echo ran >"$0"', directory.file("ran")];
  const absent = directory.file("absent/report.xml");
  for (const file of [directory.path, absent]) {
    const { code, out, err } = await check(
      "--program",
      "--junit",
      file,
      ...ports,
      "--",
      ...program,
    );
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /^portpin: Cannot write \S+: [A-Z][a-z ]+\n$/);
  }
  assert.deepEqual([...Deno.readDirSync(directory.path)], []);
  // Where the program cannot be run there is no report.
  const file = directory.file("report.xml");
  assert.equal((await check("--program", "--junit", file, ...ports, "--", "no-such")).code, 127);
  assert.deepEqual([...Deno.readDirSync(directory.path)], []);
  const full = await check("--program", "--junit", "/dev/full", ...ports, "--", "true");
  assert.equal(full.code, 1);
  assert.match(full.err, /^portpin: Cannot write \/dev\/full: No space left on device\n$/);
});

Deno.test("check --program lets the program end as it would, wherever its output is lost", async () => {
  using directory = new TemporaryDirectory();
  const file = directory.file("ended");
  const program = ["sh", "-c", 'for i in 1 2 3; do echo $i || exit 9; done; echo yes >"$0"', file];
  const words = [...portpin, "check", "--program", ...ports, "--", ...program];
  const { code, out } = await run(["sh", "-c", 'exec "$@" 2>/dev/full', "sh", ...words]);
  assert.deepEqual([code, out.split("\n")[1]], [0, "the program ended with 0"]);
  assert.equal(Deno.readTextFileSync(file), "yes\n");
});

Deno.test("check --program says in one line what goes wrong around the program", async () => {
  using directory = new TemporaryDirectory();
  using busy = new BusyProgram(directory.file("busy"));
  const started = await check("--program", ...ports, "--", busy.path);
  assert.deepEqual([started.code, started.out], [126, ""]);
  assert.equal(started.err, `portpin: Cannot run ${busy.path}: Text file busy\n`);

  const words = [...portpin, "check", "--program", ...ports, "--", "true"];
  const { code, err } = await run(["env", `TMPDIR=${directory.file("absent")}`, ...words]);
  assert.equal(code, 1);
  assert.equal(err, "portpin: Cannot make a temporary folder: No such file or directory\n");

  const { problems } = await report("sh", "-c", 'rm "$PORTPIN_LOG"');
  assert.deepEqual(problems, ["the log cannot be read: it is gone"]);
});

Deno.test("check --program refuses as run does, and says what is wrong with its command line", async () => {
  using directory = new TemporaryDirectory();
  const fixed = await staticProgram(directory, { name: "fixed" });
  const refusals: [string[], number, RegExp][] = [
    [["--program", ...ports, "--", "no-such-program"], 127, /no such program on PATH/],
    [["--program", ...ports, "--", fixed], 126, /it is statically linked/],
    [["--program", "--ports", "60000-", "--", "true"], 78, /Cannot use --ports 60000-: /],
    [["--program", "--", "true"], 78, /Cannot run without ports or a source/],
    [["--program", ...ports], 2, /Cannot check nothing: expected --program -- PROGRAM/],
    [["--program", "--world", "emulation", "--", "true"], 2, /Cannot use --world emulation with/],
    [["--json"], 2, /Cannot use --json without --program/],
    [[...ports, "program-curl"], 2, /Cannot use --ports without --program/],
  ];
  for (const [words, code, reason] of refusals) {
    const outcome = await check(...words);
    assert.deepEqual([outcome.code, outcome.out], [code, ""], words.join(" "));
    assert.match(outcome.err, reason);
    assert.match(outcome.err, /^portpin: .*\n$/);
  }
});
