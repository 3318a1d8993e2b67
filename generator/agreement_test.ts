// The generator and the shim read the same notations, each with a parser of its own. Here a real
// program starts, or does not, under the general library, and withSettings() has to agree.

import assert from "node:assert/strict";
import { join } from "node:path";
import { build } from "./build.ts";
import { exitStatus, Failure } from "./failure.ts";
import { generalPolicy } from "./policy.ts";
import { environmentSettings, withSettings } from "./settings.ts";

const many = (step: number, count: number) =>
  Array.from({ length: count }, (_, index) => 1000 + step * index).join();

const environments: Record<string, string>[] = [
  ...["1", "65535", "1-65535", "60000-60511,50000", "2-3,1", many(2, 32), many(1, 40)],
  ...[
    "",
    "0",
    "65536",
    "60000-",
    "-60000",
    "1-2-3",
    "060000",
    "1,",
    ",1",
    " 1",
    "1 ",
    "+1",
    "0x10",
  ],
  ...["99999999999", "4294967297", "9-8", "10-20,20-30", "5,5", "1-100,2-3", many(2, 33), "1_000"],
].map((ports): Record<string, string> => ({ PORTPIN_PORTS: ports })).concat(
  ["0/1", "3/4", "511/512", "512/513", "0/513", "", "1", "/", "1/", "/2", "1/2/3", "-1/2", "2/2"]
    .concat(["0/0", "0/65536", "00/2", "1/02", " 0/2"])
    .map((slice) => ({ PORTPIN_PORTS: "60000-60511", PORTPIN_SLICE: slice })),
  ["auto", "kernel", "emulation", "Kernel", ""].map((engine) => ({ PORTPIN_ENGINE: engine })),
  ["1", "0", "", "yes"].map((off) => ({ PORTPIN_OFF: off })),
  [
    "stderr",
    "/tmp/a log",
    "/dev/null",
    "",
    "log",
    "./log",
    "STDERR",
    "~/log",
    `/${"l".repeat(4094)}`,
    `/${"l".repeat(4095)}`,
  ]
    .map((log) => ({ PORTPIN_LOG: log })),
);

const sources = [
  ...["192.0.2.7", "2001:db8::7", "192.0.2.7,2001:db8::7", "2001:DB8::0:7,192.0.2.7", "127.0.0.9"],
  ...["::1", "fe80::1", "1:2:3:4:5:6:7:8", "1::8", "1:2:3:4:5:6:192.0.2.7", "64:ff9b::192.0.2.7"],
  ...["", ",", "192.0.2.7,", ",192.0.2.7", "192.0.2.7,192.0.2.8", "::1,192.0.2.7,::2", " ::1"],
  ...["127.1", "0x7f.0.0.1", "192.0.2.300", "192.0.2.07", "192.0.2.0/24", "localhost", "1::2::3"],
  ...["2001:db8::g", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "00001::", ":1", "1:", "[::1]", ":::"],
  ...[
    "0.0.0.0",
    "::",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "ff02::1",
    "::ffff:192.0.2.7",
    "fe80::1%eth0",
    "::1%",
  ],
];

Deno.test("withSettings() and the shim refuse the same environments", async (t) => {
  await compare(t, environments);
});

Deno.test("withSettings() and the shim refuse the same sources", async (t) => {
  await compare(t, sources.map((source) => ({ PORTPIN_SOURCE: source })));
});

async function compare(t: Deno.TestContext, environments: readonly Record<string, string>[]) {
  const directory = await Deno.makeTempDir();
  try {
    const library = await build({ out: join(directory, "library.so") });
    for (const environment of environments) {
      await t.step(JSON.stringify(environment).slice(0, 80), async () => {
        const refused = isRefused(environment);
        const { code, stderr } = await new Deno.Command("true", {
          env: { ...environment, LD_PRELOAD: library },
        }).output();
        assert.equal(code, refused ? exitStatus.configuration : 0);
        const line = new TextDecoder().decode(stderr);
        if (refused) assert.match(line, /^portpin: Cannot use PORTPIN_[A-Z]+=.*: .+\n$/);
        else assert.equal(line, "");
      });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function isRefused(environment: Record<string, string>): boolean {
  try {
    withSettings(generalPolicy, environmentSettings((name) => environment[name]));
    return false;
  } catch (error) {
    if (error instanceof Failure) return true;
    throw error;
  }
}
