// Signals and job control at a terminal, under `deno task` and without it: script(1) gives the
// terminal, and what is typed is written to its standard input.

import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../generator/build.ts";
import { TemporaryDirectory } from "../preflight/programs_for_tests.ts";

const deno = Deno.execPath();
const launchers = {
  "deno run": [deno, "run", "--quiet", "-A", join(root, "harness", "portpin.ts"), "run"],
  "deno task": [deno, "task", "--quiet", "--config", join(root, "deno.json"), "portpin", "run"],
};
const ports = ["--ports", "40000-40099", "--"];
const [ctrlC, ctrlBackslash, ctrlZ] = ["\x03", "\x1c", "\x1a"];

/** Lets nothing hang for ever; nothing is expected to take so long. */
const patienceMs = 30_000;

/** A program at a terminal of its own, and all that it has written there. */
class Terminal implements AsyncDisposable {
  readonly #script: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #finished: Promise<void>;
  #text = "";

  constructor(words: string[], cwd: string) {
    const line = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    this.#script = new Deno.Command("script", {
      args: ["--quiet", "--return", "--command", `exec ${line}`, "/dev/null"],
      cwd,
      env: { SHELL: "/bin/sh", PS1: "" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#script.stdin.getWriter();
    this.#finished = this.#read();
  }

  async #read(): Promise<void> {
    for await (const chunk of this.#script.stdout.pipeThrough(new TextDecoderStream())) {
      this.#text += chunk;
    }
  }

  type(text: string): Promise<void> {
    return this.#input.write(new TextEncoder().encode(text));
  }

  /** Waits until the whole text so far matches. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline;) {
      const match = pattern.exec(this.#text);
      if (match !== null) return match;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`The terminal never showed ${pattern}: ${JSON.stringify(this.#text)}`);
  }

  get text(): string {
    return this.#text;
  }

  async status(): Promise<number> {
    const { code } = await this.#script.status;
    await this.#finished;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    try {
      this.#script.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#script.status;
    await this.#finished;
  }
}

/** Says which signals it gets, and ends when it has read a line. */
const listener = `
import os, signal
def say(number, frame):
    os.write(1, f"[{signal.Signals(number).name}]".encode())
for number in (1, 2, 3, 10, 12, 15, 18, 28):
    signal.signal(number, say)
os.write(1, b"ready")
while os.read(0, 1) != b"\\n":
    pass
os.write(1, b"done")
`;

for (const [name, launcher] of Object.entries(launchers)) {
  Deno.test(`run under ${name} passes each signal of the terminal on once`, async () => {
    using directory = new TemporaryDirectory();
    const script = directory.executable("listener.py", listener);
    await using terminal = new Terminal(
      ["sh", "-c", 'echo "process $$."; exec "$@"', "sh", ...launcher, ...ports, "python3", script],
      directory.path,
    );
    await terminal.shows(/ready/);
    const launched = Number((await terminal.shows(/process (\d+)\./))[1]);
    const send = async (signal: Deno.Signal) => {
      Deno.kill(launched, signal);
      await terminal.shows(new RegExp(`\\[${signal}\\]`));
    };
    for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGINT"] as const) await send(signal);
    for (const [key, signal] of [[ctrlBackslash, "SIGQUIT"], [ctrlC, "SIGINT"]]) {
      await terminal.type(key);
      await terminal.shows(new RegExp(`\\^.*\\[${signal}\\]`));
    }
    // What comes twice has come twice before these, which take the same way.
    for (const signal of ["SIGUSR2", "SIGCONT"] as const) await send(signal);
    await terminal.type("\n");
    await terminal.shows(/done/);
    assert.equal(await terminal.status(), 0);
    assert.deepEqual(
      terminal.text.match(/\[SIG[A-Z0-9]+\]/g)?.join(""),
      "[SIGTERM][SIGHUP][SIGUSR1][SIGINT][SIGQUIT][SIGINT][SIGUSR2][SIGCONT]",
    );
  });

  Deno.test(`run under ${name} stops for Ctrl-Z and goes on in the foreground`, async () => {
    using directory = new TemporaryDirectory();
    await using terminal = new Terminal(["bash", "--norc", "-i"], directory.path);
    const words = [...launcher, ...ports, "sh", "-c", 'echo "re""ady"; read line; echo "<$line>"'];
    await terminal.type(words.map((word) => `'${word}'`).join(" ") + "\n");
    await terminal.shows(/^ready/m);
    await terminal.type(ctrlZ);
    await terminal.shows(/Stopped/);
    await terminal.type('echo "at the ""prompt"\n');
    await terminal.shows(/^at the prompt/m);
    await terminal.type("fg\nword\n");
    await terminal.shows(/<word>/);
    await terminal.type('echo "status "$?; exit 7\n');
    await terminal.shows(/status 0/);
    assert.equal(await terminal.status(), 7);
  });

  Deno.test(`run under ${name} ends of Ctrl-C as its program does`, async () => {
    using directory = new TemporaryDirectory();
    await using terminal = new Terminal(
      [...launcher, ...ports, "sh", "-c", 'echo "re""ady"; exec sleep 3600'],
      directory.path,
    );
    await terminal.shows(/ready/);
    await terminal.type(ctrlC);
    assert.equal(await terminal.status(), 128 + 2);
  });
}
