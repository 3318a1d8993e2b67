/**
 * Runs the user's own program under the library and finds out where each of its connections left from.
 *
 * Its standard output and error both go to our standard error, which leaves ours to the report; its
 * standard input is ours.
 */
import { join } from "node:path";
import { usedPorts } from "../../generator/explain_ports.ts";
import { exitStatus, Failure, systemReason } from "../../generator/failure.ts";
import type { Policy } from "../../generator/policy.ts";
import { formatPorts, parsePorts, type PortSet, valueOf } from "../../generator/ports.ts";
import { formatSource } from "../../generator/source.ts";
import { decode, prepare, type RunOptions } from "../commands/run.ts";
import { refusal } from "../preflight/refusal.ts";
import { readOr } from "../read_or.ts";
import { ScratchFolder } from "../scratch.ts";
import { judgeProgram } from "./judge_program.ts";
import { Listeners } from "./listeners.ts";
import { type Log, parseLog } from "./log_line.ts";
import type { ProgramReport } from "./program_report.ts";
import { type Sighting, Watch } from "./watch.ts";

/**
 * Runs `argv` to its end and judges it. `notice` hears of each socket when the kernel is first seen to
 * have it.
 *
 * @throws {Failure} for what cannot be used, built, or run under the library; as `portpin run` does.
 */
export async function checkProgram(
  argv: readonly string[],
  options: RunOptions,
  notice: (sighting: Sighting) => void = () => {},
): Promise<ProgramReport> {
  const { path, environment, policy, library } = await prepare(argv[0], options);
  const variables = decode(environment);
  requireEffect(policy, variables);
  const ports = usedPorts(policy, policy.ports);
  using scratch = new ScratchFolder("check");
  if (policy.environment.log) variables.PORTPIN_LOG = provideLog(scratch.path);
  await using listeners = await Listeners.start(argv, ports, scratch.path);
  const filled = listeners.fillIn(argv);
  const watchOver = (pid: number) => new Watch(pid, library, notice);
  const { status, watch } = await runProgram(path, filled, variables, watchOver);
  await listeners.drain();
  const { sightings, names, survivors } = watch.stop();
  const log = policy.environment.log ? readLog(variables.PORTPIN_LOG) : undefined;
  const observations = listeners.observations.all;
  const evidence = { log, observations, sightings, names, ephemeral: ephemeralPorts() };
  return {
    program: filled,
    status,
    ports: formatPorts(ports),
    source: formatSource(policy.source),
    connections: judgeProgram(policy, evidence),
    problems: problemsOf(listeners, log),
    notes: notesOf(survivors.map((pid) => [names.get(pid), pid].join(" ").trim()), log),
  };
}

/** @throws {Failure} where portpin is switched off: the verdict would be of something else. */
function requireEffect({ environment }: Policy, variables: Record<string, string>): void {
  if (!environment.off || variables.PORTPIN_OFF !== "1") return;
  throw new Failure(
    "portpin: Cannot check with PORTPIN_OFF=1: portpin does nothing at all",
    exitStatus.configuration,
  );
}

/** A log that a program can write which goes on as another user. */
function provideLog(scratch: string): string {
  const log = join(scratch, "log");
  Deno.writeTextFileSync(log, "");
  Deno.chmodSync(log, 0o666);
  Deno.chmodSync(scratch, 0o711);
  return log;
}

/** The program may have removed it. */
function readLog(file: string): Log {
  const text = readOr(undefined, () => Deno.readTextFileSync(file));
  return text === undefined ? { lines: [], problems: ["it is gone"] } : parseLog(text);
}

/**
 * Launches the program, lets it have the signals that we get, and looks at it until it ends.
 *
 * @throws {Failure} when the kernel will not execute it.
 */
async function runProgram(
  path: string,
  argv: readonly string[],
  environment: Record<string, string>,
  watchOver: (pid: number) => Watch,
): Promise<{ status: number | string; watch: Watch }> {
  const child = start(path, argv, environment);
  const watch = watchOver(child.pid);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const passOn = signals.map((name) => [name, () => child.kill(name)] as const);
  for (const [name, pass] of passOn) Deno.addSignalListener(name, pass);
  const ended = new AbortController();
  const copying = child.stdout.pipeTo(onStandardError(), { signal: ended.signal })
    .catch((error) => {
      if (!ended.signal.aborted) throw error;
    });
  const { code, signal } = await child.status;
  for (const [name, pass] of passOn) Deno.removeSignalListener(name, pass);
  // What it said last is in the pipe; a survivor may hold that open for ever.
  await Promise.race([copying, new Promise((resolve) => setTimeout(resolve, lastWordsMs))]);
  ended.abort();
  await copying;
  return { status: signal ?? code, watch };
}

function start(
  path: string,
  argv: readonly string[],
  environment: Record<string, string>,
): Deno.ChildProcess {
  try {
    return new Deno.Command(path, {
      args: argv.slice(1),
      env: environment,
      clearEnv: true,
      stdin: "inherit",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
  } catch (error) {
    throw refusal(argv[0], systemReason(error));
  }
}

/** What cannot be written is lost, and the program does not notice. */
function onStandardError(): WritableStream<Uint8Array> {
  return new WritableStream({
    async write(chunk) {
      try {
        for (let at = 0; at < chunk.length;) at += await Deno.stderr.write(chunk.subarray(at));
      } catch {
        // Nobody is left to whom that could be said.
      }
    },
  });
}

/** How long the output of a program that has ended may take. */
const lastWordsMs = 200;

function problemsOf(listeners: Listeners, log: Log | undefined): string[] {
  return [
    ...listeners.lonely().map((name) => `nobody came to ${name}`),
    ...(log?.problems ?? []).map((problem) => `the log cannot be read: ${problem}`),
  ];
}

function notesOf(survivors: readonly string[], log: Log | undefined): string[] {
  return [
    ...log === undefined
      ? ["the policy allows no log: only the kernel and our listeners were asked"]
      : [],
    ...survivors.map((process) =>
      `process ${process} goes on; what it does from now on is not seen`
    ),
  ];
}

/** From where the kernel chooses, for programs of our namespace. */
function ephemeralPorts(): PortSet {
  const text = readOr("", () => Deno.readTextFileSync("/proc/sys/net/ipv4/ip_local_port_range"));
  const [low, high] = text.trim().split(/\s+/);
  return valueOf(parsePorts(high === undefined ? "32768-60999" : `${low}-${high}`));
}
