/** A virtual machine: QEMU without KVM, with the host's file system read-only and no network. */
import { installed } from "../servers/programs.ts";
import { interruption } from "./interruption.ts";
import type { Kernel } from "./kernel.ts";

/** How long a machine may run, in milliseconds; then it is ended. */
export interface Deadlines {
  /** In all. */
  readonly end: number;
  /** Without a line from its {@linkcode channel}: a machine that hangs is not waited for. */
  readonly silence: number;
}

/** What to boot. */
export interface Boot {
  readonly kernel: Kernel;
  readonly initramfs: string;
  /** The file that gets what is written to the machine's console. */
  readonly console: string;
  readonly deadlines: Deadlines;
  /** Called for each line that comes out of the machine's {@linkcode channel}. */
  readonly hear: (line: string) => void;
}

/** Where programs in the machine write lines for {@linkcode Boot.hear}: its only virtio port. */
export const channel = "/dev/$(ls /sys/class/virtio-ports)";

const memoryMiB = 2048;

/** One costs half of what two do, without KVM, and several machines run at once. */
const processors = 1;

/** No mitigations: they cost most of the time here, and nobody in there is to be kept apart. */
const commandLine = "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable";

/** Boots and waits for the end; why it did not come to it by itself, or undefined. */
export async function runMachine(boot: Boot): Promise<string | undefined> {
  // Whatever becomes of this process, the machine does not outlive it.
  const child = new Deno.Command(installed("setpriv"), {
    args: ["--pdeathsig", "KILL", installed("qemu-system-x86_64"), ...qemuArguments(boot)],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: interruption,
  }).spawn();
  const watch = new Watch(boot.deadlines, () => child.kill("SIGKILL"));
  const [{ success }, , said] = await Promise.all([
    child.status,
    forEachLine(child.stdout, (line) => {
      watch.sawLife();
      boot.hear(line);
    }),
    new Response(child.stderr).text(),
  ]);
  watch.stop();
  if (watch.verdict !== undefined) return watch.verdict;
  return success ? undefined : `QEMU failed: ${said.trim()}`;
}

type Timer = ReturnType<typeof setTimeout>;

/** Ends what takes longer than its deadlines allow, once. */
class Watch {
  /** Which deadline passed; undefined while none has. */
  verdict: string | undefined;
  readonly #deadlines: Deadlines;
  readonly #end: () => void;
  readonly #whole: Timer;
  #silence: Timer;

  constructor(deadlines: Deadlines, end: () => void) {
    this.#deadlines = deadlines;
    this.#end = end;
    this.#whole = this.#endAfter(deadlines.end, "it was ended after");
    this.#silence = this.#awaitLife();
  }

  sawLife() {
    clearTimeout(this.#silence);
    this.#silence = this.#awaitLife();
  }

  stop() {
    clearTimeout(this.#whole);
    clearTimeout(this.#silence);
  }

  #awaitLife(): Timer {
    return this.#endAfter(this.#deadlines.silence, "it was ended: it had said nothing for");
  }

  #endAfter(milliseconds: number, reason: string): Timer {
    return setTimeout(() => {
      this.stop();
      this.verdict = `${reason} ${milliseconds / 60_000} minutes`;
      this.#end();
    }, milliseconds);
  }
}

function qemuArguments({ kernel, initramfs, console }: Boot): string[] {
  return [
    ...["-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max"],
    ...["-m", `${memoryMiB}M`, "-smp", `${processors}`],
    ...["-nodefaults", "-display", "none", "-no-reboot"],
    ...["-kernel", kernel.image, "-initrd", initramfs, "-append", commandLine],
    ...["-serial", `file:${escaped(console)}`],
    "-virtfs",
    "local,path=/,mount_tag=host,readonly=on,security_model=none,multidevs=remap",
    // Not `stdio`: at the end of standard input that counts as closed, and writers in there wait.
    ...["-chardev", "file,id=messages,path=/dev/stdout", "-device", "virtio-serial-pci"],
    ...["-device", "virtserialport,chardev=messages"],
  ];
}

/** A path within one of QEMU's comma-separated options. */
function escaped(path: string): string {
  return path.replaceAll(",", ",,");
}

async function forEachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  hear: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.forEach(hear);
  }
}
