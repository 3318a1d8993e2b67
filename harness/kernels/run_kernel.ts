/** Boots one kernel and collects what is said in it. */
import { join } from "node:path";
import { writeInitramfs } from "./initramfs.ts";
import type { Kernel } from "./kernel.ts";
import { runMachine } from "./machine.ts";
import { type Message, parseMessage } from "./messages.ts";
import type { KernelRun } from "./report.ts";
import { startScript } from "./start.ts";

/** Some four times what it takes, and more than a test takes all of whose programs hang. */
const deadlines = { end: 40 * 60_000, silence: 6 * 60_000 };

/** How much of the console is shown where a machine did not come to its end. */
const consoleLines = 20;

/** Runs the cases called `names` (none: all) under `kernel`, to its end or its deadline. */
export async function runKernel(kernel: Kernel, names: readonly string[]): Promise<KernelRun> {
  const scratch = await Deno.makeTempDir({ prefix: "portpin-kernel-" });
  const initramfs = join(scratch, "initramfs.cpio");
  const console = join(scratch, "console.log");
  try {
    const parts = join(scratch, "parts");
    await Deno.mkdir(parts);
    await writeInitramfs(initramfs, kernel, startScript(kernel.modules, names), parts);
    const messages: Message[] = [];
    const hear = (line: string) => void messages.push(parseMessage(line));
    const start = performance.now();
    const ended = await runMachine({ kernel, initramfs, console, deadlines, hear });
    const seconds = (performance.now() - start) / 1_000;
    const finished = ended === undefined && messages.at(-1)?.kind === "end";
    const problem = finished ? undefined : await describeEnd(ended, console);
    return { label: kernel.label, messages, problem, seconds };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function describeEnd(ended: string | undefined, console: string): Promise<string> {
  const text = await Deno.readTextFile(console).catch((error) => `no console: ${error.message}`);
  const last = text.trim().split("\n").slice(-consoleLines).join("\n");
  return `${ended ?? "it ended before its tests did"}; the console's last lines:\n${last}`;
}
