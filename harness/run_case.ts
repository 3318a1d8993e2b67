/** Runs one test of a case, in the order that case.ts describes, and judges it. */
import { join } from "node:path";
import { driverCommand, programCommand } from "./command.ts";
import { guests } from "./guests.ts";
import {
  defaultExpectations,
  includesPort,
  isTestimony,
  judge,
  judgeSameness,
  judgeWitness,
  portSet,
  type Run,
  type Verdict,
  witnessPorts,
} from "./judge.ts";
import { type Launch, launch, type Outcome, type Running } from "./launch.ts";
import { buildPrograms, dist, libraryFor } from "./library.ts";
import { inFreshNamespace, inFreshPair, type InGuests } from "./namespace.ts";
import { type Observation, Observations } from "./observe.ts";
import { guestAddresses, placeOf, withZone } from "./places.ts";
import { fill, serviceWords, type Words } from "./placeholders.ts";
import type { CaseTest } from "./plan.ts";
import { readIfThere } from "./read_or.ts";
import { addressWords, type Service } from "./services/service.ts";
import { startService } from "./services/start.ts";
import { worldSettings } from "./worlds.ts";

/** What became of one test. */
export interface Report {
  readonly test: CaseTest;
  readonly verdicts: readonly Verdict[];
  /** What the peers saw of the program under the library. */
  readonly observations: readonly Observation[];
  /** All that is known about the run under the library; undefined when it broke down. */
  readonly run?: Run;
}

/**
 * Runs and judges `test`.
 *
 * @throws {Failure} when the library cannot be built, and whatever keeps a service from starting.
 */
export async function runTest(test: CaseTest): Promise<Report> {
  const { bare, expect, policy, ports: text, services } = test.file.case;
  const ports = portSet(text);
  const target = test.guest && guests[test.guest].target;
  if (needsPrograms(test)) await buildPrograms();
  const library = await libraryFor(target, policy && join(test.file.folder, policy));

  // The program alone is right where the kernel has it all.
  const alone: CaseTest = { ...test, world: "kernel" };
  const bareRun = bare === undefined ? undefined : await perform(alone, undefined);
  const run = await perform(test, library);
  const verdicts = [
    ...judge(expect, run, ports, defaultExpectations(services)),
    judgeWitness(run.witness!.stderr),
  ];
  if (bareRun !== undefined && bare !== undefined) {
    if (bare === "same") verdicts.push(judgeSameness(bareRun, run));
    else verdicts.push(...judge(bare, bareRun, ports, {}).map(ofBareRun));
  }
  return { test, verdicts, observations: run.observations, run };
}

/** Whether any of its words names something of fixtures/programs. */
function needsPrograms({ file }: CaseTest): boolean {
  return /\{(guest|dist)\}/.test(JSON.stringify(file.case));
}

function ofBareRun(verdict: Verdict): Verdict {
  return { ...verdict, about: `bare ${verdict.about}` };
}

/** A run, and with the library the outcome of the witness. */
interface Performance extends Run {
  readonly witness?: Outcome;
}

/** One run in a namespace of its own, with the settings that the case wants. */
function perform(test: CaseTest, library: string | undefined): Promise<Performance> {
  const { portRange, sysctl, network } = test.file.case;
  const settings: Record<string, string> = { ...sysctl };
  const range = worldSettings[test.world].portRange ?? portRange;
  if (range) settings["net.ipv4.ip_local_port_range"] = range.replace("-", " ");
  return network === "pair"
    ? inFreshPair(settings, (inGuests) => performHere(test, library, inGuests))
    : inFreshNamespace(settings, () => performHere(test, library, (start) => start()));
}

/** Starts the services, launches the program among them, and collects what they saw. */
async function performHere(
  test: CaseTest,
  library: string | undefined,
  inGuests: InGuests,
): Promise<Performance> {
  const scratch = await Deno.makeTempDir({ prefix: "portpin-" });
  const observations = new Observations();
  const services = new Map<string, Service>();
  try {
    await startServices(test, scratch, observations, services);
    const words = wordsOf(test, scratch, services);
    await fillTemplates(test, words);
    const command = programCommand(test, words, library);
    const start = (command: Launch) => inGuests(() => launch(command));
    const outcome = await act(test, start, command, words, [...services.values()]);
    await settle(test, services, observations, library !== undefined);
    const seen = observations.all.map((observation) => ({ ...observation }));
    const log = test.file.case.expect.log && (await readIfThere(join(scratch, "log")) ?? "");
    const witness = library === undefined ? undefined : await callWitness(start, command);
    return { outcome, observations: seen, words, witness, log };
  } finally {
    await Promise.all([...services.values()].map((service) => service.close()));
    await Deno.remove(scratch, { recursive: true });
  }
}

