/** From a case's words to what is launched: argv, environment, and the preload library's place. */
import type { CaseTest } from "./plan.ts";
import { guests } from "./guests.ts";
import { guestEnvironment, type Launch } from "./launch.ts";
import { fill, type Words } from "./placeholders.ts";
import { worldSettings } from "./worlds.ts";

/** How a test's program is launched; bare when `library` is undefined. */
export function programCommand(
  test: CaseTest,
  words: Words,
  library: string | undefined,
): Launch {
  const { program, stdin, preload, environment, policy, ports } = test.file.case;
  const before = preload
    .filter((entry) => library !== undefined || entry !== "{library}")
    .map((entry) => fill(entry, { ...words, library: library ?? "" }))
    .join(":");
  const world = worldSettings[test.world];
  const plain = [...world.launcher ?? [], ...program.map((word) => fill(word, words))];
  const { argv, variables } = preloading(test, plain, before);
  const own = Object.entries(environment).map(([name, value]) =>
    [name, value === null ? null : fill(value, words)] as const
  );
  return {
    argv,
    environment: guestEnvironment({
      ...variables,
      ...(policy === undefined ? { PORTPIN_PORTS: ports } : {}),
      ...world.environment,
      ...Object.fromEntries(own),
    }),
    cwd: words.scratch,
    stdin: stdin === undefined ? undefined : fill(stdin, words),
  };
}

/** How a test's driver is launched: without the library and its variables. */
export function driverCommand(driver: readonly string[], words: Words): Launch {
  return {
    argv: driver.map((word) => fill(word, words)),
    environment: guestEnvironment({}),
    cwd: words.scratch,
  };
}

/** `argv` and the variables that make the dynamic linker of the program load `libraries` first. */
function preloading(
  { guest }: CaseTest,
  argv: string[],
  libraries: string,
): { argv: string[]; variables: Record<string, string> } {
  const variables: Record<string, string> = libraries === "" ? {} : { LD_PRELOAD: libraries };
  const emulator = guest && guests[guest].emulator;
  if (!emulator) return { argv, variables };
  // The emulator is a program of this machine; only what it runs gets the variable.
  const inner = Object.entries(variables).flatMap(([name, value]) => ["-E", `${name}=${value}`]);
  return {
    argv: [emulator.program, "-L", emulator.sysroot, ...inner, ...argv],
    variables: {},
  };
}
