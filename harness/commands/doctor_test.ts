// `portpin doctor` as its user runs it, on this kernel and on kernels and namespaces that are played.

import assert from "node:assert/strict";
import { join } from "node:path";
import { build, root } from "../../generator/build.ts";
import { Report } from "../doctor/report.ts";
import { buildPrograms, dist } from "../library.ts";
import { guestEnvironment } from "../launch.ts";

const words = ["run", "-A", "--quiet", join(root, "harness", "portpin.ts"), "doctor"];

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

/** Runs `portpin doctor ARGS` under `wrapper`, with no PORTPIN_ variable but these. */
async function doctor(
  args: string[],
  wrapper: string[] = [],
  variables: Record<string, string> = {},
): Promise<Outcome> {
  const [program, ...rest] = [...wrapper, Deno.execPath(), ...words, ...args];
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: rest,
    clearEnv: true,
    env: guestEnvironment(variables),
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { status: code, out, error };
}

/** The JSON of such a run, and its status. */
async function reportOf(
  args: string[],
  wrapper: string[] = [],
): Promise<Report & { status: number }> {
  const { status, out, error } = await doctor([...args, "--json"], wrapper);
  assert.equal(error, "");
  return { ...Report.parse(JSON.parse(out)), status };
}

function socketOf({ facts }: Report, transport: string, family: string) {
  return facts.sockets.find((socket) =>
    socket.transport === transport && socket.family === family
  )!;
}

const ports = ["--ports", "60000-60511"];
const oldKernel = join(dist, "programs", "native", "old_kernel");

Deno.test("doctor says that the library is taken in, and by which engine ports are kept", async () => {
  await build();
  const { status, out, error } = await doctor(ports, [], { LC_ALL: "C.UTF-8" });
  assert.equal(error, "");
  assert.match(out, /^ {2}✓ LD_PRELOAD works: the loader took .*libportpin\.so into a program$/m);
  assert.match(out, /^ {2}✓ Ports 60000-60511 can be kept here: on tcp, udp/m);
  assert.equal(status, 0);
});

Deno.test("doctor's text is ASCII where the locale is", async () => {
  const { out } = await doctor(ports, [], { LC_ALL: "C" });
  assert.match(out, /^ {2}ok AT_SECURE is not set$/m);
  assert.ok([...out].every((character) => character.charCodeAt(0) < 128));
});

Deno.test("doctor finds what an old kernel lacks, and that the emulation keeps the ports", async () => {
  await buildPrograms();
  const report = await reportOf(ports, [oldKernel]);
  const { portRange, noPort } = socketOf(report, "tcp", "ipv6");
  assert.deepEqual([portRange, noPort], ["ENOPROTOOPT", null]);
  assert.equal(report.facts.isolation.filtered, true);
  assert.deepEqual([...new Set(report.engines.map(({ engine }) => engine))], ["emulation"]);
  assert.equal(report.status, 0);
});

Deno.test("doctor finds that an older kernel cannot defer binds either", async () => {
  await buildPrograms();
  const report = await reportOf(ports, [oldKernel, "--without-24"]);
  for (const transport of ["tcp", "udp"]) {
    const { portRange, noPort } = socketOf(report, transport, "ipv4");
    assert.deepEqual([portRange, noPort], ["ENOPROTOOPT", "ENOPROTOOPT"]);
  }
  assert.equal(report.status, 0);
});

Deno.test("doctor says that the kernel engine alone cannot do it on an old kernel", async () => {
  await buildPrograms();
  const variables = { PORTPIN_ENGINE: "kernel" };
  const { status, out } = await doctor(ports, [oldKernel], variables);
  assert.match(out, /^ {2}✗ Ports 60000-60511 cannot be kept here/m);
  assert.equal(status, 1);
});

const namespace = ["unshare", "--user", "--map-root-user", "--net"];
const namespaces = await new Deno.Command(namespace[0], { args: [...namespace.slice(1), "true"] })
  .output().then(({ success }) => success, () => false);