/** Adds each service to `services` as it starts, so that all are closed when one cannot. */
async function startServices(
  { file, family }: CaseTest,
  scratch: string,
  observations: Observations,
  services: Map<string, Service>,
) {
  const ports = portSet(file.case.ports);
  for (const [name, specification] of Object.entries(file.case.services)) {
    const own = specification.family ?? family;
    const service = await startService(specification, {
      family: own,
      place: placeOf(file.case.network, own, specification.host),
      record: observations.recorder(name),
      scratch,
      isGuests: (port) => includesPort(ports, port),
    });
    services.set(name, service);
  }
}

function wordsOf(test: CaseTest, scratch: string, services: Map<string, Service>): Words {
  const guest = test.guest === undefined ? {} : { guest: guests[test.guest].path };
  return Object.assign(
    { ...test.values, ...guest, ...ownWords(test), scratch, dist, folder: test.file.folder },
    ...Array.from(services, ([name, { words }]) => serviceWords(name, words)),
  );
}

/** In a pair, how the guest writes its own two addresses. */
function ownWords({ file, family }: CaseTest): Words {
  if (file.case.network !== "pair") return {};
  const words = (["natural", "source"] as const).map((name) => {
    const way = family === "mapped" ? "ipv4" : family;
    const address = withZone(guestAddresses[name][way]);
    const { address: written, host } = addressWords(family, { address, port: 0 });
    return serviceWords(name, { address: written, host });
  });
  return Object.assign({}, ...words);
}

async function fillTemplates({ file }: CaseTest, words: Words) {
  for (const name of file.case.templates) {
    const text = await Deno.readTextFile(join(file.folder, name));
    await Deno.writeTextFile(join(words.scratch, name), fill(text, words));
  }
}

/** Launches the program where the guest belongs; the driver belongs to the peers. */
type Start = (command: Launch) => Running;

/** Launches the program; with a driver, as the server that the driver is a client of. */
async function act(
  { file }: CaseTest,
  start: Start,
  command: Launch,
  words: Words,
  services: Service[],
): Promise<Outcome> {
  const hear = (line: string) => services.forEach((service) => service.hear?.(line));
  const program = start({ ...command, hear });
  const { driver } = file.case;
  if (driver === undefined) return await program.outcome;
  try {
    return await drive(program, driverCommand(driver, words), services);
  } finally {
    program.kill();
  }
}

async function drive(program: Running, driver: Launch, services: Service[]): Promise<Outcome> {
  const ready = Promise.all(services.map((service) => service.ready?.()));
  const early = await Promise.race([ready.then(() => undefined), program.outcome]);
  if (early !== undefined) return early;
  const client = await launch(driver).outcome;
  program.terminate();
  const { stderr, hung } = await program.outcome;
  return { ...client, stderr, driverError: client.stderr, hung: hung || client.hung };
}

/** How long the kernel of a busy machine may take to deliver what a program has sent. */
const deliveryMs = 5_000;
const pollMs = 10;

/** Waits until everything that the program sent is observed; a missing observation costs time. */
async function settle(
  { file }: CaseTest,
  services: Map<string, Service>,
  observations: Observations,
  preloaded: boolean,
) {
  const drain = () => Promise.all([...services.values()].map((service) => service.drain()));
  await drain();
  if (!preloaded) return;
  const expected = { ...defaultExpectations(file.case.services), ...file.case.expect.observations };
  const isMissing = ([name, { count = 1 }]: [string, typeof expected[string]]) => {
    const seen = observations.all.filter(({ service }) => name === "together" || service === name);
    return seen.length < (typeof count === "number" ? count : count.min);
  };
  const end = performance.now() + deliveryMs;
  while (Object.entries(expected).some(isMissing) && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  await drain();
}

/** Far longer than a program takes to reach `main`; a server without the library would never end. */
const objectionMs = 20_000;

/**
 * Launches the program once more, with ports that cannot be used. Only the library can object, so
 * that it does shows that this very program, launched so, loads it. It has not reached `main` then,
 * or is killed at once where the policy lets it go on.
 */
async function callWitness(start: Start, command: Launch): Promise<Outcome> {
  const others = Object.entries(command.environment).filter(([name]) =>
    !name.startsWith("PORTPIN_")
  );
  const witness = start({
    ...command,
    environment: { ...Object.fromEntries(others), PORTPIN_PORTS: witnessPorts },
    hearError: (line) => {
      if (isTestimony(line)) witness.kill();
    },
  });
  const timer = setTimeout(witness.giveUp, objectionMs);
  const outcome = await witness.outcome;
  clearTimeout(timer);
  return outcome;
}
