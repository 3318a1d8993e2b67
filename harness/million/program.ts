/** A program that says in lines of JSON how far it is, and holds what it has until it is ended. */
import type { z, ZodType } from "zod";
import { exitStatus, Failure } from "../../generator/failure.ts";
import { linesOf } from "../bench/conversation.ts";
import { interruption } from "../kernels/interruption.ts";
import { guestEnvironment } from "../launch.ts";

export class Program<T> {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #complaints: Promise<string>;
  readonly #schema: ZodType<T>;

  /** Starts it, in the network namespace that we are in now. */
  constructor(
    [program, ...args]: readonly string[],
    variables: Readonly<Record<string, string>>,
    schema: ZodType<T>,
  ) {
    this.#child = new Deno.Command(program, {
      args,
      cwd: "/",
      env: guestEnvironment(variables),
      clearEnv: true,
      // It ends when this does: with us, whatever becomes of us.
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: interruption,
      // A terminal's ^C is for us; we end it then.
      detached: true,
    }).spawn();
    this.#lines = linesOf(this.#child.stdout);
    this.#complaints = new Response(this.#child.stderr).text();
    this.#schema = schema;
  }

  /** What it says next. @throws {Failure} when it has ended instead. */
  async next(): Promise<z.infer<ZodType<T>>> {
    const { value, done } = await this.#lines.next();
    // What a program says when its other end has been ended means nothing.
    interruption.throwIfAborted();
    if (!done) return this.#schema.parse(JSON.parse(value));
    const { code } = await this.#child.status;
    const reason = (await this.#complaints).trimEnd() || `a program ended with ${code}`;
    throw new Failure(`portpin: Cannot hold flows: ${reason}`, exitStatus.failed);
  }

  /** Ends it, with all that it holds. */
  async end(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#lines.return?.();
    await this.#child.stdin.close().catch(() => {});
    await this.#complaints;
  }
}
