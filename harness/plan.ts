/** The tests of a case: one for each combination of its matrix and its guests. */
import { existsSync } from "node:fs";
import { portSet } from "./judge.ts";
import { countPorts } from "../generator/ports.ts";
import { kindOf, socketErrno } from "../generator/raw_socket.ts";
import { Family, type Guest, type World } from "./case.ts";
import type { CaseFile } from "./case_file.ts";
import { guests } from "./guests.ts";
import { pairProblem } from "./namespace.ts";
import { describeMissing, findInstalled } from "./servers/programs.ts";
import { missingPrograms, serverProblem } from "./servers/start.ts";
import { worldSettings, worldsOf } from "./worlds.ts";

/** One test. */
export interface CaseTest {
  readonly file: CaseFile;
  /** The value of each list of the matrix. */
  readonly values: Readonly<Record<string, string>>;
  /** How the guest addresses services that do not say themselves. */
  readonly family: Family;
  /** What `{guest}` is. */
  readonly guest?: Guest;
  readonly world: World;
  /** The case's name, and what tells this test from its others. */
  readonly id: string;
}

/** The builds of the guest that a case runs with unless it says otherwise. */
const defaultGuests: readonly Guest[] = ["glibc", "musl", "x86"];

/** What a program does apart from its libc, it does in every world: one build is enough there. */
const guestOfOtherWorlds: Guest = "glibc";

/** The tests of one case where the kernel keeps the ports, in the order of the case's values. */
export function testsOf(file: CaseFile): CaseTest[] {
  return testsIn("kernel", file);
}

/** The same in every world in which the case's promise holds. */
export function testsEverywhere(file: CaseFile): CaseTest[] {
  return worldsOf(file.case).flatMap((world) => testsIn(world, file));
}

/** The same in one world; none where the promise does not hold there. */
export function testsIn(world: World, file: CaseFile): CaseTest[] {
  if (!worldsOf(file.case).includes(world)) return [];
  const { matrix, guests = defaultGuests, program, driver = [] } = file.case;
  const lists: [string, readonly (string | number)[]][] = Object.entries(matrix);
  if ([...program, ...driver].some((word) => word.includes("{guest}"))) {
    const here = world === "kernel" ? guests : guests.filter((name) => name === guestOfOtherWorlds);
    lists.push(["guest", here]);
  }
  return combinations(lists).map((entries) => {
    const { guest, ...values } = Object.fromEntries(entries);
    const labels = entries.map(([name, value]) => `${name}=${value}`);
    if (world !== "kernel") labels.push(`world=${world}`);
    return {
      file,
      values,
      family: Family.parse(values.family ?? "ipv4"),
      guest: guest as Guest | undefined,
      world,
      id: [file.name, ...labels].join(" "),
    };
  });
}

function combinations(lists: [string, readonly (string | number)[]][]): [string, string][][] {
  return lists.reduce<[string, string][][]>(
    (all, [name, values]) =>
      all.flatMap((some) =>
        values.map((value) => [...some, [name, `${value}`] as [string, string]])
      ),
    [[]],
  );
}

/** Fewer ports than this may all be taken by other programs where no namespace keeps them away. */
const sharedPortsMin = 64;

/**
 * Why a test cannot run here; undefined when it can. `namespace` is the reason why there is no
 * network namespace, if there is none.
 */
export function skipReason(test: CaseTest, namespace: string | undefined): string | undefined {
  if (!hasProtocol(test)) return `this kernel has no ${test.file.case.protocol!.toUpperCase()}`;
  const missing = missingOf(test);
  if (missing.length > 0) return `missing: ${missing.map(describeMissing).join(", ")}`;
  const guest = test.guest && guests[test.guest];
  if (guest && !existsSync(guest.needs)) return `missing: ${guest.needs}`;
  if (namespace !== undefined && needsNamespace(test)) return namespace;
  if (test.file.case.network === "pair") {
    const problem = pairProblem();
    if (problem !== undefined) return `no pair of namespaces: ${problem}`;
  }
  return serversOf(test).map(serverProblem).find((problem) => problem !== undefined);
}

/** Whether the running kernel has the protocol that a test is about; else `deno task kernels` runs it. */
export function hasProtocol({ file }: CaseTest): boolean {
  const { protocol } = file.case;
  return protocol === undefined || socketErrno(kindOf(protocol, "ipv4")) === undefined;
}

/** The programs that a test needs and that are not installed. */
export function missingOf(test: CaseTest): string[] {
  const { program, driver = [], requires } = test.file.case;
  const emulator = test.guest && guests[test.guest].emulator?.program;
  const needed = [program[0], driver[0], emulator, ...requires]
    .filter((name) => name !== undefined && !name.includes("{")) as string[];
  const missing = needed.filter((name) => findInstalled(name) === undefined);
  missing.push(...serversOf(test).flatMap(missingPrograms));
  return [...new Set(missing)];
}

/** The real servers that a test needs behind its relays. */
function serversOf({ file }: CaseTest): string[] {
  const services = Object.values(file.case.services);
  return services.flatMap((service) => service.kind === "relay" ? [service.server] : []);
}

function needsNamespace({ file, family, world }: CaseTest): boolean {
  // There an address waits in a filter. Before Linux 4.2 anybody may attach one; 6.18, which plays
  // that kernel, demands CAP_NET_ADMIN of whoever filters TCP (EPERM, measured).
  if (world === "without-51-and-24") return true;
  const { portRange, sysctl, services, ports, network } = file.case;
  const ownAddress = Object.values(services).some((service) =>
    service.host > 1 && (service.family ?? family) === "ipv6"
  );
  const range = worldSettings[world].portRange ?? portRange;
  return network === "pair" || range !== undefined || Object.keys(sysctl).length > 0 ||
    ownAddress ||
    countPorts(portSet(ports)) < sharedPortsMin;
}
