// `portpin run` seen from its user's side: what goes in and what comes out, compared with the same
// program run bare.

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { root } from "../../generator/build.ts";
import { BusyProgram, staticProgram, TemporaryDirectory } from "../preflight/programs_for_tests.ts";

const direct = [Deno.execPath(), "run", "--quiet", "-A", join(root, "harness", "portpin.ts")];
const task = [
  Deno.execPath(),
  "task",
  "--quiet",
  "--config",
  join(root, "deno.json"),
  "portpin",
];
const ports = ["--ports", "40000-40099"];

interface Outcome {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly out: string;
  readonly err: string;
}

async function run(words: string[], options: Deno.CommandOptions = {}): Promise<Outcome> {
  const [command, ...args] = words;
  const { code, signal, stdout, stderr } = await new Deno.Command(command, { args, ...options })
    .output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, signal, out, err };
}

/** Runs the program under portpin. */
function pinned(words: string[], options?: Deno.CommandOptions): Promise<Outcome> {
  return run([...direct, "run", ...ports, "--", ...words], options);
}

/** Runs a shell's command line, in which `portpin` is a function, so the shell stays our parent. */
function shell(
  line: string,
  { launcher = direct, ...options }: Deno.CommandOptions & { launcher?: string[] } = {},
): Promise<Outcome> {
  const quoted = [...launcher, "run", ...ports, "--"].map((word) => `'${word}'`).join(" ");
  return run(["sh", "-c", `portpin() { ${quoted} "$@"; }\n${line}\nexit $?`], options);
}

Deno.test("run makes a program's connection leave from the ports", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const outcome = pinned(["bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${port}`]);
  using connection = await listener.accept();
  const source = connection.remoteAddr.port;
  assert.ok(source >= 40000 && source <= 40099, `${source}`);
  assert.deepEqual(await outcome, { code: 0, signal: null, out: "", err: "" });
});

Deno.test("run gives the program's exit status", async () => {
  for (const code of [0, 1, 2, 77, 78, 126, 127, 128, 130, 143, 254, 255]) {
    const outcome = await pinned(["sh", "-c", `exit ${code}`]);
    assert.deepEqual(outcome, { code, signal: null, out: "", err: "" });
  }
});

Deno.test("run dies of the signal that its program died of", async () => {
  for (const signal of ["TERM", "KILL", "SEGV", "PIPE", "INT", "HUP"]) {
    const outcome = await pinned(["sh", "-c", `kill -${signal} $$`]);
    assert.equal(outcome.signal, `SIG${signal}`);
  }
});

Deno.test("run under deno task gives the same statuses", async () => {
  const status = async (line: string) =>
    (await run([...task, "run", ...ports, "--", "sh", "-c", line])).code;
  assert.equal(await status("exit 0"), 0);
  assert.equal(await status("exit 77"), 77);
  assert.equal(await status("kill -TERM $$"), 128 + 15);
});

Deno.test("run passes every argument on as it is", async () => {
  const words = [
    ...["", " ", "a b", "--ports", "1", "--", "-h", "--help", "--version", "line\nline"],
    ...["é 日本", "'\"`$HOME\\", "*", ";", "\t\r", "-"],
  ];
  const print = ["sh", "-c", 'for word; do printf "<%s>" "$word"; done', "sh", ...words];
  const expected = words.map((word) => `<${word}>`).join("");
  assert.equal((await pinned(print)).out, expected);
  assert.equal((await run([...direct, "run", ...ports, ...print])).out, expected);
  assert.equal((await run([...task, "run", ...ports, "--", ...print])).out, expected);
});

Deno.test("run passes on arguments and variables that are not UTF-8", async () => {
  const line = `raw=$(printf '\\377\\376'); export raw
    portpin sh -c 'printf "%s|%s" "$0" "$raw" | od -An -tx1' "$raw"`;
  for (const launcher of [direct, task]) {
    assert.equal((await shell(line, { launcher })).out.trim(), "ff fe 7c ff fe");
  }
});

Deno.test("run takes a name with blanks, relative to the user's directory", async () => {
  using directory = new TemporaryDirectory();
  Deno.mkdirSync(directory.file("a b é"));
  directory.executable("a b é/my program", '#!/bin/sh\npwd\necho "$0"\n');
  for (const portpin of [direct, task]) {
    const outcome = await run([...portpin, "run", ...ports, "--", "./a b é/my program"], {
      cwd: directory.path,
    });
    assert.equal(outcome.out, `${directory.path}\n./a b é/my program\n`, outcome.err);
  }
});

Deno.test("run leaves standard input and output as they are, byte for byte", async () => {
  const size = 8 << 20;
  const content = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) {
    crypto.getRandomValues(content.subarray(at, at + 65536));
  }
  const [command, ...args] = [...direct, "run", ...ports, "--", "cat"];
  const cat = new Deno.Command(command, { args, stdin: "piped", stdout: "piped" }).spawn();
  const [, { code, stdout }] = await Promise.all([
    new Blob([content]).stream().pipeTo(cat.stdin),
    cat.output(),
  ]);
  assert.equal(code, 0);
  assert.equal(stdout.length, size);
  assert.ok(stdout.every((byte, index) => byte === content[index]));
});

