// The library file itself under test: what the dynamic linker sees of it, on every architecture.
//
// Rule: a guest's process must be able to take the file in whatever libc it has, or none. So it needs
// nothing, exports the hooks that the policy wants and no other symbol, and stays small.

import assert from "node:assert/strict";
import { join } from "node:path";
import { build, targets } from "../generator/build.ts";
import { generalPolicy, type Policy } from "../generator/policy.ts";

/** The largest library on x86_64, in bytes: with the kernel engine alone, with both, with all. */
const sizeMax = { kernel: 16 * 1024, both: 29 * 1024, general: 44 * 1024 };

const hooks = [
  "bind",
  "connect",
  "getsockname",
  "getsockopt",
  "listen",
  "pidfd_getfd",
  "recvmmsg",
  "recvmsg",
  "sendmmsg",
  "sendmsg",
  "sendto",
  "setsockopt",
  "socket",
];

/** What glibc and musl call recvmmsg(2) with 64-bit time on 32-bit machines. */
const hooksOf32Bits = ["__recvmmsg64", "__recvmmsg_time64"];

const taken = [
  "__errno_location",
  "__libc_stack_end",
  "clock_gettime",
  "dlsym",
  "environ",
  "getauxval",
];

for (const target of targets) {
  Deno.test(`the general library for ${target} needs nothing and exports its hooks`, async () => {
    const file = await buildInto(await Deno.makeTempDir(), generalPolicy, target);
    const { symbols, sections, segments, dynamic } = await inspect(file);

    const is32Bits = target === "x86-linux" || target === "arm-linux";
    assert.deepEqual(
      symbols.filter((symbol) => symbol.defined).map((symbol) => symbol.name).sort(),
      [...hooks, ...(is32Bits ? hooksOf32Bits : [])].sort(),
    );
    const undefinedSymbols = symbols.filter((symbol) => !symbol.defined);
    assert.deepEqual(undefinedSymbols.map((symbol) => symbol.name).sort(), taken);
    assert.deepEqual(undefinedSymbols.filter((symbol) => symbol.binding !== "WEAK"), []);

    assert.ok(dynamic.includes("INIT_ARRAY"), "it has no constructor to refuse bad variables");
    assert.ok(!dynamic.includes("NEEDED"), "it needs another library");
    assert.ok(!dynamic.includes("TEXTREL"), "it has text relocations");
    assert.ok(!segments.some((segment) => segment.type === "TLS"), "it has thread-local storage");
    assert.ok(!sections.includes(".tdata") && !sections.includes(".tbss"));
    const stack = segments.find((segment) => segment.type === "GNU_STACK");
    assert.ok(stack !== undefined && !stack.flags.includes("E"), "its stack is executable");
    const both = segments.filter(({ flags }) => flags.includes("W") && flags.includes("E"));
    assert.deepEqual(both, [], "it has memory that is writable and executable");
    // pthread_cancel(3) unwinds through our frames.
    assert.ok(target === "arm-linux" || sections.includes(".eh_frame"), "it has no unwind tables");
  });
}

Deno.test("the library for x86_64-linux is at most 16 KiB without emulation, 29 KiB with it, 44 KiB with all", async () => {
  const both: Policy = {
    ...generalPolicy,
    environment: { ...generalPolicy.environment, source: false, log: false },
  };
  const kernel: Policy = {
    ...both,
    engine: "kernel",
    environment: { ...both.environment, engine: false },
  };
  for (
    const [policy, most] of [
      [kernel, sizeMax.kernel],
      [both, sizeMax.both],
      [generalPolicy, sizeMax.general],
    ] as const
  ) {
    const file = await buildInto(await Deno.makeTempDir(), policy, "x86_64-linux");
    const { size } = await Deno.stat(file);
    assert.ok(size <= most, `engine ${policy.engine}: ${size} bytes`);
  }
});

Deno.test("a policy that defers nothing, for itself or a guest, has no hook for it", async () => {
  const environment = { ...generalPolicy.environment, engine: false, source: false };
  const policy: Policy = { ...generalPolicy, deferBind: false, engine: "kernel", environment };
  const file = await buildInto(await Deno.makeTempDir(), policy, "x86_64-linux");
  const names = (await inspect(file)).symbols.filter(({ defined }) => defined).map(({ name }) =>
    name
  );
  assert.deepEqual(
    names.sort(),
    hooks.filter((name) => name !== "getsockname"),
  );
});

Deno.test("a policy that can never have ports nor a source exports nothing", async () => {
  const environment = { ...generalPolicy.environment, ports: false, source: false };
  const file = await buildInto(
    await Deno.makeTempDir(),
    { ...generalPolicy, environment },
    "x86_64-linux",
  );
  assert.deepEqual((await inspect(file)).symbols.filter(({ defined }) => defined), []);
});

function buildInto(directory: string, policy: Policy, target: string): Promise<string> {
  return build({ policy, target, out: join(directory, "libportpin.so") });
}

interface Symbol {
  name: string;
  binding: string;
  defined: boolean;
}

interface Inspection {
  symbols: Symbol[];
  sections: string[];
  segments: { type: string; flags: string }[];
  /** The tags of the dynamic section. */
  dynamic: string[];
}

/** Reads a library with readelf(1), which knows every architecture. */
async function inspect(file: string): Promise<Inspection> {
  const symbols = (await readelf("--dyn-syms", file)).flatMap((line) => {
    // ppc64le says more of a symbol than its name.
    line = line.replace(/\[<localentry>: \d+\]/, "");
    const [, , , , binding, , index, name] = line.trim().split(/\s+/);
    return /^\s*\d+:/.test(line) && name !== undefined
      ? [{ name, binding, defined: index !== "UND" }]
      : [];
  });
  const sections = (await readelf("--sections", file)).flatMap((line) =>
    /^\s*\[\s*\d+\]\s+(\.\S+)/.exec(line)?.[1] ?? []
  );
  const segments = (await readelf("--segments", file)).flatMap((line) => {
    const match = /^\s+([A-Z_]+)\s+0x.*\s([RWE ]{3}) (?:0x[0-9a-f]+|0)$/.exec(line);
    return match === null ? [] : [{ type: match[1], flags: match[2] }];
  });
  const dynamic = (await readelf("--dynamic", file)).flatMap((line) =>
    /^\s*0x[0-9a-f]+ \((\w+)\)/.exec(line)?.[1] ?? []
  );
  assert.ok(segments.length > 0 && dynamic.length > 0, "readelf was not understood");
  return { symbols, sections, segments, dynamic };
}

async function readelf(what: string, file: string): Promise<string[]> {
  const command = new Deno.Command("readelf", {
    args: ["--wide", what, file],
    env: { LC_ALL: "C" },
  });
  const { success, stdout, stderr } = await command.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n");
}
