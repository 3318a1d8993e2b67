/** The initial file system of a virtual machine: busybox, a few modules, `init` and what it starts. */
import { basename, join } from "node:path";
import { installed } from "../servers/programs.ts";
import { outputOf, textOf } from "./command_output.ts";
import type { Kernel } from "./kernel.ts";
import { cannotBoot } from "./requirements.ts";

/** What `init` needs, and the channel that messages take. */
const wanted = ["virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console"];

/**
 * Writes a cpio archive to `file`; `start` is the shell script that runs once the host's file
 * system is there. `scratch` is an empty folder for the parts.
 */
export async function writeInitramfs(
  file: string,
  kernel: Kernel,
  start: string,
  scratch: string,
): Promise<void> {
  for (const folder of ["bin", "modules"]) await Deno.mkdir(join(scratch, folder));
  await Deno.copyFile(installed("busybox"), join(scratch, "bin", "busybox"));
  await Deno.copyFile(join(import.meta.dirname!, "init"), join(scratch, "init"));
  await Deno.chmod(join(scratch, "init"), 0o755);
  await Deno.writeTextFile(join(scratch, "start"), start);
  await copyModules(kernel, scratch);
  const names = ["bin", "bin/busybox", "init", "start", "modules", ...namesIn(scratch, "modules")];
  const archive = await outputOf(["busybox", "cpio", "-o", "-H", "newc"], {
    cwd: scratch,
    input: names.join("\n"),
  });
  await Deno.writeFile(file, archive);
}

/** Copies the modules, and the order in which they are to be loaded. */
async function copyModules(kernel: Kernel, scratch: string): Promise<void> {
  const files = await modulesToLoad(kernel);
  for (const file of files) await Deno.copyFile(file, join(scratch, "modules", basename(file)));
  const order = files.map((file) => `/modules/${basename(file)}\n`).join("");
  await Deno.writeTextFile(join(scratch, "modules", "order"), order);
}

/** The files of `wanted` and of all they depend on, in order, but for what is built in. */
async function modulesToLoad({ modules }: Kernel): Promise<string[]> {
  // modprobe wants DIR/lib/modules/RELEASE, and a kernel's modules may lie anywhere.
  const tree = await Deno.makeTempDir({ prefix: "portpin-" });
  try {
    await Deno.mkdir(join(tree, "lib", "modules"), { recursive: true });
    await Deno.symlink(modules, join(tree, "lib", "modules", "release"));
    const argv = ["modprobe", "-C", "/dev/null", "-d", tree, "-S", "release", "--show-depends"];
    const shown = await textOf([...argv, "-a", ...wanted]).catch((error) => {
      throw cannotBoot(`${modules} lacks what booting needs: ${error.message}`);
    });
    const files = insertedFiles(shown);
    return await Promise.all(files.map((file) => Deno.realPath(file)));
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
}

/** The files that `modprobe --show-depends` would insert, each once. */
export function insertedFiles(shown: string): string[] {
  const files = [...shown.matchAll(/^insmod (\S+)/gm)].map(([_, file]) => file);
  return [...new Set(files)];
}

function namesIn(scratch: string, folder: string): string[] {
  return Array.from(Deno.readDirSync(join(scratch, folder)), ({ name }) => `${folder}/${name}`);
}
