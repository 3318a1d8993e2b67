import assert from "node:assert/strict";
import { join } from "node:path";
import { build, root, targets } from "./build.ts";
import { exitStatus, Failure } from "./failure.ts";
import { readPolicy } from "./parse_policy.ts";
import { generalPolicy, type Policy } from "./policy.ts";
import { findZig } from "./zig.ts";

const good = join(root, "fixtures", "policies", "good");

async function inTempDir(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function refusal(building: Promise<unknown>): Promise<Failure> {
  const error = await building.then(() => assert.fail("it was built"), (error) => error);
  assert(error instanceof Failure, String(error));
  return error;
}

for (const { name } of [...Deno.readDirSync(good)].filter(({ name }) => name.endsWith(".jsonc"))) {
  Deno.test(`build() compiles good/${name}`, () =>
    inTempDir(async (directory) => {
      const out = join(directory, "deep", "library.so");
      assert.equal(await build({ policy: await readPolicy(join(good, name)), out }), out);
      const elf = await Deno.readFile(out);
      assert.equal(new TextDecoder().decode(elf.subarray(1, 4)), "ELF");
      assert.deepEqual([...Deno.readDirSync(join(directory, "deep"))].map(({ name }) => name), [
        "library.so",
      ]);
    }));
}

for (const target of targets) {
  Deno.test(`build() compiles for ${target}`, () =>
    inTempDir(async (directory) => {
      const elf = await Deno.readFile(await build({ target, out: join(directory, "out.so") }));
      assert.deepEqual([elf[4], elf[5], machineOf(elf)], machines[target]);
    }));
}

/** ELF class, byte order, and machine, from elf.h. */
const machines: Record<typeof targets[number], [number, number, number]> = {
  "x86_64-linux": [2, 1, 62],
  "x86-linux": [1, 1, 3],
  "aarch64-linux": [2, 1, 183],
  "arm-linux": [1, 1, 40],
  "riscv64-linux": [2, 1, 243],
  "powerpc64le-linux": [2, 1, 21],
  "s390x-linux": [2, 2, 22],
};

function machineOf(elf: Uint8Array): number {
  return new DataView(elf.buffer).getUint16(18, elf[5] === 1);
}

Deno.test("build() gives the same bytes in another checkout with an empty cache", () =>
  inTempDir(async (directory) => {
    const here = await build({ out: join(directory, "here.so") });
    const checkout = join(directory, "checkout");
    await copyCheckout(checkout);
    const there = join(directory, "there.so");
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        join(checkout, "harness", "portpin.ts"),
        "build",
        "--out",
        there,
      ],
      cwd: directory,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    assert.deepEqual(await Deno.readFile(there), await Deno.readFile(here));
  }));

/** Everything that the command and the compiler read, and the packages by a link. */
async function copyCheckout(checkout: string): Promise<void> {
  const parts = ["build.zig", "deno.json", "deno.lock", "fixtures", "generator", "harness", "shim"];
  await Deno.mkdir(checkout);
  const { success } = await new Deno.Command("cp", { args: ["-r", ...parts, checkout], cwd: root })
    .output();
  assert(success);
  await Deno.symlink(join(root, "node_modules"), join(checkout, "node_modules"));
}

Deno.test("build() may run several times at once", () =>
  inTempDir(async (directory) => {
    const policy = { ...generalPolicy, name: `at-once-${Date.now()}` };
    const outs = [0, 1, 2].map((index) => join(directory, `${index}.so`));
    await Promise.all(outs.map((out) => build({ policy, out })));
    const [first, ...others] = await Promise.all(outs.map((out) => Deno.readFile(out)));
    for (const other of others) assert.deepEqual(other, first);
  }));

Deno.test("build() names the supported targets", async () => {
  const { message, status } = await refusal(build({ target: "sparc64-linux" }));
  assert.equal(status, exitStatus.usage);
  assert.equal(
    message,
    `portpin: Cannot build for sparc64-linux: expected one of ${targets.join(", ")}`,
  );
});

Deno.test("build() shows what the compiler says about a policy that the generator let through", async () => {
  const policy: Policy = { ...generalPolicy, ports: [{ low: 1, high: 65536 }] };
  const { message, status } = await refusal(build({ policy }));
  assert.equal(status, exitStatus.failed);
  assert.match(message, /^portpin: Cannot build the library: zig build failed\n/);
  assert.match(message, /policy\.zon:5:30: error: type 'u16' cannot represent/);

  const networks = [{ address: 0n, prefix: 256 }];
  const rule = { networks, ports: [], transport: null, then: "leave" as const };
  const { message: ofRule } = await refusal(build({ policy: { ...generalPolicy, rules: [rule] } }));
  assert.match(ofRule, /policy\.zon:12:\d+: error: type 'u8' cannot represent/);
});

Deno.test("build() leaves nothing behind where it cannot write", () =>
  inTempDir(async (directory) => {
    await Deno.mkdir(join(directory, "library.so", "in the way"), { recursive: true });
    const out = join(directory, "library.so");
    const { message, status } = await refusal(build({ out }));
    assert.equal(status, exitStatus.failed);
    assert.match(message, new RegExp(`^portpin: Cannot write ${out}: `));
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["library.so"]);
  }));

Deno.test("findZig() says where it looked", () =>
  inTempDir(async (directory) => {
    const PATH = Deno.env.get("PATH")!;
    Deno.env.set("PATH", directory);
    try {
      const { message } = await refusal(findZig(directory));
      assert.equal(
        message,
        "portpin: Cannot build without Zig 0.16: no zig that runs is on PATH, and none that runs " +
          `is in ${directory}/node_modules/@zigc (\`deno install\` puts one there on x86_64)`,
      );
    } finally {
      Deno.env.set("PATH", PATH);
    }
  }));
