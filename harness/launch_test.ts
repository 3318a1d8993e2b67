import assert from "node:assert/strict";
import { guestEnvironment, type Launch, launch } from "./launch.ts";

function shell(script: string, options: Partial<Launch> = {}) {
  return launch({
    argv: ["sh", "-c", script],
    environment: guestEnvironment({}),
    cwd: "/",
    ...options,
  });
}

Deno.test("launch() tells the status and both outputs", async () => {
  assert.deepEqual(await shell("echo out; echo err >&2; exit 3").outcome, {
    status: 3,
    stdout: "out\n",
    stderr: "err\n",
    hung: false,
  });
});

Deno.test("launch() tells the signal that ended the program", async () => {
  assert.equal((await shell("kill -SEGV $$").outcome).status, "SIGSEGV");
});

Deno.test("launch() gives standard input and then its end", async () => {
  assert.equal((await shell("cat", { stdin: "hello\n" }).outcome).stdout, "hello\n");
  assert.equal((await shell("cat").outcome).stdout, "");
});

Deno.test("launch() minds no program that leaves its input unread", async () => {
  const stdin = "x".repeat(1 << 20);
  assert.equal((await shell("exit 0", { stdin }).outcome).status, 0);
});

Deno.test("launch() tells each line as it comes", async () => {
  const lines: string[] = [];
  const running = shell("echo one; echo two; exec sleep 600", {
    hear: (line) => {
      lines.push(line);
      if (line === "two") running.terminate();
    },
  });
  assert.equal((await running.outcome).status, "SIGTERM");
  assert.deepEqual(lines, ["one", "two"]);
});

Deno.test("launch() tells the lines of standard error apart", async () => {
  const running = shell("echo out; echo err >&2; exec sleep 600", {
    hearError: (line) => {
      assert.equal(line, "err");
      running.kill();
    },
  });
  const { status, hung } = await running.outcome;
  assert.deepEqual({ status, hung }, { status: "SIGKILL", hung: false });
});

Deno.test("launch() ends a program that hangs, with all that it started", async () => {
  const running = shell("sleep 600 & echo $!; wait", { hear: () => running.giveUp() });
  const { hung, stdout, status } = await running.outcome;
  assert.equal(hung, true);
  assert.equal(status, "SIGKILL");
  await hasEnded(stdout);
});

Deno.test("launch() does not wait for a survivor that left the process group", async () => {
  const running = shell("setsid sh -c 'echo $$; exec sleep 600' & wait", {
    hear: () => running.giveUp(),
  });
  const { hung, stdout } = await running.outcome;
  assert.equal(hung, true);
  Deno.kill(processOf(stdout), "SIGKILL");
});

Deno.test("launch() leaves nothing behind that the program started", async () => {
  const { stdout } = await shell("sleep 600 >/dev/null 2>&1 & echo $!").outcome;
  await hasEnded(stdout);
});

Deno.test("launch() lets no program outlive a harness that is ended", async () => {
  const script = `
    import { launch } from ${JSON.stringify(import.meta.resolve("./launch.ts"))};
    const argv = ["sh", "-c", "echo $$; exec sleep 600"];
    launch({ argv, environment: {}, cwd: "/", hear: console.log });
  `;
  const harness = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", script],
    stdout: "piped",
  }).spawn();
  let text = "";
  for await (const chunk of harness.stdout.pipeThrough(new TextDecoderStream() as never)) {
    text += chunk;
    if (text.endsWith("\n")) harness.kill("SIGTERM");
  }
  assert.equal((await harness.status).code, 1);
  await hasEnded(text);
});

Deno.test("guestEnvironment() keeps what would change the program's traffic away from it", () => {
  Deno.env.set("PORTPIN_PORTS", "1-2");
  Deno.env.set("https_proxy", "http://192.0.2.1/");
  const environment = guestEnvironment({ ADDED: "yes", HOME: null });
  assert.equal(environment.PORTPIN_PORTS, undefined);
  assert.equal(environment.https_proxy, undefined);
  assert.equal(environment.HOME, undefined);
  assert.equal(environment.ADDED, "yes");
  assert.equal(environment.PATH, Deno.env.get("PATH"));
  Deno.env.delete("PORTPIN_PORTS");
  Deno.env.delete("https_proxy");
});

/** The process that a script told of; never one of the numbers that kill(2) means groups by. */
function processOf(line: string): number {
  assert.match(line, /^[1-9]\d+\n$/);
  return Number(line);
}

/** Waits until a process is gone, or dead and not yet waited for; a test that never ends fails. */
async function hasEnded(line: string): Promise<void> {
  const status = `/proc/${processOf(line)}/status`;
  try {
    while (!/^State:\tZ/m.test(Deno.readTextFileSync(status))) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || isGone(error))) throw error;
  }
}

/** ESRCH: the process went away between open(2) and read(2). */
function isGone(error: unknown): boolean {
  return error instanceof Error && error.message.includes("os error 3)");
}
