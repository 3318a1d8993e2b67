// Decides before launching whether a program can be preloaded at all, and says why not.
//
// The loader and the kernel drop a preload silently, or with a line that nobody sees, and then the
// program runs with source ports that its operator did not choose. So what cannot be preloaded is
// refused here, and of what can be, the program's own loader is asked.

import { resolve } from "node:path";
import { executableErrno } from "../libc.ts";
import { type Elf, ElfError, isElf, parseElf } from "./elf.ts";
import { FileBytes } from "./file_bytes.ts";
import { findProgram, locateProgram } from "./find_program.ts";
import { askLoader } from "./loader.ts";
import { machineName, machineTarget, sameMachine } from "./machine.ts";
import { filePrivilege, ownPrivilege, secureReason } from "./privilege.ts";
import { refusal, shown } from "./refusal.ts";
import {
  type EnvTarget,
  envTarget,
  isEnv,
  parseShebang,
  scriptsMax,
  type Shebang,
} from "./script.ts";

export interface PreflightOptions {
  /** As the user wrote it: a path when it has a slash, else a name to be found on PATH. */
  readonly program: string;
  /** The absolute path that LD_PRELOAD will name. */
  readonly library: string;
  /** What the program will get, LD_PRELOAD included. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The path to hand to execve(2).
 *
 * @throws {Failure} `Cannot run PROGRAM: reason`, with status 127 when there is no such program, and
 * 126 when there is but it cannot be run or not be preloaded.
 */
export async function preflight(options: PreflightOptions): Promise<string> {
  const { program, library, environment } = options;
  const path = findProgram(program, environment.PATH);
  const end = followScripts(program, path, environment.PATH);
  const refuse = (reason: string) =>
    refusal(program, end.path === path ? reason : `${shown(end.path)}, which runs it: ${reason}`);

  const reason = unsuitable(end.elf, library) ?? elevation(end.path);
  if (reason !== undefined) throw refuse(reason);
  const interpreter = end.elf.interpreter!;
  const answer = await askLoader({
    interpreter,
    path: resolve(end.path),
    library,
    environment,
  });
  if (answer.loads) return path;
  throw refuse(`its loader ${interpreter} does not load ${library}: ${answer.said}`);
}

/** A program that is not a script. */
interface Executable {
  readonly path: string;
  readonly elf: Elf;
}

/** What ends up being executed for the file at `path`, by the kernel and by env(1). */
function followScripts(
  program: string,
  path: string,
  searchPath: string | undefined,
): Executable {
  const foundByEnv = new Set<string>();
  let current = path;
  for (let scripts = 0; scripts <= scriptsMax; scripts++) {
    const refuse = (reason: string) =>
      refusal(program, current === path ? reason : `${shown(current)}: ${reason}`);
    const read = readProgram(current, refuse);
    if ("elf" in read) return { path: current, elf: read.elf };
    const target = isEnv(read.shebang) ? envTarget(read.shebang) : "unknown";
    if (target === "unknown") {
      current = interpreterOf(read.shebang, refuse);
    } else {
      current = foundForEnv(target, searchPath, refuse);
      if (foundByEnv.has(current)) throw refuse("its first line leads back to itself");
      foundByEnv.add(current);
      // What env executes begins a chain of its own.
      scripts = -1;
    }
  }
  throw refusal(program, `more than ${scriptsMax} scripts are each other's interpreters`);
}

type Refuse = (reason: string) => Error;

function readProgram(path: string, refuse: Refuse): { elf: Elf } | { shebang: Shebang } {
  try {
    using bytes = new FileBytes(path);
    if (isElf(bytes)) return { elf: parseElf(bytes) };
    const shebang = parseShebang(bytes);
    if (shebang !== undefined) return { shebang };
  } catch (error) {
    if (error instanceof ElfError) throw refuse(`it is a damaged ELF file: ${error.message}`);
    if (error instanceof Deno.errors.PermissionDenied) {
      throw refuse("it cannot be read, so nobody can tell whether it can be preloaded");
    }
    throw error;
  }
  throw refuse("it is neither an ELF program nor a script that begins with #!");
}

function interpreterOf({ interpreter }: Shebang, refuse: Refuse): string {
  if (executableErrno(interpreter) === undefined && Deno.statSync(interpreter).isFile) {
    return interpreter;
  }
  throw refuse(`its interpreter ${shown(interpreter)} is not there or not executable`);
}

function foundForEnv(
  target: Exclude<EnvTarget, "unknown">,
  searchPath: string | undefined,
  refuse: Refuse,
): string {
  if ("dropsPreload" in target) {
    throw refuse(`its first line drops the preload: ${target.dropsPreload}`);
  }
  const found = locateProgram(target.name, searchPath);
  if (typeof found === "string") return found;
  throw refuse(`its interpreter ${shown(target.name)}: ${found.reason}`);
}

/** What in the program itself keeps a library from being preloaded, or from being of any use. */
function unsuitable(elf: Elf, library: string): string | undefined {
  if (elf.go) {
    return "it is a Go program: Go makes its system calls itself, past any preload library";
  }
  if (elf.interpreter === undefined) {
    return elf.dynamic
      ? "it is statically linked (static-pie): no loader runs that could preload a library"
      : "it is statically linked: no loader runs that could preload a library";
  }
  using bytes = new FileBytes(library);
  const { machine } = parseElf(bytes);
  if (!sameMachine(machine, elf.machine)) return otherMachine(elf, machineName(machine));
  if (executableErrno(elf.interpreter) !== undefined) {
    return `its loader ${shown(elf.interpreter)} is not there or not executable`;
  }
}

function otherMachine({ machine }: Elf, ours: string): string {
  const target = machineTarget(machine);
  const advice = target === undefined
    ? "which portpin cannot be built for"
    : `\`portpin build --target ${target} --out FILE\` makes the one that LD_PRELOAD=FILE preloads`;
  return `it is for ${machineName(machine)}, the library for ${ours}; ${advice}`;
}

function elevation(path: string): string | undefined {
  const reason = secureReason(filePrivilege(path), ownPrivilege());
  return reason && `${reason}: the loader then ignores LD_PRELOAD`;
}
