import assert from "node:assert/strict";
import { join } from "node:path";
import { buildPrograms, dist } from "./library.ts";
import { inFreshNamespace, inFreshPair, namespaceProblem, pairProblem } from "./namespace.ts";
import { cable, guestAddresses, peerAddresses } from "./places.ts";

const outside = namespaceProblem() !== undefined;
const ownNetwork = "/proc/thread-self/ns/net";

function network(): string {
  return Deno.readLinkSync(ownNetwork);
}

function portRange(): string {
  return Deno.readTextFileSync("/proc/sys/net/ipv4/ip_local_port_range").trim();
}

const script = join(import.meta.dirname!, "namespace.ts");

/** Starts `argv` in a namespace; `before` is what starts that. */
async function enter(argv: string[], before: string[] = []) {
  const [program, ...args] = [...before, Deno.execPath(), "run", "--quiet", "-A", script];
  const { stdout, stderr, code } = await new Deno.Command(program, {
    args: [...args, "--", ...argv],
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

Deno.test("inFreshNamespace() is a namespace inside ours, for us and what we launch", {
  ignore: outside,
}, async () => {
  const before = [network(), portRange()];
  await inFreshNamespace({ "net.ipv4.ip_local_port_range": "50000 50001" }, async () => {
    assert.notEqual(network(), before[0]);
    assert.equal(portRange(), "50000\t50001");
    const { stdout } = await new Deno.Command("readlink", { args: [ownNetwork] }).output();
    assert.equal(new TextDecoder().decode(stdout).trim(), network());
    using listener = Deno.listen({ hostname: "::1", port: 0 });
    const { port } = listener.addr;
    assert.ok(port === 50000 || port === 50001);
    (await Deno.connect({ hostname: "::1", port })).close();
  });
  assert.deepEqual([network(), portRange()], before);
});

Deno.test("inFreshPair() joins the guest's namespace with its peers', and leaves nothing of it", {
  ignore: pairProblem() !== undefined,
}, async () => {
  const before = [network(), portRange()];
  await inFreshPair({ "net.ipv4.ip_local_port_range": "50000 50001" }, async (inGuests) => {
    const peers = network();
    assert.equal(portRange(), "32768\t60999");
    assert.deepEqual(inGuests(() => [network() !== peers, portRange()]), [true, "50000\t50001"]);
    assert.throws(() => inGuests(() => Deno.readTextFileSync("/no/such/file")));
    assert.equal(network(), peers);
    for (const peer of peerAddresses) {
      for (const [way, address] of Object.entries(peer)) {
        const args = ["-c", `PATH=$PATH:/sbin; ip route get ${address} oif ${cable.name}`];
        const { stdout } = inGuests(() => new Deno.Command("sh", { args }).outputSync());
        const source = /src (\S+)/.exec(new TextDecoder().decode(stdout))?.[1];
        assert.equal(source, guestAddresses.natural[way as keyof typeof peer]);
      }
    }
    using listener = Deno.listen({ hostname: peerAddresses[2].ipv4, port: 9000 });
    const script = `exec 3<>/dev/tcp/${peerAddresses[2].ipv4}/9000`;
    const client = inGuests(() => new Deno.Command("bash", { args: ["-c", script] }).spawn());
    using connection = await listener.accept();
    assert.equal(connection.remoteAddr.hostname, guestAddresses.natural.ipv4);
    await client.status;
  });
  assert.deepEqual([network(), portRange()], before);
});

Deno.test("inFreshNamespace() comes back when the action fails, or a setting cannot be made", {
  ignore: outside,
}, async () => {
  const before = network();
  const failing = inFreshNamespace({}, () => Promise.reject(new Error("it failed")));
  await assert.rejects(failing, { message: "it failed" });
  assert.equal(network(), before);
  const unset = inFreshNamespace({ "net.ipv4.no_such_setting": "1" }, () => Promise.resolve());
  await assert.rejects(unset, /^Error: Cannot set up a network namespace: .*no_such_setting/);
  assert.equal(network(), before);
});

Deno.test("a namespace is made inside a namespace, with everything up", {
  ignore: outside,
}, async () => {
  const look =
    "readlink /proc/thread-self/ns/net; cat /proc/sys/net/ipv4/ip_local_port_range; exit 7";
  const { code, out } = await enter(["sh", "-c", look]);
  assert.equal(code, 7);
  const [inside, ports] = out.split("\n");
  assert.notEqual(inside, network());
  assert.equal(ports, "32768\t60999");
  const connected = await enter(["bash", "-c", "echo >/dev/udp/fd00::3/9 && echo sent"]);
  assert.equal(connected.out, "sent\n");
});

Deno.test("without namespaces the reason is said in one line, and the program runs", async () => {
  await buildPrograms();
  const forbidUnshare = join(dist, "programs", "native", "forbid_unshare");
  const argv = ["sh", "-c", "echo $HARNESS_NAMESPACE; exit 3"];
  const { code, out, err } = await enter(argv, [forbidUnshare]);
  assert.equal(code, 3);
  const reason = "unshare: unshare failed: Operation not permitted";
  assert.equal(out, `no network namespace: ${reason}\n`);
  assert.equal(
    err,
    `portpin: Cannot make a network namespace: ${reason}; running what plain loopback allows\n`,
  );
});

Deno.test("a program that is not there is one line", async () => {
  const { code, err } = await enter(["no-such-program"]);
  assert.equal(code, 127);
  assert.match(err, /^(portpin: .*\n)?env: .*no-such-program.*: No such file or directory\n$/);
});

Deno.test("whoever ends us ends the program inside, which cleans up", async () => {
  for (const name of ["INT", "TERM"]) {
    const cleaning =
      `trap 'echo cleaned up; exit 5' ${name}; echo ready; while :; do sleep 0.1; done`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", script, "sh", "-c", cleaning],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let said = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (said === "") child.kill(`SIG${name}` as Deno.Signal);
      said += text;
    }
    assert.equal(said, "ready\ncleaned up\n");
    assert.equal((await child.status).code, 5);
  }
});

Deno.test("the program gets the signals as they are by default", async () => {
  // SIGPIPE, 13, is bit 12 of SigIgn.
  const { out } = await enter(["sed", "-n", "s/^SigIgn:.*\\(....\\)$/\\1/p", "/proc/self/status"]);
  assert.equal(parseInt(out, 16) & 1 << 12, 0);
});
