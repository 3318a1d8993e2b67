// `portpin run [OPTIONS] -- PROGRAM ARGUMENTS…`: launches a program under portpin, or says why not.
//
// Everything that can be wrong is found before the program starts: the settings (by the generator's
// own validators), the program, and whether its loader really loads the library.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { build, defaultOut, root } from "../../generator/build.ts";
import { exitStatus, Failure, reportingFailure } from "../../generator/failure.ts";
import { readPolicy } from "../../generator/parse_policy.ts";
import { generalPolicy, type Policy } from "../../generator/policy.ts";
import { renderZon } from "../../generator/render_zon.ts";
import {
  environmentSettings,
  flagSetting,
  forbids,
  type Setting,
  withSettings,
} from "../../generator/settings.ts";
import { isEmpty } from "../../generator/source.ts";
import { handOver } from "../handover/handover.ts";
import { lastWords, nameOf, userEnvironment } from "../handover/wrapper.ts";
import { preflight } from "../preflight/preflight.ts";
import { preloadPath } from "../preflight/preload_path.ts";

/** What `run` and `check --program` have in common. */
export interface RunOptions {
  readonly ports?: string;
  readonly slice?: string;
  readonly source?: string;
  readonly engine?: string;
  readonly log?: string;
  readonly policy?: string;
}

/** The options that are handed to the guest as `PORTPIN_` variables. */
const settingKeys = ["ports", "slice", "source", "engine", "log"] as const;

/** Adds the options that say which ports, from where and by which policy. */
export function addRunOptions(command: Command): Command {
  return command
    .option("--ports <set>", "LOW-HIGH, a port, or several of these separated by commas")
    .option("--slice <index/count>", "use only the part INDEX (from 0) of COUNT equal parts")
    .option("--source <address>", "the address to send from: an IPv4 and/or an IPv6 one")
    .option("--engine <engine>", "how the ports are honoured: auto, kernel or emulation")
    .option("--policy <file>", "a policy file (JSONC), built into a library of its own");
}

export default addRunOptions(new Command("run"))
  .description("Launch a program whose sockets use the ports of your choice")
  .usage("[options] -- PROGRAM [ARGUMENT...]")
  .argument("<program>", "a path, or a name to be found on PATH")
  .argument("[arguments...]", "passed on as they are")
  .option("--log <file>", "append a line of JSON for each decision: an absolute path, or stderr")
  .passThroughOptions()
  .addHelpText(
    "after",
    `
Standard streams, signals and the exit status are the program's own. A program that cannot be
preloaded (static, Go, set-user-ID, another architecture) is refused: status 126; not found: 127.`,
  )
  .action(reportingFailure(async (program: string, args: string[], options: RunOptions) => {
    const { path, environment } = await prepare(program, options);
    await handOver({ program, path, words: lastWords(1 + args.length), environment });
  }));

/** A program that can be launched under the library. */
export interface Prepared {
  readonly path: string;
  /** All of its environment, as the bytes of `NAME=value` strings. */
  readonly environment: Uint8Array[];
  /** With the values that flags and variables have put in place of its own. */
  readonly policy: Policy;
  /** What LD_PRELOAD names. */
  readonly library: string;
}

/**
 * Finds everything that can be wrong with `program` (a path, or a name to be found on PATH) and with the
 * settings, and builds the library if needed.
 *
 * @throws {Failure} for what cannot be used, cannot be built or cannot be preloaded.
 */
export async function prepare(program: string, options: RunOptions): Promise<Prepared> {
  const entries = userEnvironment();
  const flags = settingKeys.flatMap((key) => {
    const text = options[key];
    return text === undefined ? [] : [flagSetting(key, text)];
  });
  const { policy, effective } = await readPolicyFor(options.policy, flags, decode(entries));
  const library = preloadPath(await provideLibrary(policy));

  const environment = guestEnvironment(entries, flags, library);
  const path = await preflight({ program, library, environment: decode(environment) });
  return { path, environment, policy: effective, library };
}

