import assert from "node:assert/strict";
import { join } from "node:path";
import { type Deadlines, runMachine } from "./machine.ts";

/** Runs a machine whose QEMU is the shell script `qemu`; gives what was heard, and the end. */
async function run(qemu: string, deadlines: Partial<Deadlines> = {}) {
  const folder = await Deno.makeTempDir({ prefix: "portpin-test-" });
  const path = Deno.env.get("PATH") ?? "";
  const heard: string[] = [];
  try {
    await Deno.writeTextFile(join(folder, "qemu-system-x86_64"), `#!/bin/sh\n${qemu}\n`);
    await Deno.chmod(join(folder, "qemu-system-x86_64"), 0o755);
    Deno.env.set("PATH", `${folder}:${path}`);
    const end = await runMachine({
      kernel: { label: "0", image: "/vmlinuz", modules: "/modules" },
      initramfs: "/initramfs",
      console: "/a,b",
      deadlines: { end: 60_000, silence: 60_000, ...deadlines },
      hear: (line) => void heard.push(line),
    });
    return { heard, end };
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("runMachine() hears whole lines, and a machine that switches itself off has no problem", async () => {
  assert.deepEqual(await run("echo one; printf tw; echo o; printf lost"), {
    heard: ["one", "two"],
    end: undefined,
  });
});

Deno.test("runMachine() gives QEMU a path with a comma as one", async () => {
  const { heard } = await run('echo "$*"');
  assert.match(heard[0], / -serial file:\/a,,b /);
});

Deno.test("runMachine() says why QEMU failed", async () => {
  const { end } = await run("echo qemu: no such kernel >&2; exit 1");
  assert.equal(end, "QEMU failed: qemu: no such kernel");
});

Deno.test("runMachine() ends a machine that says nothing any more", async () => {
  const { heard, end } = await run("echo one; exec sleep 1000", { silence: 300 });
  assert.deepEqual(heard, ["one"]);
  assert.equal(end, "it was ended: it had said nothing for 0.005 minutes");
});

Deno.test("runMachine() ends a machine that comes to no end, however much it says", async () => {
  const { heard, end } = await run("while echo y; do sleep 0.05; done", { end: 300 });
  assert.equal(heard[0], "y");
  assert.equal(end, "it was ended after 0.005 minutes");
});
