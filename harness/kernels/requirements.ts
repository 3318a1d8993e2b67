/** What is needed to boot kernels here, and how to get what is missing. */
import { exitStatus, Failure } from "../../generator/failure.ts";
import { parseElf } from "../preflight/elf.ts";
import { FileBytes } from "../preflight/file_bytes.ts";
import { findFile, findInstalled } from "../servers/programs.ts";

/** Programs with the Debian package of each. */
type Programs = Readonly<Record<string, string>>;

/** For booting any kernel. busybox must be linked statically: it runs before there is a libc. */
const bootPrograms: Programs = {
  "qemu-system-x86_64": "qemu-system-x86",
  busybox: "busybox-static",
  ip: "iproute2",
  modprobe: "kmod",
  setpriv: "util-linux",
};

/** Besides these, for fetching Debian's kernels. */
const fetchPrograms: Programs = {
  "apt-cache": "apt",
  "apt-get": "apt",
  depmod: "kmod",
  "dpkg-deb": "dpkg",
};

/**
 * Makes sure that kernels can be booted, and with `fetching` also had from Debian.
 *
 * @throws {Failure} that names all that is missing, or cannot be used.
 */
export function requirePrograms({ fetching }: { fetching: boolean }): void {
  if (Deno.build.arch !== "x86_64") {
    throw cannotBoot(`the kernels are for x86_64, and this machine is ${Deno.build.arch}`);
  }
  const programs = { ...bootPrograms, ...(fetching ? fetchPrograms : {}) };
  const problems = Object.keys(programs).flatMap((name) => {
    const problem = problemOf(name);
    return problem === undefined ? [] : [{ name, problem }];
  });
  if (problems.length === 0) return;
  const wanted = new Set(problems.map(({ name }) => programs[name]));
  const advice = fetching && wanted.has("apt")
    ? "kernels come from Debian through apt; where there is no apt, give --kernel and --modules"
    : `on Debian: apt-get install ${[...wanted].sort().join(" ")}`;
  throw cannotBoot(`${problems.map(({ problem }) => problem).join(", ")} (${advice})`);
}

/** A failure that says why no kernel can be booted. */
export function cannotBoot(reason: string): Failure {
  return new Failure(`portpin: Cannot boot kernels: ${reason}`, exitStatus.configuration);
}

/** Why a program cannot be used; undefined when it can. */
function problemOf(name: string): string | undefined {
  const path = findInstalled(name);
  if (path === undefined) {
    const file = findFile(name);
    return file === undefined ? `${name} is not installed` : `${file} is not executable`;
  }
  if (name !== "busybox") return undefined;
  using bytes = new FileBytes(path);
  return parseElf(bytes).interpreter === undefined ? undefined : `${path} is not linked statically`;
}
