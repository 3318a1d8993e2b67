/**
 * Debian's kernels, from where this machine's apt has its packages: the same repository, another
 * suite. A configuration of our own keeps apt from touching anything of the machine's; the packages
 * are unpacked, never installed.
 */
import { basename, join } from "node:path";
import { outputOf, textOf } from "./command_output.ts";
import type { Kernel } from "./kernel.ts";
import { cannotBoot } from "./requirements.ts";

/** A suite of Debian with its kernel. */
export interface DebianKernel {
  /** The series, such as `5.10`. */
  readonly label: string;
  readonly suite: string;
}

/** What each has of the options is in DESIGN.md. */
export const debianKernels: readonly DebianKernel[] = [
  { label: "5.10", suite: "bullseye" },
  { label: "6.1", suite: "bookworm" },
  { label: "6.12", suite: "trixie" },
];

/** The keys of all suites, past ones too, where the package debian-archive-keyring is installed. */
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * The kernel of a suite, fetched unless `cache` has it already. Delete the suite's folder in
 * `cache` to have it fetched anew.
 *
 * @throws {Failure} when apt cannot get it.
 */
export async function debianKernel({ label, suite }: DebianKernel, cache: string): Promise<Kernel> {
  const folder = join(cache, suite);
  if (!await isDirectory(folder)) {
    await Deno.mkdir(cache, { recursive: true });
    const scratch = await Deno.makeTempDir({ dir: cache, prefix: `${suite}-` });
    try {
      const tree = await fetchKernel(suite, scratch).catch((error) => {
        throw cannotBoot(`apt gives no kernel of ${suite}: ${error.message}`);
      });
      await Deno.rename(tree, folder);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  }
  return { label, ...await unpackedKernel(folder) };
}

/** Downloads and unpacks the kernel into a folder below `scratch`, which it gives. */
async function fetchKernel(suite: string, scratch: string): Promise<string> {
  const source = sourceLine(
    await indexTargets(),
    suite,
    await isFile(keyring) ? keyring : undefined,
  );
  const options = await privateApt(scratch, source);
  console.error(`portpin: fetching the kernel of Debian ${suite}`);
  await outputOf(["apt-get", ...options, "update"]);
  const depends = await textOf(["apt-cache", ...options, "depends", "linux-image-amd64"]);
  await outputOf(["apt-get", ...options, "download", imagePackage(depends)], { cwd: scratch });
  const tree = join(scratch, "tree");
  const archive = Array.from(Deno.readDirSync(scratch), ({ name }) => name)
    .find((name) => name.endsWith(".deb"))!;
  await outputOf(["dpkg-deb", "-x", join(scratch, archive), tree]);
  const { modules } = await unpackedKernel(tree);
  // DIR/lib/modules/RELEASE, as depmod wants them named.
  await outputOf(["depmod", "-b", join(modules, "..", "..", ".."), basename(modules)]);
  return tree;
}

/** One `ORIGIN LABEL COMPONENT URI` a line, with tabs, for each index that apt has a list of. */
function indexTargets(): Promise<string> {
  const format = ["ORIGIN", "LABEL", "COMPONENT", "REPO_URI"].map((key) => `$(${key})`).join("\t");
  return textOf(["apt-get", "indextargets", "--format", format, "Created-By: Packages"]);
}

/**
 * The line of a sources.list for `suite` in the repository that this machine has Debian from, by
 * what apt says of its indices. `keys` is a file of keys to trust instead of apt's own.
 *
 * @throws {Error} when apt has no such repository.
 */
export function sourceLine(targets: string, suite: string, keys: string | undefined): string {
  const rows = targets.trim().split("\n").map((line) => line.split("\t"));
  const main = rows.find(([origin, label, component]) =>
    origin === "Debian" && label === "Debian" && component === "main"
  );
  if (main === undefined) {
    throw new Error(
      "apt has no list of Debian's main repository (apt-get update fetches it where apt's " +
        "sources name one)",
    );
  }
  const signed = keys === undefined ? "" : ` signed-by=${keys}`;
  return `deb [arch=amd64${signed}] ${main[3]} ${suite} main`;
}

/** Makes the folders that apt wants below `scratch`; the options that have it use nothing else. */
async function privateApt(scratch: string, source: string): Promise<string[]> {
  for (const folder of ["lists/partial", "cache/archives/partial"]) {
    await Deno.mkdir(join(scratch, folder), { recursive: true });
  }
  await Deno.writeTextFile(join(scratch, "sources.list"), `${source}\n`);
  const settings = {
    "Dir::Etc::SourceList": join(scratch, "sources.list"),
    "Dir::Etc::SourceParts": "-",
    "Dir::State::Lists": join(scratch, "lists"),
    "Dir::State::Status": "/dev/null",
    "Dir::Cache": join(scratch, "cache"),
    "Acquire::Languages": "none",
    // What cannot be fetched is a failure, not a warning.
    "APT::Update::Error-Mode": "any",
    // A suite that is no longer cared for is what we are after.
    "Acquire::Check-Valid-Until": "false",
    // The folders are ours; as root, apt would else become a user who cannot write there.
    "APT::Sandbox::User": "root",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/**
 * The package of the kernel that linux-image-amd64 stands for, by the words of `apt-cache depends`.
 *
 * @throws {Error} when there is none.
 */
export function imagePackage(depends: string): string {
  const found = /^\s*Depends: (linux-image-\S+)$/m.exec(depends);
  if (found === null) throw new Error("its linux-image-amd64 depends on no linux-image");
  return found[1];
}

/** Where an unpacked package has what is booted. Since trixie /lib is in /usr. */
async function unpackedKernel(tree: string): Promise<Pick<Kernel, "image" | "modules">> {
  const image = onlyName(join(tree, "boot"), "vmlinuz-");
  const release = image.slice("vmlinuz-".length);
  const old = join(tree, "lib", "modules", release);
  const modules = await isDirectory(old) ? old : join(tree, "usr", "lib", "modules", release);
  return { image: join(tree, "boot", image), modules };
}

function onlyName(folder: string, prefix: string): string {
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
  const found = names.filter((name) => name.startsWith(prefix));
  if (found.length === 1) return found[0];
  throw new Error(`expected one ${prefix}* in ${folder}, got ${found.length}`);
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path))?.isDirectory ?? false;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path))?.isFile ?? false;
}

async function stat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
