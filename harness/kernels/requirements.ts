/** What is needed to boot kernels here, and how to get what is missing. */
import { exitStatus, Failure } from "../../generator/failure.ts";
import { parseElf } from "../preflight/elf.ts";
import { FileBytes } from "../preflight/file_bytes.ts";
import { findInstalled } from "../servers/programs.ts";

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
 * @throws {Failure} that names all that is missing.
 */
export function requirePrograms({ fetching }: { fetching: boolean }): void {
  if (Deno.build.arch !== "x86_64") {
    throw cannotBoot(`the kernels are for x86_64, and this machine is ${Deno.build.arch}`);
  }
  const programs = { ...bootPrograms, ...(fetching ? fetchPrograms : {}) };
  const missing = Object.keys(programs).filter((name) => !isUsable(name));
  if (missing.length === 0) return;
  const named = missing.map((name) => name === "busybox" ? "busybox (linked statically)" : name);
  const wanted = [...new Set(missing.map((name) => programs[name]))].sort();
  const advice = "apt-get" in programs && missing.includes("apt-get")
    ? "kernels come from Debian through apt; where there is no apt, give --kernel and --modules"
    : `on Debian: apt-get install ${wanted.join(" ")}`;
  throw cannotBoot(`not installed: ${named.join(", ")} (${advice})`);
}

/** A failure that says why no kernel can be booted. */
export function cannotBoot(reason: string): Failure {
  return new Failure(`portpin: Cannot boot kernels: ${reason}`, exitStatus.configuration);
}

function isUsable(program: string): boolean {
  const path = findInstalled(program);
  if (path === undefined) return false;
  if (program !== "busybox") return true;
  using bytes = new FileBytes(path);
  return parseElf(bytes).interpreter === undefined;
}
