import assert from "node:assert/strict";
import { join } from "node:path";
import { allEnded } from "./interruption.ts";

/** Runs a program that waits inside interruptible(), ends it, and gives its status and output. */
async function interrupted(signal: Deno.Signal) {
  const here = import.meta.dirname!;
  const program = `
    import { interruptible } from ${JSON.stringify(join(here, "interruption.ts"))};
    import { textOf } from ${JSON.stringify(join(here, "command_output.ts"))};
    await interruptible(async () => {
      try {
        console.log("waiting");
        await textOf(["sleep", "1000"]);
      } finally {
        console.log("cleaned up");
      }
    });`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--ext=ts", "-"],
    cwd: here,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (said === "") child.kill(signal);
    said += text;
  }
  return { said, code: (await child.status).code };
}

Deno.test("interruptible() ends what was started, lets its action clean up, and ends as by the signal", async () => {
  const said = "waiting\ncleaned up\n";
  assert.deepEqual(await interrupted("SIGTERM"), { said, code: 143 });
  assert.deepEqual(await interrupted("SIGINT"), { said, code: 130 });
});

Deno.test("allEnded() fails as the first did, when all have ended", async () => {
  const ended: string[] = [];
  const late = Promise.resolve().then(() => void ended.push("late"));
  await assert.rejects(allEnded([Promise.reject(new Error("first")), late]), { message: "first" });
  assert.deepEqual(ended, ["late"]);
});
