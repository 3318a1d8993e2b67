/** A program that is told what to do line by line, and answers each line with one of JSON. */
import type { ZodType } from "zod";
import { exitStatus, Failure } from "../../generator/failure.ts";

export class Conversation implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #complaints: Promise<string>;

  /** Starts the program, in the network namespace that we are in now. `name` is for messages. */
  constructor(
    name: string,
    [program, ...args]: readonly string[],
    environment: Readonly<Record<string, string>>,
  ) {
    this.#name = name;
    this.#child = new Deno.Command(program, {
      args,
      cwd: "/",
      env: environment,
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#answers = linesOf(this.#child.stdout);
    this.#writer = this.#child.stdin.getWriter();
    this.#complaints = new Response(this.#child.stderr).text();
  }

  /** @throws {Failure} when the program ended instead of answering. */
  async ask<T>(schema: ZodType<T>, line: string): Promise<T> {
    const gone = await this.#writer.write(new TextEncoder().encode(`${line}\n`)).catch(isGone);
    const answer = gone === true ? undefined : await this.#answers.next();
    if (answer === undefined || answer.done) throw await this.#failure();
    return schema.parse(JSON.parse(answer.value));
  }

  /**
   * Ends the program by ending its input.
   *
   * @throws {Failure} when it did not end well, or somebody complained: the dynamic linker goes on
   * without a library that it cannot load, and says so.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(isGone);
    const { success } = await this.#child.status;
    await this.#answers.return?.();
    if (!success || await this.#complaints !== "") throw await this.#failure();
  }

  async #failure(): Promise<Failure> {
    const { code } = await this.#child.status;
    const reason = (await this.#complaints).trimEnd() || `got ${code}`;
    return new Failure(`portpin: Cannot measure ${this.#name}: ${reason}`, exitStatus.failed);
  }
}

/** A program that has ended reads nothing; why it did is found out elsewhere. */
function isGone(error: unknown): true {
  if (error instanceof Deno.errors.BrokenPipe || error instanceof TypeError) return true;
  throw error;
}

/** The lines of a program's output, each as soon as it is whole. */
export async function* linesOf(stream: ReadableStream<BufferSource>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
