/** The tests of a case: one for each combination of its matrix and its guests. */
import { existsSync } from "node:fs";
import { portSet } from "./judge.ts";
import { countPorts } from "../generator/ports.ts";
import { Family, type Guest } from "./case.ts";
import type { CaseFile } from "./case_file.ts";
import { guests } from "./guests.ts";
import { describeMissing, findInstalled } from "./servers/programs.ts";
import { missingPrograms, serverProblem } from "./servers/start.ts";

/** One test. */
export interface CaseTest {
  readonly file: CaseFile;
  /** The value of each list of the matrix. */
  readonly values: Readonly<Record<string, string>>;
  /** How the guest addresses services that do not say themselves. */
  readonly family: Family;
  /** What `{guest}` is. */
  readonly guest?: Guest;
  /** The case's name, and what tells this test from its others. */
  readonly id: string;
}

/** The builds of the guest that a case runs with unless it says otherwise. */
const defaultGuests: readonly Guest[] = ["glibc", "musl", "x86"];

/** The tests of one case, in the order in which the case lists its values. */
export function testsOf(file: CaseFile): CaseTest[] {
  const { matrix, guests, program, driver = [] } = file.case;
  const lists: [string, readonly (string | number)[]][] = Object.entries(matrix);
  if ([...program, ...driver].some((word) => word.includes("{guest}"))) {
    lists.push(["guest", guests ?? defaultGuests]);
  }
  return combinations(lists).map((entries) => {
    const { guest, ...values } = Object.fromEntries(entries);
    const labels = entries.map(([name, value]) => `${name}=${value}`);
    return {
      file,
      values,
      family: Family.parse(values.family ?? "ipv4"),
      guest: guest as Guest | undefined,
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
  const missing = missingOf(test);
  if (missing.length > 0) return `missing: ${missing.map(describeMissing).join(", ")}`;
  const guest = test.guest && guests[test.guest];
  if (guest && !existsSync(guest.needs)) return `missing: ${guest.needs}`;
  if (namespace !== undefined && needsNamespace(test)) return namespace;
  return serversOf(test).map(serverProblem).find((problem) => problem !== undefined);
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

function needsNamespace({ file, family }: CaseTest): boolean {
  const { portRange, sysctl, services, ports } = file.case;
  const ownAddress = Object.values(services).some((service) =>
    service.host > 1 && (service.family ?? family) === "ipv6"
  );
  return portRange !== undefined || Object.keys(sysctl).length > 0 || ownAddress ||
    countPorts(portSet(ports)) < sharedPortsMin;
}
