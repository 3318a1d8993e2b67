/**
 * The real servers that a case can name as the `server` of a `relay`, and what each of them needs
 * on this machine.
 */

import * as git from "./git.ts";
import * as postgres from "./postgres.ts";
import { ordinaryUserProblem, type Server, type ServerPlace } from "./process.ts";
import { findInstalled } from "./programs.ts";
import * as redis from "./redis.ts";
import * as sshd from "./sshd.ts";
import * as tls from "./tls.ts";

/** What each file of this folder that is a server exports. */
interface ServerModule {
  /** The programs that it launches. */
  readonly programs: readonly string[];
  /** Whether it refuses to run as root. */
  readonly ordinaryUser?: boolean;
  /** Starts it; resolves when it answers. */
  start(place: ServerPlace): Promise<Server>;
}

const modules: Readonly<Record<string, ServerModule>> = { git, postgres, redis, sshd, tls };

/** The names of all servers. */
export const serverNames: readonly string[] = Object.keys(modules);

/** Starts a server; throws `Cannot start NAME: …` when that fails. */
export function startServer(name: string, place: ServerPlace): Promise<Server> {
  return moduleOf(name).start(place);
}

/** The programs of a server that are not installed. */
export function missingPrograms(name: string): string[] {
  return moduleOf(name).programs.filter((program) => findInstalled(program) === undefined);
}

/** Why a server, whose programs are all there, cannot run here; undefined when it can. */
export function serverProblem(name: string): string | undefined {
  const problem = moduleOf(name).ordinaryUser ? ordinaryUserProblem() : undefined;
  return problem && `${name} cannot run as root, nor as an ordinary user: ${problem}`;
}

function moduleOf(name: string): ServerModule {
  if (Object.hasOwn(modules, name)) return modules[name];
  throw new Error(`Cannot start ${name}: expected one of ${serverNames.join(", ")}`);
}
