// What every command line does where nothing can be written.

import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../generator/build.ts";

const deno = [Deno.execPath(), "run", "-A", "--quiet"];
const portpin = [...deno, join(root, "harness", "portpin.ts")];
const story = [...deno, join(root, "harness", "story", "story.ts")];
const tasks = ["bench/bench.ts", "kernels/kernels.ts", "million/million.ts", "report/report.ts"]
  .map((file) => [...deno, join(root, "harness", file)]);

async function run(script: string, words: string[]): Promise<{ code: number; err: string }> {
  const { code, stderr } = await new Deno.Command("bash", {
    args: ["-c", script, "bash", ...words],
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

Deno.test("a full disk under standard output is one line, of every command", async () => {
  const commands = [
    [...portpin, "--help"],
    [...portpin, "completion", "bash"],
    [...portpin, "man"],
    [...portpin, "explain"],
    [...portpin, "doctor"],
    [...portpin, "check", "--program", "--ports", "61000-61511", "--", "true"],
    [...story, "--list"],
    ...tasks.map((task) => [...task, "--help"]),
  ];
  for (const words of commands) {
    assert.deepEqual(await run('exec "$@" >/dev/full', words), {
      code: 1,
      err: "portpin: Cannot write to standard output: No space left on device\n",
    }, words.join(" "));
  }
});

Deno.test("a reader that goes away is no failure, and nothing is said of it", async () => {
  for (const words of [[...portpin, "completion", "bash"], [...story, "--list"]]) {
    const closed = 'trap "" PIPE; "$@" | :; exit ${PIPESTATUS[0]}';
    assert.deepEqual(await run(closed, words), { code: 0, err: "" }, words.join(" "));
  }
});

Deno.test("the status is the same where nobody takes the message", async () => {
  const words = [...portpin, "doctor", "--ports", "60000-"];
  assert.equal((await run('exec "$@" 2>/dev/full', words)).code, 78);
});
