/**
 * Runs the user's own program under the library and finds out where each of its connections left from.
 *
 * Its standard output and error both go to our standard error, which leaves ours to the report; its
 * standard input is ours.
 */
import { join } from "node:path";
import { usedPorts } from "../../generator/explain_ports.ts";
import { exitStatus, Failure } from "../../generator/failure.ts";
import { formatPorts, parsePorts, type PortSet, valueOf } from "../../generator/ports.ts";
import { formatSource } from "../../generator/source.ts";
import { decode, prepare, type RunOptions } from "../commands/run.ts";
import { includesPort } from "../judge.ts";
import { Observations } from "../observe.ts";
import { serviceWords, type Words } from "../placeholders.ts";
import type { Service } from "../services/service.ts";
import { placeOf } from "../places.ts";
import { startService } from "../services/start.ts";
import { judgeProgram } from "./judge_program.ts";
import { type Log, parseLog } from "./log_line.ts";
import type { ProgramReport } from "./program_report.ts";
import { readOr, type Sighting, Watch } from "./watch.ts";

/** The listeners that a program's arguments may name, as `{tcp}`, `{tcp.address}`, `{tcp.port}` and so on. */
const listeners = ["tcp", "udp", "http", "dns"] as const;
type Listener = typeof listeners[number];

/** Where a listener is that the arguments name: 127.0.0.1. */
const place = { family: "ipv4", host: 1, reply: "echo" } as const;

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
  if (policy.environment.off && variables.PORTPIN_OFF === "1") {
    throw new Failure(
      "portpin: Cannot check with PORTPIN_OFF=1: portpin does nothing at all",
      exitStatus.configuration,
    );
  }
  const ports = usedPorts(policy, policy.ports);
  const scratch = await Deno.makeTempDir({ prefix: "portpin-check-" });
  const services = new Map<Listener, Service>();
  const observations = new Observations();
  try {
    for (const name of namedIn(argv)) {
      const service = await startService({ kind: name, ...place }, {
        family: place.family,
        place: placeOf("loopback", place.family, place.host),
        record: observations.recorder(name),
        scratch,
        isGuests: (port) => includesPort(ports, port),
      });
      services.set(name, service);
    }
    if (policy.environment.log) variables.PORTPIN_LOG = await provideLog(scratch);
    const filled = fillIn(argv, services);
    const { status, watch } = await runProgram(
      path,
      filled,
      variables,
      (pid) => new Watch(pid, library, notice),
    );
    for (const service of services.values()) await service.drain();
    const { sightings, names, survivors } = watch.stop();
    const log = policy.environment.log
      ? parseLog(await Deno.readTextFile(variables.PORTPIN_LOG))
      : undefined;
    const seen = observations.all;
    const ephemeral = ephemeralPorts();
    return {
      program: filled,
      status,
      ports: formatPorts(ports),
      source: formatSource(policy.source),
      connections: judgeProgram(policy, { log, observations: seen, sightings, names, ephemeral }),
      problems: problemsOf(services, new Set(seen.map(({ service }) => service)), log),
      notes: notesOf(survivors.map((pid) => [names.get(pid), pid].join(" ").trim()), log),
    };
  } finally {
    await Promise.all([...services.values()].map((service) => service.close()));
    await Deno.remove(scratch, { recursive: true });
  }
}

const placeholder = new RegExp(
  `\\{((${listeners.join("|")})(?:\\.(?:address|port|host))?)\\}`,
  "g",
);

function namedIn(argv: readonly string[]): Set<Listener> {
  const matches = argv.slice(1).flatMap((word) => [...word.matchAll(placeholder)]);
  return new Set(matches.map((match) => match[2] as Listener));
}

/** All other braces are the program's own. */
function fillIn(argv: readonly string[], services: ReadonlyMap<Listener, Service>): string[] {
  const words: Words = Object.assign(
    {},
    ...Array.from(services, ([name, { words }]) => serviceWords(name, words)),
  );
  const fill = (word: string) => word.replaceAll(placeholder, (_, name: string) => words[name]);
  return [argv[0], ...argv.slice(1).map(fill)];
}

/** A log that a program can write which goes on as another user. */
async function provideLog(scratch: string): Promise<string> {
  const log = join(scratch, "log");
  await Deno.writeTextFile(log, "");
  await Deno.chmod(log, 0o666);
  await Deno.chmod(scratch, 0o711);
  return log;
}

/** Launches the program, lets it have the signals that we get, and looks at it until it ends. */
async function runProgram(
  path: string,
  argv: readonly string[],
  environment: Record<string, string>,
  watchOver: (pid: number) => Watch,
): Promise<{ status: number | string; watch: Watch }> {
  const child = new Deno.Command(path, {
    args: argv.slice(1),
    env: environment,
    clearEnv: true,
    stdin: "inherit",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const watch = watchOver(child.pid);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const passOn = signals.map((name) => [name, () => child.kill(name)] as const);
  for (const [name, pass] of passOn) Deno.addSignalListener(name, pass);
  const ended = new AbortController();
  const copying = child.stdout.pipeTo(Deno.stderr.writable, {
    preventClose: true,
    signal: ended.signal,
  }).catch((error) => {
    if (!ended.signal.aborted) throw error;
  });
  const { code, signal } = await child.status;
  // What it said last is in the pipe; a survivor may hold that open for ever.
  await Promise.race([copying, new Promise((resolve) => setTimeout(resolve, lastWordsMs))]);
  ended.abort();
  await copying;
  for (const [name, pass] of passOn) Deno.removeSignalListener(name, pass);
  return { status: signal ?? code, watch };
}

/** How long the output of a program that has ended may take. */
const lastWordsMs = 200;

function problemsOf(
  services: ReadonlyMap<Listener, Service>,
  reached: ReadonlySet<string>,
  log: Log | undefined,
): string[] {
  const lonely = [...services.keys()].filter((name) => !reached.has(name));
  return [
    ...lonely.map((name) => `nobody came to {${name}}`),
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
