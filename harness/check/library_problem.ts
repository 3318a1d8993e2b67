/** Why a process that runs already does not have the library, as far as /proc tells. */
import { readFileSync, readlinkSync } from "node:fs";
import { FileBytes } from "../preflight/file_bytes.ts";
import { isElf, parseElf } from "../preflight/elf.ts";
import { readOr } from "../read_or.ts";

/** In words; undefined when the process has `library`, or when nobody may know. */
export function libraryProblem(pid: number, library: string): string | undefined {
  const maps = readOr("", () => readFileSync(`/proc/${pid}/maps`, "utf8"));
  if (maps === "" || maps.split("\n").some((line) => line.endsWith(` ${library}`))) {
    return undefined;
  }
  const program = readOr("", () => readlinkSync(`/proc/${pid}/exe`));
  const own = programProblem(`/proc/${pid}/exe`);
  if (own !== undefined) return `${program} ${own}`;
  const environment = readOr("", () => readFileSync(`/proc/${pid}/environ`, "utf8"));
  const preloads = environment.split("\0").some((entry) =>
    entry.startsWith("LD_PRELOAD=") && entry.includes(library)
  );
  return preloads
    ? `${program} has LD_PRELOAD, but its loader did not load the library`
    : `${program} was started without LD_PRELOAD`;
}

function programProblem(path: string): string | undefined {
  return readOr(undefined, () => {
    using bytes = new FileBytes(path);
    if (!isElf(bytes)) return undefined;
    const { go, interpreter } = parseElf(bytes);
    if (go) return "is a Go program, which makes its own system calls";
    return interpreter === undefined ? "is statically linked" : undefined;
  });
}
