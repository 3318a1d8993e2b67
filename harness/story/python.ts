/** Runs the story's programs in Python, in the network namespace that this thread is in. */
import { exitStatus, Failure } from "../../generator/failure.ts";
import { findInstalled } from "../servers/programs.ts";
import { type Approach, environmentOf, programs } from "./approaches.ts";

let interpreter: Promise<string> | undefined;

/** The interpreter itself: `python3` on PATH may be a script, whose calls would be counted too. */
function python(): Promise<string> {
  return interpreter ??= (async () => {
    const { stdout } = await new Deno.Command(findInstalled("python3")!, {
      args: ["-c", "import sys; print(sys.executable)"],
    }).output();
    return new TextDecoder().decode(stdout).trim();
  })();
}

/** A program that holds what it has until it is disposed. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #what: string;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #complaints: Promise<string>;

  private constructor(what: string, child: Deno.ChildProcess) {
    this.#what = what;
    this.#child = child;
    this.#output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#complaints = new Response(child.stderr).text();
  }

  /**
   * Starts `words` (a file of programs/ and its arguments) under `approach`, and under `watcher`,
   * a program that runs it.
   */
  static async start(
    approach: Approach,
    [file, ...words]: readonly string[],
    watcher: readonly string[] = [],
  ): Promise<Program> {
    const argv = [...watcher, ...approach.launcher ?? [], await python(), file, ...words];
    const child = new Deno.Command(argv[0], {
      args: argv.slice(1),
      cwd: programs,
      env: await environmentOf(approach),
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return new Program(approach.name, child);
  }

  /** The lines that it prints before it says `holding`, or all of them when it ends without. */
  async lines(): Promise<string[]> {
    let text = "";
    while (!text.endsWith("holding\n")) {
      const { done, value } = await this.#output.read();
      if (done) break;
      text += value;
    }
    return text.replace(/holding\n$/, "").trimEnd().split("\n");
  }

  /**
   * Ends the program by ending its input.
   *
   * @throws {Failure} when it did not end well, or somebody complained: the dynamic linker goes on
   * without a library that it cannot load, and says so.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close().catch(() => {}); // It may have ended already.
    await this.#output.cancel();
    const { code } = await this.#child.status;
    const complaint = (await this.#complaints).trimEnd();
    if (code === 0 && complaint === "") return;
    const reason = complaint.split("\n").at(-1) || `got ${code}`;
    throw new Failure(`portpin: Cannot run ${this.#what}: ${reason}`, exitStatus.failed);
  }
}
