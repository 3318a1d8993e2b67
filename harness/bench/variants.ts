/** The ways in which one and the same program is run, so that they can be compared. */
import { join } from "node:path";
import type { PortSet } from "../../generator/ports.ts";
import { portSet } from "../judge.ts";
import { guestEnvironment } from "../launch.ts";
import { libraryFor } from "../library.ts";
import { preloadPath } from "../preflight/preload_path.ts";

export interface Variant {
  readonly name: string;
  /** The variables that make it; everything else is the same in all variants. */
  readonly variables: Readonly<Record<string, string>>;
  /** Where its source ports must lie. */
  readonly ports?: PortSet;
}

export type Variants = Readonly<
  Record<
    | "bare"
    | "portpin"
    | "portpinWhole"
    | "portpinSource"
    | "portpinRules"
    | "portpinShared"
    | "portpinNoLog",
    Variant
  >
>;

/**
 * Builds the libraries and gives the variants: without one, with the ports that the documentation
 * uses, and with all that the kernel would choose from anyway. Only in that one does the kernel
 * choose among as many ports as it does bare, so that nothing but portpin makes the difference.
 * Besides, with the documentation's ports: a source, which is loopback as the cycles' destination is,
 * 64 rules, connected UDP sockets that share ports, and a library that has no log.
 *
 * @throws {Failure} when the library cannot be built.
 */
export async function makeVariants(): Promise<Variants> {
  const library = preloadPath(await libraryFor());
  const under = (name: string, text: string): Variant => ({
    name,
    variables: { LD_PRELOAD: library, PORTPIN_PORTS: text },
    ports: portSet(text),
  });
  const source = { PORTPIN_SOURCE: "127.0.0.1" };
  const rules = await libraryFor(undefined, join(import.meta.dirname!, "rules.jsonc"));
  const shared = await libraryFor(undefined, join(import.meta.dirname!, "udp_share.jsonc"));
  const noLog = await libraryFor(undefined, join(import.meta.dirname!, "no_log.jsonc"));
  const documented = under("portpin", "60000-60511");
  return {
    bare: { name: "bare", variables: {} },
    portpin: documented,
    portpinWhole: under("portpin", "32768-60999"),
    portpinSource: { ...documented, variables: { ...documented.variables, ...source } },
    portpinRules: { ...documented, variables: { LD_PRELOAD: preloadPath(rules) } },
    portpinShared: {
      ...documented,
      variables: { ...documented.variables, LD_PRELOAD: preloadPath(shared) },
    },
    portpinNoLog: {
      ...documented,
      variables: { ...documented.variables, LD_PRELOAD: preloadPath(noLog) },
    },
  };
}

/** All of a program's environment in `variant`. */
export function environmentOf({ variables }: Variant): Record<string, string> {
  return guestEnvironment(variables);
}
