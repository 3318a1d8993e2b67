/** The approaches that the story compares: which program runs, and what is done around it. */
import { basename, join } from "node:path";
import { guestEnvironment } from "../launch.ts";
import { buildPrograms, libraryFor } from "../library.ts";
import { preloadPath } from "../preflight/preload_path.ts";
import { worldSettings } from "../worlds.ts";

/** The ports of the story; the programs in programs/ and share.jsonc have them too. */
export const ports = { low: 50_000, high: 50_003 } as const;
export const portCount = ports.high - ports.low + 1;
const portsText = `${ports.low}-${ports.high}`;

/** The folder of the programs that the story shows and runs. */
export const programs = join(import.meta.dirname!, "programs");

export interface Approach {
  readonly name: string;
  /** The file in programs/ that connects; `plain` is the program that nobody changed. */
  readonly program: "plain" | "search" | "options";
  /** The namespace's ip_local_port_range; by default the kernel's own. */
  readonly portRange?: string;
  /** The variables of the library, where it is preloaded. */
  readonly variables?: Readonly<Record<string, string>>;
  /** A program that runs the program. */
  readonly launcher?: readonly string[];
  /** Whether it cannot be shown where the kernel has no IP_LOCAL_PORT_RANGE. */
  readonly needsRangeOption?: true;
}

export const plain: Approach = { name: "plain program", program: "plain" };
export const search: Approach = { name: "search in the program", program: "search" };
export const namespaceRange: Approach = {
  name: "range of a namespace",
  program: "plain",
  portRange: portsText,
};
export const options: Approach = {
  name: "options in the program",
  program: "options",
  needsRangeOption: true,
};

const variables = { PORTPIN_PORTS: portsText };

export const kernelEngine: Approach = {
  program: "plain",
  name: "portpin, kernel",
  variables: { ...variables, PORTPIN_ENGINE: "kernel" },
  needsRangeOption: true,
};
export const emulationEngine: Approach = {
  program: "plain",
  name: "portpin, emulation",
  variables: { ...variables, PORTPIN_ENGINE: "emulation" },
};
export const without51: Approach = {
  program: "plain",
  name: "portpin, no option 51",
  variables,
  launcher: worldSettings["without-51"].launcher,
};
export const without51And24: Approach = {
  program: "plain",
  name: "portpin, no 51, no 24",
  variables,
  launcher: worldSettings["without-51-and-24"].launcher,
};
/** What a program that asks for the options meets on a kernel that has none of them. */
export const optionsWithoutThem: Approach = {
  name: "options, where there are none",
  program: "options",
  launcher: worldSettings["without-51-and-24"].launcher,
};

export const underPortpin = [kernelEngine, emulationEngine, without51, without51And24] as const;

/** The rows of the last table. */
export const approaches = [plain, search, namespaceRange, options, ...underPortpin] as const;

export function isOurs(port: number): boolean {
  return ports.low <= port && port <= ports.high;
}

/** Whether nothing was changed in the program. */
export function isUnmodified({ program }: Approach): boolean {
  return program === "plain";
}

/**
 * All of the environment of a program under `approach`.
 *
 * @throws {Failure} when what it needs cannot be built.
 */
export async function environmentOf({ variables, launcher }: Approach) {
  if (launcher !== undefined) await buildPrograms();
  const library = variables && { ...variables, LD_PRELOAD: preloadPath(await libraryFor()) };
  return guestEnvironment({ ...library, PYTHONDONTWRITEBYTECODE: "1" });
}

/** How a reader would start `words`, a file of programs/ and its arguments; without folders. */
export function commandLine(
  { variables, launcher }: Approach,
  words: readonly string[],
): string {
  const library = variables === undefined ? {} : { ...variables, LD_PRELOAD: "libportpin.so" };
  const assigned = Object.entries(library).map(([name, value]) => `${name}=${value}`);
  const launched = (launcher ?? []).map((word) => basename(word));
  return [...assigned, ...launched, "python3", ...words].join(" ");
}
