// Asks a program's own loader whether it will load the library, without running the program.
//
// A loader leaves out a library that it cannot load, says so on standard error at best (musl says
// nothing), and runs the program all the same. Both glibc's and musl's have a list mode, which maps
// what they would map and runs no code of it (ld.so(8), `--list`).

/** What the loader said. */
export type LoaderAnswer = { readonly loads: true } | { readonly loads: false; said: string };

/**
 * Whether the loader `interpreter` maps the library at `preload[0]` into the program at `path`.
 * `environment` is what the program will get, `LD_PRELOAD` included; all paths are absolute.
 */
export async function askLoader(
  { interpreter, path, library, environment }: {
    interpreter: string;
    path: string;
    library: string;
    environment: Readonly<Record<string, string>>;
  },
): Promise<LoaderAnswer> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(interpreter, {
      args: ["--list", path],
      clearEnv: true,
      env: loaderVariables(environment),
      stdin: "null",
    }).output();
  } catch (error) {
    return { loads: false, said: error instanceof Error ? error.message : String(error) };
  }
  const [listed, said] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  if (output.success && lists(listed, library)) return { loads: true };
  if (output.success && listed === needsNothing && !said.includes(library)) return { loads: true };
  return { loads: false, said: said.trim() || "it left the library out and gave no reason" };
}

/**
 * What glibc says in place of a list when the program needs no library, though it loads preloads;
 * one that it cannot load it still complains of (elf/rtld.c).
 */
const needsNothing = "\tstatically linked\n";

/** A line `PATH (0xADDRESS)` of glibc, or `NAME => PATH (0xADDRESS)` of musl. */
function lists(listed: string, library: string): boolean {
  return listed.split("\n").some((line) => {
    const match = /^\t(?:.* => )?(.*) \(0x[0-9a-f]+\)$/.exec(line);
    return match?.[1] === library;
  });
}

/** The variables that a loader reads; the rest may be anything and need not reach it. */
function loaderVariables(environment: Readonly<Record<string, string>>): Record<string, string> {
  const read = ([name]: [string, string]) => name.startsWith("LD_") || name === "GLIBC_TUNABLES";
  return Object.fromEntries(Object.entries(environment).filter(read));
}
