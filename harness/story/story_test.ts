// Every act as its reader sees it, and what happens when a measurement is not what an act says.

import assert from "node:assert/strict";
import { join } from "node:path";
import { viewKernel } from "../../generator/kernel_view.ts";
import { namespaceProblem } from "../namespace.ts";
import { type Approach, portCount, ports } from "./approaches.ts";
import { Measurements, type Sample } from "./measurements.ts";
import { acts, play, whyNot } from "./play.ts";
import { Stage } from "./stage.ts";

const hasRangeOption = (await viewKernel()).portRangeErrno === undefined;
const measurements = new Measurements();

/** A stage whose lines are kept; paragraphs are one line, so that no number moves a line's end. */
function stageWith(measured: Measurements) {
  const lines: string[] = [];
  const stage = new Stage(measured, hasRangeOption, Infinity, (line) => lines.push(line));
  return { stage, lines };
}

/** Numbers are measured, and columns are as wide as they are. */
function masked(line: string): string {
  return line.replaceAll(/\d+/g, "#").replaceAll(/(?<=\S) {2,}/g, "  ").replaceAll(/-{3,}/g, "---");
}

for (const [index, act] of acts.entries()) {
  const number = index + 1;
  const { stage, lines } = stageWith(measurements);
  // Other kernels have other approaches to show.
  const reason = whyNot(act, stage, namespaceProblem()) ??
    (hasRangeOption ? undefined : "the kernel has no IP_LOCAL_PORT_RANGE");
  const skipped = reason === undefined ? "" : ` (skipped: ${reason})`;
  Deno.test({
    name: `act ${number} says what it shows${skipped}`,
    ignore: reason !== undefined,
    async fn(t) {
      assert.deepEqual(await play([number], stage, namespaceProblem()), []);
      const text = lines.join("\n");
      assert.equal(stage.contradictions, 0, text);
      // deno-lint-ignore no-control-regex
      assert.match(text, /^[\x00-\x7f]*$/, "a reader's locale may be C");
      await t.assertSnapshot(lines.map(masked).join("\n"));
    },
  });
}

const ours = Array.from({ length: portCount }, (_, index) => ports.low + index);
const theirs = ours.map((port) => port + portCount);

/** Measurements that are the same whatever the approach. */
function fake(sample: Partial<Sample>, rest: Partial<Measurements> = {}): Measurements {
  const whole = { command: ["client.py"], lines: [], ports: [], errnos: [], ...sample };
  return {
    sample: () => Promise.resolve(whole),
    calls: () => Promise.resolve([2, 2, 2, 2]),
    neighbour: () => Promise.resolve({ isBound: false, held: portCount, lost: 0 }),
    needsPrivilege: () => Promise.resolve(false),
    interfaces: () => Promise.resolve(["lo", "eth0"]),
    output: (_: Approach, file: string) => Promise.resolve({ command: [file], lines: ["UDP"] }),
    ...rest,
  } as unknown as Measurements;
}

/** What act `number` concludes from `measured`, contradicted or not. */
async function conclusions(number: number, measured: Measurements): Promise<string[]> {
  const { stage, lines } = stageWith(measured);
  await acts[number - 1].play(stage);
  const said = lines.filter((line) => /^(=>|!!) /.test(line));
  assert.equal(stage.contradictions, said.filter((line) => line.startsWith("!!")).length);
  return said;
}

Deno.test("an act says where a measurement contradicts it, with the numbers", async () => {
  const calls = "=> A connect is two system calls, socket(2) and connect(2). Measured: 2, 2, 2, 2.";
  assert.deepEqual(await conclusions(1, fake({ ports: [theirs] })), [
    "=> The program does not keep to our ports. Measured: 0 of 4 ports are ours.",
    calls,
  ]);
  assert.deepEqual(await conclusions(1, fake({ ports: [ours] })), [
    "!! The measurement contradicts this: The program does not keep to our ports. " +
    "Measured: 4 of 4 ports are ours.",
    calls,
  ]);
});

