import assert from "node:assert/strict";
import { namespaceProblem, withSysctl } from "./namespace.ts";

const outside = namespaceProblem() !== undefined;
const range = "net.ipv4.ip_local_port_range";

function portRange(): string {
  return Deno.readTextFileSync("/proc/sys/net/ipv4/ip_local_port_range").trim();
}

async function enter(argv: string[], environment: Record<string, string> = {}) {
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", `${import.meta.dirname}/namespace.ts`, "--", ...argv],
    env: environment,
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

Deno.test("withSysctl() restores the settings, also when the action fails", {
  ignore: outside,
}, async () => {
  const before = portRange();
  await withSysctl({ [range]: "50000 50001" }, () => {
    assert.equal(portRange(), "50000\t50001");
    return Promise.resolve();
  });
  assert.equal(portRange(), before);
  await assert.rejects(
    withSysctl({ [range]: "50000 50001" }, () => Promise.reject(new Error("x"))),
  );
  assert.equal(portRange(), before);
});

Deno.test("a namespace is made inside a namespace, with everything up", {
  ignore: outside,
}, async () => {
  const script = "readlink /proc/self/ns/net; cat /proc/sys/net/ipv4/ip_local_port_range; exit 7";
  const { code, out } = await enter(["sh", "-c", script]);
  assert.equal(code, 7);
  const [inside, ports] = out.split("\n");
  assert.notEqual(inside, Deno.readLinkSync("/proc/self/ns/net"));
  assert.equal(ports, "32768\t60999");
  const connected = await enter(["bash", "-c", "echo >/dev/udp/fd00::3/9 && echo sent"]);
  assert.equal(connected.out, "sent\n");
});

Deno.test("without namespaces the reason is said in one line, and the program runs", async () => {
  const bin = await Deno.makeTempDir();
  await Deno.writeTextFile(`${bin}/unshare`, "#!/bin/sh\necho unshare: Not today >&2; exit 1\n", {
    mode: 0o755,
  });
  const { code, out, err } = await enter(["sh", "-c", "echo $HARNESS_NAMESPACE; exit 3"], {
    PATH: `${bin}:${Deno.env.get("PATH")}`,
  });
  await Deno.remove(bin, { recursive: true });
  assert.equal(code, 3);
  assert.equal(out, "no network namespace: unshare: Not today\n");
  assert.equal(
    err,
    "portpin: Cannot make a network namespace: unshare: Not today; " +
      "running what plain loopback allows\n",
  );
});
