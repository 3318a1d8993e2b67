/** The script that a virtual machine runs once it has the host's file system. */
import { join } from "node:path";
import { root } from "../../generator/build.ts";
import { librariesVariable } from "../library.ts";
import { channel } from "./machine.ts";

/** A shell script that runs inside.ts on the cases called `names`, then switches the machine off. */
export function startScript(modules: string, names: readonly string[]): string {
  const inNamespace = deno(join(root, "harness", "namespace.ts"), "--");
  const inside = deno(join(import.meta.dirname!, "inside.ts"), ...names);
  return [
    // What udev would make.
    "ln -s /proc/self/fd /dev/fd",
    "mkdir -p /dev/shm /lib/modules/$(uname -r)",
    "mount -t tmpfs tmpfs /dev/shm",
    // The kernel loads the rest, such as sctp and tcp_diag, when it is first asked for.
    `mount --bind ${quoted(modules)} /lib/modules/$(uname -r)`,
    ...environment().map(([name, value]) => `export ${name}=${quoted(value)}`),
    `cd ${quoted(root)}`,
    `${[...inNamespace, ...inside].map(quoted).join(" ")} </dev/null >${channel} 2>/dev/console`,
    "echo o >/proc/sysrq-trigger",
    // Switching off takes a moment, in which the first process must not end.
    "sleep 60",
  ].join("\n");
}

/** Without V8's compilers: an emulated processor loses more by new code than by slow code. */
function deno(...words: string[]): string[] {
  return [Deno.execPath(), "run", "-A", "--quiet", "--v8-flags=--jitless", ...words];
}

/** This process's own, so that the same programs and caches are found. */
function environment(): [string, string][] {
  const kept = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "USER", "LOGNAME"];
  const values = kept.map((name) => [name, Deno.env.get(name)] as const);
  return [
    ...values.filter((entry): entry is [string, string] => entry[1] !== undefined),
    // Scratch files need not go through the overlay.
    ["TMPDIR", "/dev/shm"],
    ["DENO_NO_UPDATE_CHECK", "1"],
    [librariesVariable, "built"],
  ];
}

/** A word of the shell that stands for `text`, whatever it holds. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