Deno.test("run works with closed standard streams", async () => {
  assert.deepEqual(await shell("portpin cat <&-"), { code: 0, signal: null, out: "", err: "" });
  assert.equal((await shell("portpin true >&- 2>&-")).code, 0);
  assert.equal((await shell("portpin echo word 2>&-")).out, "word\n");
});

Deno.test("run lets a broken pipe end the program", async () => {
  const { out, err } = await shell("(portpin yes; echo $? >&2) | head -1");
  assert.deepEqual({ out, err }, { out: "y\n", err: `${128 + 13}\n` });
});

Deno.test("run hands descriptors, limits and signal dispositions over as it got them", async () => {
  // Of 64 signals the first 28: what is ignored of the C library's own depends on who spawns us.
  const look = `
    sed -nE 's/^(SigBlk|SigIgn):.*[0-9a-f](.......)$/\\1 \\2/p' /proc/self/status; ulimit -Sn; ulimit -Ss; umask
    ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> .*/\\1/p' | grep -v '^[0-2]$' | tail -n +2`;
  const before = "ulimit -Sn 333; ulimit -Ss 4444; umask 027; exec 7</dev/null";
  const ignoring = `trap '' HUP USR1; ${before}`;
  // Whatever was ignored, `deno task` catches and so makes the default again.
  for (const [launcher, line] of [[direct, ignoring], [direct, before], [task, before]] as const) {
    const bare = await shell(`${line}; sh -c "$look"`, { env: { look } });
    const ignored = line === ignoring ? "0000201" : "0000000";
    assert.match(bare.out, new RegExp(`^SigBlk 0000000\nSigIgn ${ignored}\n333\n4444\n`));
    const options = { env: { look }, launcher: [...launcher] };
    assert.deepEqual(await shell(`${line}; portpin sh -c "$look"`, options), bare);
  }
});

Deno.test("run adds nothing to the environment but what makes it work", async () => {
  using directory = new TemporaryDirectory();
  const options = {
    clearEnv: true,
    cwd: directory.path,
    env: {
      ...{ LANG: "xx_YY.none", PWD: directory.path, ODD: "a\nb=c", EMPTY: "" },
      DENO_DIR: denoDirectory(),
    },
  };
  const variables = async (words: string[]) => {
    const { out, err } = await run([...words, "/usr/bin/env", "-0"], options);
    return { entries: out.split("\0").sort(), err };
  };
  const { entries } = await variables([]);
  entries.push(`LD_PRELOAD=${join(root, "dist", "libportpin.so")}`, "PORTPIN_PORTS=40000-40099");
  for (const portpin of [direct, task]) {
    const got = await variables([...portpin, "run", ...ports, "--"]);
    assert.deepEqual(got.entries, entries.sort(), got.err);
  }
});

/** Where Deno keeps its cache: it cannot find that without HOME. */
function denoDirectory(): string {
  return Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME")!, ".cache", "deno");
}

Deno.test("run finds a program without PATH where execvp does", async () => {
  const options = { clearEnv: true, env: { DENO_DIR: denoDirectory() } };
  assert.equal((await pinned(["sh", "-c", "echo $0"], options)).out, "sh\n");
});

Deno.test("run puts its library before the preloads that are there already", async () => {
  const env = { LD_PRELOAD: "libm.so.6 libdl.so.2" };
  const { out } = await pinned(["sh", "-c", 'echo "$LD_PRELOAD"'], { env });
  assert.equal(out, `${join(root, "dist", "libportpin.so")}:libm.so.6 libdl.so.2\n`);
});

Deno.test("run works inside nohup, timeout and setsid", async () => {
  const ignored = async (...wrapper: string[]) => {
    const { out, err } = await wrapped(...wrapper);
    return /^SigIgn:.*([0-9a-f])\n$/.exec(out)?.[1] ?? err;
  };
  assert.equal(await ignored("nohup"), "1");
  assert.equal(await ignored("timeout", "300"), "0");
  assert.equal(await ignored("setsid", "-w"), "0");
  const ended = await run([
    ...["timeout", "2", ...direct, "run", ...ports, "--", "sleep", "3600"],
  ]);
  assert.equal(ended.code, 124);
});

function wrapped(...wrapper: string[]): Promise<Outcome> {
  return run([...wrapper, ...direct, "run", ...ports, "--", "grep", "SigIgn", "/proc/self/status"]);
}