Deno.test("every conclusion of an act can be contradicted", async () => {
  const wrong = (needsPrivilege: boolean) =>
    fake({ ports: [[], theirs, theirs], errnos: [undefined] }, {
      calls: () => Promise.resolve([3, 3]),
      needsPrivilege: () => Promise.resolve(needsPrivilege),
      neighbour: () => Promise.resolve({ isBound: false, held: portCount, lost: 2 }),
      output: (_, file) => Promise.resolve({ command: [file], lines: ["connect: EPERM", "UDP"] }),
    });
  const measured = [
    fake({ ports: [ours] }, { calls: () => Promise.resolve([3]) }),
    ...[wrong(true), wrong(false), wrong(true), wrong(true), wrong(true)],
  ];
  for (const [index, measurements] of measured.entries()) {
    const said = await conclusions(index + 1, measurements);
    assert.ok(said.length > 0);
    assert.deepEqual(said.filter((line) => !line.startsWith("!!")), []);
  }
});

/** Runs the command, in the language and with the colours of nobody. */
async function story(args: string[], environment: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", join(import.meta.dirname!, "story.ts"), ...args],
    env: { LC_ALL: "C", NO_COLOR: "1", ...environment },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

Deno.test("story names its acts", async () => {
  const { code, out } = await story(["--list"]);
  assert.equal(code, 0);
  assert.equal(out, acts.map(({ title }, index) => `${index + 1}  ${title}\n`).join(""));
});

Deno.test("story refuses an act that there is not", async () => {
  for (const word of ["0", "7", "1.0", "one", ""]) {
    assert.deepEqual(await story(["1", word]), {
      code: 2,
      out: "",
      err: `portpin: Cannot show act ${word}: expected a number from 1 to 6\n`,
    });
  }
});

Deno.test("without namespaces story says which acts cannot be shown, and why", async () => {
  const { code, out } = await story(["3", "6"], { HARNESS_NAMESPACE: "no namespace: not today" });
  assert.equal(code, 0);
  assert.match(out, /^Act 3\. .*\n=+\n\nIt cannot be shown here: no namespace: not today\.\n/);
  assert.match(out, /\nskipped: act 3: no namespace: not today\nskipped: act 6: .*\n$/);
});

Deno.test("without its programs story says what to install", async () => {
  const PATH = await Deno.makeTempDir({ prefix: "portpin-story-" });
  const { code, out } = await story(["1"], { PATH, HARNESS_NAMESPACE: "own" });
  await Deno.remove(PATH);
  assert.equal(code, 0);
  const reason = "missing: python3 (Debian package python3), " +
    "setpriv (Debian package util-linux), " +
    "strace (Debian package strace)";
  assert.ok(out.endsWith(`\n\nskipped: act 1: ${reason}\n`), out);
});

const first = whyNot(acts[0], stageWith(measurements).stage, undefined);
const skipped = first === undefined ? "" : ` (skipped: ${first})`;

Deno.test({
  name: `without namespaces act 1 is shown all the same, in 80 columns${skipped}`,
  ignore: first !== undefined,
  async fn() {
    const { code, out } = await story(["1"], { HARNESS_NAMESPACE: "no namespace: not today" });
    assert.equal(code, 0, out);
    assert.match(out, /^=> The program does not keep to our ports\. Measured: \d+ of 15 ports/m);
    assert.ok(out.split("\n").every((line) => line.length <= 80), out);
  },
});

Deno.test({
  name: `story says who is in its way${skipped}`,
  ignore: first !== undefined,
  async fn() {
    using _ = Deno.listen({ hostname: "127.0.0.2", port: 20007 });
    const { code, err } = await story(["1"], { HARNESS_NAMESPACE: "no namespace: not today" });
    assert.equal(code, 1);
    assert.equal(err, "portpin: Cannot show it: 127.0.0.2:20007 is in use\n");
  },
});
