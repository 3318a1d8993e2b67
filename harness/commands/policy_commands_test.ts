// generate, build and explain as the user runs them: standard streams and exit status.

import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../generator/build.ts";

const policies = join(root, "fixtures", "policies");

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs `portpin ARGS` in the directory of the policies, under `wrapper` if there is one. */
async function portpin(args: string[], wrapper: string[] = []): Promise<Outcome> {
  const command = [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    join(root, "harness", "portpin.ts"),
    ...args,
  ];
  const [program, ...rest] = [...wrapper, ...command];
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: rest,
    cwd: policies,
    env: { INIT_CWD: policies, NO_COLOR: "1" },
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { status: code, stdout: out, stderr: error };
}

Deno.test("generate prints the zon of a policy and nothing else", async () => {
  const zon = await Deno.readTextFile(join(policies, "good", "edge.zon"));
  assert.deepEqual(await portpin(["generate", "good/edge.jsonc"]), {
    status: 0,
    stdout: zon,
    stderr: "",
  });
});

for (const command of ["generate", "build", "explain"]) {
  Deno.test(`${command} refuses a bad policy with a line for each problem and status 78`, async () => {
    assert.deepEqual(await portpin([command, "bad/all_at_once.jsonc"]), {
      status: 78,
      stdout: "",
      stderr: (await expectedOf("bad/all_at_once.jsonc")).map((line) => `${line}\n`).join(""),
    });
  });
}

/** The problems that the fixture's own comments expect, as the command is to print them. */
async function expectedOf(file: string): Promise<string[]> {
  const expected: string[] = [];
  let line = 0;
  const lines = (await Deno.readTextFile(join(policies, file))).split("\n");
  for (const [index, text] of lines.entries()) {
    if (!text.trimStart().startsWith("//")) line = index + 1;
    const match = /\/\/ error (\d+): (.*)$/.exec(text);
    if (match !== null) expected.push(`${file}:${line}:${match[1]}: ${match[2]}`);
  }
  assert.equal(expected.length, 7);
  return expected;
}

Deno.test("generate says that it may not read a policy", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.chmod(file, 0o000);
    // Root may read anything, until it gives up the capabilities that let it.
    const caps = "-dac_override,-dac_read_search";
    const wrapper = Deno.uid() === 0
      ? ["setpriv", `--inh-caps=${caps}`, `--bounding-set=${caps}`]
      : [];
    assert.deepEqual(await portpin(["generate", file], wrapper), {
      status: 78,
      stdout: "",
      stderr: `${file}: Cannot read the policy: Permission denied\n`,
    });
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("build prints where the library is", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const out = join(directory, "library.so");
    const outcome = await portpin(["build", "good/edge.jsonc", "--out", out]);
    assert.deepEqual(outcome, { status: 0, stdout: `${out}\n`, stderr: "" });
    assert((await Deno.stat(out)).isFile);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("build refuses an unknown target as a usage error", async () => {
  const { status, stderr } = await portpin(["build", "--target", "mips-linux"]);
  assert.equal(status, 2);
  assert.match(stderr, /^portpin: Cannot build for mips-linux: expected one of x86_64-linux, /);
});

Deno.test("explain says what a policy does to one destination", async () => {
  const { status, stdout, stderr } = await portpin([
    ...["explain", "good/partners.jsonc", "--to", "[::ffff:10.1.2.3]:53/udp"],
  ]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /^rules\[0\] \(line 11\) does not match: 10\.1\.2\.3 is in none /);
  assert.match(
    stdout,
    /\nrules\[1\] \(line 20\) matches 10\.1\.2\.3:53\/udp: .*\nGuests are left alone/,
  );
});

Deno.test("explain refuses a destination that is none as a usage error", async () => {
  const reasons: [string, string][] = [
    ["192.0.2.7", "it has no port, expected 192.0.2.7:PORT"],
    ["192.0.2.7:443/quic", 'expected one of tcp, udp, sctp, not "quic"'],
    ["example.com:443", "expected ADDRESS:PORT, an IPv6 address in brackets"],
  ];
  for (const [to, reason] of reasons) {
    assert.deepEqual(await portpin(["explain", "good/partners.jsonc", "--to", to]), {
      status: 2,
      stdout: "",
      stderr: `portpin: Cannot use --to ${to}: ${reason}\n`,
    });
  }
});

const namespace = ["unshare", "--user", "--map-root-user", "--net"];
const namespaces = await new Deno.Command(namespace[0], { args: [...namespace.slice(1), "true"] })
  .output().then(({ success }) => success, () => false);

Deno.test({
  name: "explain looks at its own network namespace",
  ignore: !namespaces,
  async fn() {
    const ipv4 = "/proc/sys/net/ipv4";
    const script = `echo 60000 60400 > ${ipv4}/ip_local_port_range && ` +
      `echo 60010,60020-60029 > ${ipv4}/ip_local_reserved_ports && exec "$@"`;
    const inside = [...namespace, "sh", "-c", script, "sh"];

    const kept = await portpin(["explain", "good/edge.jsonc"], inside);
    assert.equal(kept.status, 0);
    assert.match(kept.stdout, /^Policy edge uses 128 ports: 60000-60127, slice 0\/4 /);
    assert.match(
      kept.stdout,
      /namespace, 60000-60400, contains the ports: the kernel itself chooses/,
    );
    assert.match(
      kept.stdout,
      /^Warning: 60010,60020-60029: reserved .*; 117 of the ports remain\.$/m,
    );

    const unkept = await portpin(["explain", "good/scattered.jsonc"], inside);
    assert.equal(unkept.status, 0);
    assert.match(unkept.stdout, /does not contain 50000-50001,60000-60511,61000: /);
  },
});