Deno.test({
  name: "doctor looks at its own network namespace, also where loopback is down",
  ignore: !namespaces,
  async fn() {
    const ipv4 = "/proc/sys/net/ipv4";
    const script = `echo 20000 29999 > ${ipv4}/ip_local_port_range && ` +
      `echo 20010,20020-20029 > ${ipv4}/ip_local_reserved_ports && exec "$@"`;
    const inside = [...namespace, "sh", "-c", script, "sh"];

    const outside = await reportOf(ports, inside);
    assert.deepEqual(outside.facts.namespace, {
      ipLocalPortRange: "20000-29999",
      ipLocalReservedPorts: "20010,20020-20029",
      ipUnprivilegedPortStart: 1024,
    });
    for (const { socket, portRange, honoured } of outside.facts.sockets) {
      assert.equal(honoured, socket === null && portRange === null ? true : null);
    }
    // The kernel takes the option, and ignores it.
    const [tcp] = outside.facts.ranges;
    assert.ok(tcp.kernel.port! >= 20000 && tcp.kernel.port! <= 29999, `${tcp.kernel.port}`);
    assert.ok(tcp.emulation.port! >= 60000 && tcp.emulation.port! <= 60511);
    assert.deepEqual([...new Set(outside.engines.map(({ engine }) => engine))], ["emulation"]);
    assert.equal(outside.status, 0);

    const reserved = await reportOf(["--ports", "20020-20029"], inside);
    assert.deepEqual([reserved.kept, reserved.status], [false, 1]);
    assert.ok(
      reserved.sections.flatMap(({ findings }) => findings)
        .some(({ advice }) => advice === 'sysctl -w net.ipv4.ip_local_reserved_ports="20010"'),
    );
  },
});

Deno.test("doctor finds that bind is forbidden, and what that means to each engine", async () => {
  await buildPrograms();
  const forbidBind = [join(dist, "programs", "native", "forbid_bind"), "EACCES"];
  const utf8 = { LC_ALL: "C.UTF-8" };
  const old = await doctor(ports, [...forbidBind, oldKernel], utf8);
  assert.match(old.out, /^ {2}✗ Engine emulation: cannot: .* bind\(\) to one of .* gives EACCES$/m);
  assert.match(old.out, /^ {2}✗ Ports 60000-60511 cannot be kept here/m);
  assert.equal(old.status, 1);
  // No engine but the emulation calls bind(2) for a guest's connect.
  const kernel = await reportOf(ports);
  if (kernel.engines[0].engine !== "kernel") return;
  const able = await doctor(ports, forbidBind, utf8);
  assert.match(able.out, /^ {2}! sock_diag could not be tried on tcp \(EACCES\): /m);
  assert.match(able.out, /^ {2}✓ Ports 60000-60511 can be kept here: .* by the kernel engine$/m);
  assert.equal(able.status, 0);
});

Deno.test({
  name: "doctor says which sysctl keeps user namespaces from it",
  ignore: !namespaces,
  async fn() {
    // The limit is this user namespace's own.
    const script = `echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"`;
    const { facts, kept } = await reportOf(ports, [...namespace, "sh", "-c", script, "sh"]);
    assert.match(facts.isolation.user!, /No space left on device$/);
    assert.deepEqual(facts.isolation.remedies, ["sysctl -w user.max_user_namespaces=15000"]);
    assert.equal(kept, true);
  },
});

Deno.test({
  name: "doctor says so where it cannot look at the kernel",
  ignore: !namespaces,
  async fn() {
    const script = `mount -t tmpfs none /proc/sys && exec "$@"`;
    const wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"];
    const { status, out, error } = await doctor(ports, wrapper);
    assert.deepEqual([status, out], [1, ""]);
    assert.match(error, /^portpin: Cannot look at the kernel: .*ip_local_port_range'?\n$/);
  },
});

Deno.test("doctor tries the source", async () => {
  const here = await reportOf([...ports, "--source", "127.0.0.1"]);
  assert.deepEqual(here.facts.source, [{ address: "127.0.0.1", bind: null }]);
  // An address of documentation (RFC 5737), which no host has.
  const { status, out } = await doctor([...ports, "--source", "203.0.113.77"]);
  assert.match(out, / 203\.0\.113\.77 cannot be sent from: bind\(\) gives EADDRNOTAVAIL$/m);
  assert.equal(status, 1);
});

Deno.test("doctor refuses values that cannot be used, and options that it does not know", async () => {
  const refused = (reason: string) => ({ status: 78, out: "", error: `portpin: ${reason}\n` });
  assert.deepEqual(
    await doctor(["--ports", "60000-"]),
    refused("Cannot use --ports 60000-: expected LOW-HIGH"),
  );
  assert.deepEqual(
    await doctor([], [], { PORTPIN_SLICE: "9" }),
    refused("Cannot use PORTPIN_SLICE=9: expected INDEX/COUNT"),
  );
  const { status, error } = await doctor(["--port", "1"]);
  assert.equal(status, 2);
  assert.match(error, /^error: unknown option '--port'/);
});
