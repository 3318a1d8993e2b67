/**
 * Starts a real server for a case and stops it again. The rule: `start` returns only when the
 * server answers, and `stop` only when its process is gone and nothing listens in its place, so
 * that no case waits for a guessed time.
 */

import { join } from "node:path";
import process from "node:process";

/** A real server that is running. */
export interface Server {
  /** The numeric address it listens on. */
  address: string;
  /** Its port (host byte order). */
  port: number;
  /**
   * What a case may write as `{SERVICE.KEY}`: file names and the like that only the server knows.
   */
  words: Record<string, string>;
  /** Ends the server; resolves when its process is gone and nothing listens in its place. */
  stop(): Promise<void>;
}

/** What a server module is given. */
export interface ServerPlace {
  /** An empty directory of the server's own; whoever made it removes it. */
  directory: string;
  /** The numeric address to listen on, for example `127.0.0.1` or `::1`. */
  address: string;
}

/** How to launch one server. */
export interface Launch extends ServerPlace {
  /** The server's name in error messages. */
  name: string;
  /** The port it will listen on (host byte order). */
  port: number;
  argv: string[];
  env?: Record<string, string>;
  words?: Record<string, string>;
  /**
   * Says whether the server answers; asked again until it does. By default: it accepts a TCP
   * connection.
   */
  answers?: () => Promise<boolean>;
  /** The signal that asks it to end. */
  endWith?: Deno.Signal;
}

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;
const POLL_MS = 20;
const LOG_TAIL_BYTES = 2_000;

/**
 * Launches a server and waits until it answers; throws `Cannot start NAME: …` with the end of its
 * log when it does not.
 */
export async function launchServer(launch: Launch): Promise<Server> {
  const { name, directory, address, port } = launch;
  const log = join(directory, `${name}.log`);
  const child = spawnLogged(launch, log);
  let status: Deno.CommandStatus | undefined;
  const ended = child.status.then((value) => status = value);
  const answers = launch.answers ?? (() => acceptsConnections(address, port));
  const stop = async () => {
    await stopChild(child, ended, launch.endWith ?? "SIGTERM");
    // sshd's sessions are in groups of their own, and hold the listening socket when they start.
    const silent = await comesTrue(async () => !await acceptsConnections(address, port));
    if (!silent) throw new Error(`Cannot stop ${name}: something listens on port ${port} still`);
  };
  const limit = performance.now() + START_LIMIT_MS;
  while (status === undefined && performance.now() < limit) {
    if (await answers()) return { address, port, words: launch.words ?? {}, stop };
    await pause();
  }
  const reason = status ? `it ended with status ${status.code}` : "it did not answer in time";
  await stop();
  throw new Error(`Cannot start ${name}: ${reason}\n${tail(log)}`);
}

/** Runs a command that prepares a server to its end; throws with its output when it fails. */
export async function prepare(argv: string[], env: Record<string, string> = {}): Promise<void> {
  const [program, ...args] = argv;
  const { success, code, stdout, stderr } = await new Deno.Command(program, {
    args,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return;
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  throw new Error(`Cannot prepare a server: ${program} ended with status ${code}\n${output}`);
}

/** Says whether something accepts a TCP connection at the address and port. */
export async function acceptsConnections(address: string, port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: address, port })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

/**
 * Says whether this process is root, or looks like it inside a user namespace: some servers refuse
 * to run so.
 */
export function looksLikeRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * The command that runs `argv` as the ordinary user `name`. Root wraps it into a user namespace
 * where its own user is called that (a passwd file of the same namespace knows the name); an
 * ordinary user, who needs no disguise, runs it as it is.
 */
export function asOrdinaryUser(directory: string, name: string, argv: string[]): string[] {
  if (!looksLikeRoot()) return argv;
  const passwd = join(directory, "passwd");
  Deno.writeTextFileSync(passwd, `${name}:x:${USER}:${USER}::${directory}:/bin/sh\n`);
  const script = `mount --bind "$0" /etc/passwd && exec ${unshareUser.join(" ")} -- "$@"`;
  return ["unshare", "--mount", "--", "sh", "-c", script, passwd, ...argv];
}

/** Why {@linkcode asOrdinaryUser} cannot work here; undefined when it can. */
export function ordinaryUserProblem(): string | undefined {
  if (!looksLikeRoot()) return undefined;
  const [program, ...args] = ["unshare", "--mount", "--", ...unshareUser, "--", "true"];
  const { success, stderr } = new Deno.Command(program, { args, stdin: "null" }).outputSync();
  return success ? undefined : new TextDecoder().decode(stderr).trim();
}

/** Any number but 0. */
const USER = 1000;
const unshareUser = ["unshare", "--user", `--map-user=${USER}`, `--map-group=${USER}`];

function spawnLogged(launch: Launch, log: string): Deno.ChildProcess {
  const script = 'log=$1; shift; exec "$@" >"$log" 2>&1';
  return new Deno.Command("sh", {
    args: ["-c", script, "sh", log, ...launch.argv],
    env: launch.env,
    cwd: launch.directory,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true, // A process group of its own, so that its children end with it.
  }).spawn();
}

async function stopChild(
  { pid }: Deno.ChildProcess,
  ended: Promise<unknown>,
  endWith: Deno.Signal,
): Promise<void> {
  const killGroup = () => signal(-pid, "SIGKILL");
  signal(pid, endWith);
  const timer = setTimeout(killGroup, STOP_LIMIT_MS);
  await ended;
  clearTimeout(timer);
  killGroup();
}

/** Signals a process, or with a negative number a group; does nothing when it is gone. */
function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Asks again and again until the answer is true, but not for ever. */
async function comesTrue(question: () => Promise<boolean>): Promise<boolean> {
  const limit = performance.now() + STOP_LIMIT_MS;
  while (!await question()) {
    if (performance.now() > limit) return false;
    await pause();
  }
  return true;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

function tail(log: string): string {
  return Deno.readTextFileSync(log).slice(-LOG_TAIL_BYTES);
}