/**
 * The policy to build, after everything from outside was checked against it; and what it comes to with that.
 *
 * @throws {Failure} for a policy, flag or variable that cannot be used.
 */
async function readPolicyFor(
  file: string | undefined,
  flags: readonly Setting[],
  environment: Readonly<Record<string, string>>,
): Promise<{ policy: Policy; effective: Policy }> {
  const policy = file === undefined ? generalPolicy : await readPolicy(file);
  const variables = environmentSettings((name) => environment[name])
    .filter(({ key }) => !flags.some((flag) => flag.key === key));
  const effective = effectivePolicy(policy, variables, flags);
  const { ports, source, rules } = effective;
  const isIdle = ports.length === 0 && isEmpty(source) && rules.length === 0;
  if (isIdle && !variables.some(({ key }) => ["off", "ports", "source"].includes(key))) {
    throw new Failure(
      "portpin: Cannot run without ports or a source: give --ports LOW-HIGH, --source ADDRESS, " +
        "PORTPIN_PORTS, PORTPIN_SOURCE or a policy that has one of them",
      exitStatus.configuration,
    );
  }
  return { policy, effective };
}

/**
 * What the policy comes to in the guest. One that leaves things alone leaves it to the shim to say which
 * variables it cannot use; but the shim cannot say that of the log.
 *
 * @throws {Failure} for a flag or variable that cannot be used.
 */
function effectivePolicy(
  policy: Policy,
  variables: readonly Setting[],
  flags: readonly Setting[],
): Policy {
  if (policy.whenUnkept === "refuse") return withSettings(policy, [...variables, ...flags]);
  const without = withSettings(policy, [...variables.filter(({ key }) => key === "log"), ...flags]);
  const allowed = variables.filter((variable) => !forbids(policy, variable));
  try {
    return withSettings(policy, [...allowed, ...flags]);
  } catch (error) {
    if (error instanceof Failure) return without;
    throw error;
  }
}

/**
 * The library's absolute path. A policy's is handed to Zig every time, whose cache knows whether
 * there is anything to do; the general one is spared that, unless its source is newer.
 */
async function provideLibrary(policy: Policy): Promise<string> {
  if (policy === generalPolicy) return isCurrent(defaultOut) ? defaultOut : await build();
  const key = createHash("sha256").update(renderZon(policy)).digest("hex").slice(0, 16);
  return await build({ policy, out: join(root, ".zig-cache", "portpin", key, "libportpin.so") });
}

/** Whether the library is there, and no older than what it is built from. */
function isCurrent(library: string): boolean {
  if (!existsSync(library)) return false;
  const built = statSync(library).mtimeMs;
  const sources = readdirSync(join(root, "shim"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return [join(root, "build.zig"), ...sources].every((file) => statSync(file).mtimeMs <= built);
}

/** The user's environment, with the flags as variables, and the library before other preloads. */
function guestEnvironment(
  entries: readonly Uint8Array[],
  flags: readonly Setting[],
  library: string,
): Uint8Array[] {
  const variables = flags.map(({ key, text }) => [`PORTPIN_${key.toUpperCase()}`, text]);
  const replaced = new Set(["LD_PRELOAD", ...variables.map(([name]) => name)]);
  const others = decode(entries).LD_PRELOAD;
  variables.push(["LD_PRELOAD", others ? `${library}:${others}` : library]);
  return [
    ...entries.filter((entry) => !replaced.has(nameOf(entry))),
    ...variables.map(([name, value]) => new TextEncoder().encode(`${name}=${value}`)),
  ];
}

/** By name, for reading; of a name that stands twice the first counts, as for getenv(3). */
export function decode(entries: readonly Uint8Array[]): Record<string, string> {
  const named = entries.map((entry): [string, string] => {
    const name = nameOf(entry);
    return [name, new TextDecoder().decode(entry).slice(name.length + 1)];
  });
  return Object.fromEntries(named.reverse());
}
