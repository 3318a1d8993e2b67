/**
 * Launches the program that is judged, and says what became of it. It gets a process group of its
 * own, of which nothing survives, and a deadline, so that a program that hangs is a verdict.
 */

/** How to launch one program. */
export interface Launch {
  readonly argv: readonly string[];
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Its standard input; then the end of file. */
  readonly stdin?: string;
  /** Called for each line of standard output as it comes. */
  readonly hear?: (line: string) => void;
  /** The same for standard error. */
  readonly hearError?: (line: string) => void;
}

/** What became of a program. */
export interface Outcome {
  /** Its exit status, or the signal that ended it. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard error of the driver, where there is one; it only explains a bad status. */
  readonly driverError?: string;
  /** Whether it had to be killed because its deadline had passed. */
  readonly hung: boolean;
}

/** A program that was launched. */
export interface Running {
  readonly outcome: Promise<Outcome>;
  /** Asks the program to end; nothing when it has already. */
  terminate(): void;
  /** Ends the program and its process group at once. */
  kill(): void;
  /** What happens when the deadline has passed: {@linkcode kill}, and the program counts as hung. */
  giveUp(): void;
}

/** No program of any case needs a tenth of it, on any machine. */
const deadlineMs = 120_000;

/** Ends each program that runs: a group of its own would outlive us when somebody ends us. */
const kills = new Set<() => void>();
const endings = ["SIGINT", "SIGTERM"] as const;

function endWithAll() {
  for (const kill of kills) kill();
  Deno.exit(1);
}

function watchOver(kill: () => void) {
  if (kills.size === 0) endings.forEach((name) => Deno.addSignalListener(name, endWithAll));
  kills.add(kill);
}

function forget(kill: () => void) {
  kills.delete(kill);
  if (kills.size === 0) endings.forEach((name) => Deno.removeSignalListener(name, endWithAll));
}

/** @throws {Deno.errors.NotFound} when there is no such program. */
export function launch({ argv, environment, cwd, stdin, hear, hearError }: Launch): Running {
  const [program, ...args] = argv;
  const child = new Deno.Command(program, {
    args,
    cwd,
    env: environment,
    clearEnv: true,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  if (stdin !== undefined) feed(child.stdin, stdin);
  const hung = new AbortController();
  const kill = () => signal(-child.pid, "SIGKILL");
  const giveUp = () => {
    kill();
    hung.abort();
  };
  watchOver(kill);

  async function watch(): Promise<Outcome> {
    const timer = setTimeout(giveUp, deadlineMs);
    const [{ code, signal }, stdout, stderr] = await Promise.all([
      child.status,
      read(child.stdout, hung.signal, hear),
      read(child.stderr, hung.signal, hearError),
    ]);
    clearTimeout(timer);
    kill();
    forget(kill);
    return { status: signal ?? code, stdout, stderr, hung: hung.signal.aborted };
  }
  return { outcome: watch(), terminate: () => signal(child.pid, "SIGTERM"), kill, giveUp };
}

/**
 * The environment of every program: our own without anything that would change what it does on the
 * network or in which language it speaks. `changes` come last; null removes a variable.
 */
export function guestEnvironment(
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const foreign = /^(PORTPIN_.*|LD_.*|LC_.*|LANG|LANGUAGE|.*_proxy)$/i;
  const own = Object.entries(Deno.env.toObject()).filter(([name]) => !foreign.test(name));
  const all: Record<string, string | null> = {
    ...Object.fromEntries(own),
    LC_ALL: "C.UTF-8",
    ...changes,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

async function feed(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    // A program need not read what it is given.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** All of a stream, or what came until `hung`: a survivor of the group may hold it open for ever. */
async function read(
  stream: ReadableStream<Uint8Array>,
  hung: AbortSignal,
  hear: (line: string) => void = () => {},
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let heard = 0;
  const collect = new WritableStream<Uint8Array>({
    write(chunk) {
      text += decoder.decode(chunk, { stream: true });
      for (let end; (end = text.indexOf("\n", heard)) !== -1; heard = end + 1) {
        hear(text.slice(heard, end));
      }
    },
  });
  await stream.pipeTo(collect, { signal: hung }).catch((error) => {
    if (!hung.aborted) throw error;
  });
  return text;
}

/** Signals a process, or with a negative number a group; nothing when it is gone. */
function signal(pid: number, name: Deno.Signal) {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