Deno.test("run refuses with the shell's statuses, and starts nothing", async () => {
  using directory = new TemporaryDirectory();
  const fixed = await staticProgram(directory, { name: "fixed" });
  const plain = directory.file("plain");
  Deno.writeTextFileSync(plain, "");
  const refusals: [string, number, RegExp][] = [
    ["no-such-program", 127, /no such program on PATH/],
    [plain, 126, /it is not executable/],
    [directory.path, 126, /it is a directory/],
    [fixed, 126, /it is statically linked/],
  ];
  for (const portpin of [direct, task]) {
    for (const [program, code, reason] of refusals) {
      const outcome = await run([...portpin, "run", ...ports, "--", program]);
      assert.deepEqual([outcome.code, outcome.out], [code, ""]);
      assert.match(outcome.err, new RegExp(`^portpin: Cannot run ${program}: .*\n$`));
      assert.match(outcome.err, reason);
    }
  }
});

Deno.test("run says when the kernel will not execute the program after all", async () => {
  using directory = new TemporaryDirectory();
  using busy = new BusyProgram(directory.file("busy"));
  const program = busy.path;
  assert.deepEqual(await pinned([program]), {
    code: 126,
    signal: null,
    out: "",
    err: `portpin: Cannot run ${program}: Text file busy\n`,
  });
  const underTask = await run([...task, "run", ...ports, "--", program]);
  assert.deepEqual([underTask.code, underTask.err], [
    126,
    `portpin: Cannot run ${program}: ETXTBSY\n`,
  ]);
});

Deno.test("run refuses settings that cannot be used", async () => {
  const refused = async (args: string[], env: Record<string, string> = {}) => {
    const { code, out, err } = await run([...direct, "run", ...args, "--", "true"], { env });
    assert.deepEqual([code, out], [78, ""]);
    return err;
  };
  assert.equal(
    await refused(["--ports", "60000-"]),
    "portpin: Cannot use --ports 60000-: expected LOW-HIGH\n",
  );
  assert.equal(
    await refused([], { PORTPIN_PORTS: "x" }),
    "portpin: Cannot use PORTPIN_PORTS=x: expected LOW-HIGH\n",
  );
  assert.match(await refused([...ports, "--slice", "4/4"]), /Cannot use --slice 4\/4: /);
  assert.equal(
    await refused([...ports, "--source", "192.0.2.7,192.0.2.8"]),
    "portpin: Cannot use --source 192.0.2.7,192.0.2.8: " +
      "192.0.2.8 is a second IPv4 address, expected IPv6\n",
  );
  assert.match(await refused(ports, { PORTPIN_LOG: "here" }), /Cannot use PORTPIN_LOG=here: /);
  assert.match(await refused([]), /^portpin: Cannot run without ports or a source: /);
  assert.match(await refused(["--policy", "nope.jsonc"]), /^nope\.jsonc: Cannot read the policy/);
});

Deno.test("run lets a flag take the place of its variable", async () => {
  const env = { PORTPIN_PORTS: "nonsense", PORTPIN_SLICE: "0/2" };
  const { out, err } = await pinned(["sh", "-c", 'echo "$PORTPIN_PORTS $PORTPIN_SLICE"'], { env });
  assert.equal(out, "40000-40099 0/2\n", err);
});

Deno.test("run passes a source on, also without ports", async () => {
  const print = ["sh", "-c", 'echo "$PORTPIN_SOURCE"'];
  const { out, err } = await run([...direct, "run", "--source", "127.0.0.9", "--", ...print]);
  assert.equal(out, "127.0.0.9\n", err);
});

Deno.test("run builds a policy's library, and keeps to what the policy forbids", async () => {
  using directory = new TemporaryDirectory();
  const policy = directory.file("fixed.jsonc");
  Deno.writeTextFileSync(policy, '{ "name": "fixed", "ports": "40200-40299", "environment": [] }');
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const outcome = run([
    ...[...task, "run", "--policy", "fixed.jsonc", "--"],
    ...["bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${port}`],
  ], { cwd: dirname(policy) });
  using connection = await listener.accept();
  assert.equal((await outcome).code, 0);
  const source = connection.remoteAddr.port;
  assert.ok(source >= 40200 && source <= 40299, `${source}`);

  const refused = await run([...direct, "run", ...ports, "--policy", policy, "--", "true"]);
  assert.equal(refused.code, 78);
  assert.match(refused.err, /Cannot use --ports 40000-40099: the policy forbids it/);
});

Deno.test("run says what is wrong with its own command line", async () => {
  for (const words of [["run"], ["run", "--port", "1", "x"], ["run", "--ports"], ["walk"], []]) {
    const { code, out, err } = await run([...direct, ...words]);
    assert.deepEqual([code, out], [2, ""], words.join(" "));
    assert.match(err, words.length === 0 ? /^Usage: portpin / : /^error: /);
    assert.doesNotMatch(err, /\n {4}at /);
  }
});
