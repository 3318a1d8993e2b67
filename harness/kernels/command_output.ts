/** Runs a program of this machine for what it prints. */
import { installed } from "../servers/programs.ts";
import { interruption } from "./interruption.ts";

/** How to run it, besides its words. */
export interface Options {
  readonly cwd?: string;
  /** Standard input. Default: empty. */
  readonly input?: string;
}

/**
 * What the program writes to standard output.
 *
 * @throws {Error} with what it said when it fails.
 */
export async function outputOf(
  argv: readonly string[],
  options: Options = {},
): Promise<Uint8Array> {
  const [program, ...args] = argv;
  const child = new Deno.Command(installed(program), {
    args,
    cwd: options.cwd,
    env: { LC_ALL: "C.UTF-8" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: interruption,
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(options.input ?? ""));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (success) return stdout;
  throw new Error(`${program} failed: ${gist(new TextDecoder().decode(stderr))}`);
}

/** The line that says why, where a program says much: apt marks it, others say it last. */
function gist(said: string): string {
  const lines = said.trim().split("\n");
  return lines.find((line) => line.startsWith("E: ")) ?? lines.at(-1)!;
}

/** The same as text. */
export async function textOf(argv: readonly string[], options: Options = {}): Promise<string> {
  return new TextDecoder().decode(await outputOf(argv, options));
}
