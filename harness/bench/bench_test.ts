// A quick run of the real thing: only what is counted is judged, never a time.

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { Failure } from "../../generator/failure.ts";
import { portSet } from "../judge.ts";
import { describeMissing, findInstalled } from "../servers/programs.ts";
import { buildCycles, type Kind, timeCycles } from "./cycles.ts";
import { countCalls } from "./system_calls.ts";
import { makeVariants } from "./variants.ts";

const hasStrace = findInstalled("strace") !== undefined;
const skipped = hasStrace ? "" : ` (skipped: missing: ${describeMissing("strace")})`;

Deno.test({
  name: `countCalls() shows what portpin adds and what it leaves alone${skipped}`,
  ignore: !hasStrace,
  async fn() {
    await buildCycles();
    const { bare, portpin } = await makeVariants();
    // The calls that only portpin makes again and again; it may also read a file at any second.
    const asked = async (kind: Kind, variant: typeof bare) => {
      const calls = await countCalls(kind, variant, { few: 5, many: 55 });
      const names = ["socket", "connect", "sendto", "getsockopt", "setsockopt"];
      return names.map((name) => calls.get(name) ?? 0);
    };
    assert.deepEqual(await asked("tcp-connect", bare), [1, 1, 0, 0, 0]);
    assert.deepEqual(await asked("tcp-connect", portpin), [1, 1, 0, 1, 1]);
    assert.deepEqual(await asked("udp-bound-sendto", bare), [0, 0, 1, 0, 0]);
    assert.deepEqual(await asked("udp-bound-sendto", portpin), [0, 0, 1, 0, 0]);
  },
});

Deno.test("timeCycles() times cycles that had the ports they should have", async () => {
  await buildCycles();
  const { portpin } = await makeVariants();
  const { median, cpu } = await timeCycles({ kind: "udp-sendto", count: 10, variant: portpin });
  assert.ok(median > 0 && cpu > 0);
});

Deno.test("timeCycles() refuses to measure where the library is not in effect", async () => {
  await buildCycles();
  const unloaded = { name: "unloaded", variables: {}, ports: portSet("1-2") };
  await assert.rejects(
    timeCycles({ kind: "tcp-connect", count: 10, variant: unloaded }),
    (error) =>
      error instanceof Failure && /source ports were .* not within 1-2$/.test(error.message),
  );
  const missing = { name: "missing", variables: { LD_PRELOAD: "/no/such/library.so" } };
  await assert.rejects(
    timeCycles({ kind: "start", count: 1, variant: missing }),
    (error) => error instanceof Failure && /\/no\/such\/library\.so/.test(error.message),
  );
});

Deno.test("bench refuses a file that it cannot write before it measures anything", async () => {
  const args = ["run", "-A", "--quiet", join(dirname(import.meta.filename!), "bench.ts")];
  const run = new Deno.Command(Deno.execPath(), {
    args: [...args, "--json", "/no/such/folder/figures.json"],
  });
  const { code, stdout, stderr } = await run.output();
  assert.equal(code, 1);
  assert.equal(new TextDecoder().decode(stdout), "");
  const said = new TextDecoder().decode(stderr);
  assert.match(said, /^portpin: Cannot write \/no\/such\/folder\/figures\.json: .*\n$/);
});
